"""AWS's answers, in which a field that is missing is an error with the operation's name."""

from typing import Any

import boto3


class MissingFieldError(KeyError):
    """Code reads a field that an answer lacks; its argument names operation and field."""


class _Fields(dict[str, Any]):
    """A structure of an answer."""

    def __init__(self, fields: dict[str, Any], operation: str, path: str) -> None:
        super().__init__({key: _named(one, operation, path + key) for key, one in fields.items()})
        self._where = f"AWS's answer to {operation} has no", path

    def __missing__(self, field: str) -> Any:
        says, path = self._where
        raise MissingFieldError(f"{says} {path}{field}")


def _named(value: Any, operation: str, path: str) -> Any:
    if isinstance(value, list):
        return [_named(one, operation, f"{path}[]") for one in value]
    if type(value) is dict:  # a template's body is an OrderedDict, whose keys are not AWS's
        return _Fields(value, operation, f"{path}." if path else "")
    return value


class _Watched:
    """The base class of clients that `watched` makes."""

    def _make_api_call(self, operation: str, parameters: dict[str, Any]) -> Any:
        answer = super()._make_api_call(operation, parameters)  # type: ignore[misc] # botocore's
        service = self.meta.service_model.service_name  # type: ignore[attr-defined]
        return _named(answer, f"{service} {operation}", "")


def watched(session: boto3.Session) -> boto3.Session:
    """The session, whose clients' answers raise MissingFieldError for a field that they lack."""

    def extend(base_classes: list[type], **_: object) -> None:
        base_classes.insert(0, _Watched)

    session.events.register("creating-client-class", extend)
    return session
