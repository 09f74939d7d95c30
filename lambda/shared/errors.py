"""Why a step does not go on. No message ever holds a token, nor text that AWS or Redis answered."""


class StoppedError(Exception):
    """A step stopped, and the message says why in plain words."""


class NotYetError(StoppedError):
    """Ordinary waiting: the same call succeeds later, without anybody doing anything."""


class UnreachableError(NotYetError):
    """Redis gave no answer to a login. This says nothing about the token."""


class TokenRefusedError(StoppedError):
    """Redis refused the token at a login."""


class DisagreementError(StoppedError):
    """Redis refuses AWSCURRENT's token, or it is nothing that ElastiCache takes for a password."""


class WrongVersionError(StoppedError):
    """The call names a secret or a version that is not being rotated."""


class AwsRefusedError(StoppedError):
    """AWS refused a call for a reason that waiting does not fix."""

    def __init__(self, operation: str, code: str) -> None:
        super().__init__(f"AWS refused {operation}: {code}")
        self.code = code
