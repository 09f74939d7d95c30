"""Why a step does not go on. No message holds a token, nor text that AWS or Redis answered."""


class RecoveryError(Exception):
    """A step stopped, and the message says why in plain words."""


class BusyError(RecoveryError):
    """AWS is busy, throttles or does not answer, or Redis is not there yet: it is tried again."""


class RefusedError(RecoveryError):
    """AWS refused a call for a reason that waiting does not mend."""

    def __init__(self, doing: str, code: str) -> None:
        super().__init__(f"AWS refused to {doing}: {code}")
        self.code = code


class NoSnapshotError(RecoveryError):
    """There is no automatic snapshot that could be restored."""


class ManifestError(RecoveryError):
    """The manifest is not what was deployed."""


class RestoreFailedError(RecoveryError):
    """ElastiCache did not make the group."""


class TooLateError(RecoveryError):
    """The group was not there in the time that a restore may take."""


class SentinelsError(RecoveryError):
    """Sentinels are missing or altered: the backup is not what was written."""


class StillThereError(RecoveryError):
    """The group could not be removed in the time that a removal may take."""
