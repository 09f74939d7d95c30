"""Requests checked against botocore's service models, as AWS's own front ends check them.

What a refusal of an unknown or ill-typed member says is unverified; that there is one is not: AWS
deserialises each request by the model that botocore ships.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.utils import parse_timestamp
from botocore.validate import ParamValidator

Params = dict[str, Any]


class MalformedError(Exception):
    """A request with a member that the operation lacks, or of another type. Repeats no value."""


@cache
def service(name: str) -> ServiceModel:
    """The model of a service, by boto3's name."""
    return botocore.session.get_session().get_service_model(name)


def form(headers: Mapping[str, str], body: bytes) -> list[tuple[str, str]]:
    """The fields of a form; none of a body in another format."""
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return []
    return parse_qsl(body.decode(), keep_blank_values=True)


def check(shape: Shape, value: Any) -> None:
    """Raises MalformedError unless a value is of a shape."""
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        # Of a wrong type the report repeats the value, which may be a password.
        lines = [line.partition(", value:")[0] for line in report.generate_report().splitlines()]
        raise MalformedError("; ".join(lines))


def of_form(operation: OperationModel, fields: Mapping[str, str]) -> Params:
    """The parameters that a form has, checked, for the query protocol and EC2's of its own."""
    unread = {key: value for key, value in fields.items() if key not in ("Action", "Version")}
    params: Params = {}
    if operation.input_shape is not None:
        ec2 = operation.service_model.protocol == "ec2"
        params = _value(operation.input_shape, unread, "", ec2) or {}
        if not unread:
            check(operation.input_shape, params)
    if unread:
        raise MalformedError(f'Unknown parameter in input: "{min(unread)}"')
    return params


def of_rest(
    operation: OperationModel, query: Mapping[str, Any], headers: Mapping[str, str], body: bytes
) -> None:
    """Check a request of REST with XML: S3's. Raises MalformedError.

    A body that is an object is stored and not looked at. One that is a structure is refused: no
    caller sends one.
    """
    shape: Any = operation.input_shape
    there: dict[str, dict[str, str]] = {kind: {} for kind in ("querystring", "header", "headers")}
    for member in shape.members.values():
        if (place := member.serialization.get("location")) in there:
            there[place][member.serialization["name"].lower()] = member.type_name
    constants = dict(parse_qsl(operation.http["requestUri"].partition("?")[2], True))
    for name, values in query.items():
        if name not in {*constants, "x-id"}:
            _sent_as(there["querystring"], name, values)
    for name, value in headers.items():
        prefixed = any(map(name.startswith, there["headers"]))
        if name.startswith("x-amz-") and not prefixed and not _SIGNED.match(name):
            _sent_as(there["header"], name, value)
    payload = shape.members.get(shape.serialization.get("payload"))
    if body and payload is not None and payload.type_name == "structure":
        raise MalformedError(f"{operation.name} has a body of XML, which is not rehearsed")


# What signs a request, or frames its body, is no member of an operation.
_SIGNED = re.compile("x-amz-(date|security|content-sha256|user-agent|decoded|trailer|te$)")


def _sent_as(known: Mapping[str, str], name: str, values: Any) -> None:
    if name.lower() not in known:
        raise MalformedError(f'Unknown parameter in input: "{name}"')
    for value in values if isinstance(values, list) else [values]:
        if known[name.lower()] in ("boolean", "integer", "long"):
            _scalar(known[name.lower()], value, name)


def _value(shape: Any, unread: dict[str, str], name: str, ec2: bool) -> Any:
    kind = shape.type_name
    if kind not in ("structure", "list", "map"):
        return _scalar(kind, unread.pop(name), name) if name in unread else None
    if kind == "list" and unread.get(name) == "":  # how an empty one is sent
        del unread[name]
        return []
    if name and not any(key.startswith(f"{name}.") for key in unread):
        return None
    if kind == "structure":
        members = {
            member: _value(inner, unread, f"{name}.{_sent(inner, member, ec2)}".lstrip("."), ec2)
            for member, inner in shape.members.items()
        }
        return {member: value for member, value in members.items() if value is not None}
    flat = ec2 or shape.serialization.get("flattened")
    if kind == "list":
        at = name if flat else f"{name}.{_sent(shape.member, 'member', ec2)}"
        return _all(lambda item: _value(shape.member, unread, f"{at}.{item}", ec2))
    at = name if flat else f"{name}.entry"
    pairs = _all(
        lambda item: tuple(
            _value(inner, unread, f"{at}.{item}.{_sent(inner, part, ec2)}", ec2)
            for inner, part in ((shape.key, "key"), (shape.value, "value"))
        )
    )
    return dict(pairs)


def _all(item: Callable[[int], Any]) -> list[Any]:
    values = []
    for number in count(1):
        value = item(number)
        if value is None or value == (None, None):
            break
        values.append(value)
    return values


def _sent(shape: Shape, member: str, ec2: bool) -> str:
    name: str = shape.serialization.get("name", member)
    if not ec2:
        return name
    return str(shape.serialization.get("queryName", name[0].upper() + name[1:]))


def _scalar(kind: str, text: str, name: str) -> Any:
    try:
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
        return parse_timestamp(text) if kind == "timestamp" else text
    except (KeyError, ValueError):
        raise MalformedError(f"Invalid type for parameter {name}: no {kind}") from None
