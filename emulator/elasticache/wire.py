"""The query protocol by botocore's model: form fields in, XML or an error out."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC
from functools import partial
from typing import Any
from xml.sax.saxutils import escape

from emulator import model

MODEL = model.service("elasticache")
NAMESPACE = "http://elasticache.amazonaws.com/doc/2015-02-02/"

Params = dict[str, Any]


class AwsError(Exception):
    """An answer that is an error, with its status in botocore's model. It never holds a token."""

    http_status = 400

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        shape = MODEL.shape_for_error_code(code)
        if shape is not None:
            self.http_status = shape.metadata["error"]["httpStatusCode"]


# A parameter that has no meaning by itself, some that exclude each other, a group that is busy.
invalid_value = partial(AwsError, "InvalidParameterValue")
invalid_combination = partial(AwsError, "InvalidParameterCombination")
group_state = partial(AwsError, "InvalidReplicationGroupState")


def cluster_not_found(name: str) -> AwsError:
    """No member of this id."""
    return AwsError("CacheClusterNotFound", f"CacheCluster not found: {name}")


class NotRehearsedError(AwsError):
    """AWS would do this and the rehearsal cannot: it says so instead of pretending."""

    http_status = 501

    def __init__(self, what: str) -> None:
        super().__init__("NotRehearsed", f"The rehearsal cannot do this, AWS can: {what}")


def parse(action: str, fields: Mapping[str, str]) -> Params:
    """A form as the model's nested and typed parameters. Raises AwsError."""
    if action not in MODEL.operation_names:
        raise AwsError("InvalidAction", f"Could not find operation {action}.")
    try:
        return model.of_form(MODEL.operation_model(action), fields)
    except model.MalformedError as malformed:
        raise AwsError("ValidationError", str(malformed)) from None


def tags(params: Params) -> dict[str, str]:
    """The request's tags as a dictionary."""
    return {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags") or []}


def page(items: list[Any], name: str, params: Params) -> dict[str, Any]:
    """One page of a listing: at most MaxRecords (20 to 100, 100 if left out) from Marker on."""
    size = params.get("MaxRecords", 100)
    if not 20 <= size <= 100:
        raise invalid_value("MaxRecords must be between 20 and 100.")
    marker = params.get("Marker", "0")
    if not marker.isdecimal():
        raise invalid_value("Invalid Marker.")
    start = int(marker)
    more = str(start + size) if start + size < len(items) else None
    return {name: items[start : start + size], "Marker": more}


def to_xml(action: str, result: Mapping[str, Any]) -> str:
    """A successful answer. Raises KeyError for a member that the model lacks."""
    shape = MODEL.operation_model(action).output_shape
    content = "".join(_members(shape, result)) if shape else ""
    return (
        f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{content}</{action}Result>'
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        f"</{action}Response>"
    )


def error_to_xml(error: AwsError) -> str:
    """An answer that is an error."""
    who = "Sender" if error.http_status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{who}</Type>'
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )


def _members(shape: Any, values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        member = shape.members[name]
        if value is not None:
            yield _element(member.serialization.get("name", name), member, value)


def _element(name: str, shape: Any, value: Any) -> str:
    if shape.type_name == "structure":
        inside = "".join(_members(shape, value))
    elif shape.type_name == "list":
        item = shape.member.serialization.get("name", "member")
        inside = "".join(_element(item, shape.member, each) for each in value)
    elif shape.type_name == "timestamp":
        inside = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    else:
        inside = escape(str(value).lower() if isinstance(value, bool) else str(value))
    return f"<{name}>{inside}</{name}>"
