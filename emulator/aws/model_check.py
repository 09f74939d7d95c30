"""In front of every service: refuses requests that AWS would refuse, and records answers.

Each request is checked against botocore's model; of S3's the bodies that are stored are not. The
names of each answer's fields are recorded, so that a test can compare them with AWS's samples.
"""

import json
import re
import threading
from collections import Counter
from functools import cache, partial
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import OperationModel
from botocore.parsers import create_parser
from ministack.app import SERVICE_HANDLERS  # type: ignore[import-not-found]

from aws_rules.answers import fields
from emulator import model
from emulator.aws.services import Answer, Handler, Request
from emulator.elasticache.wire import AwsError, error_to_xml

# By ministack's names: each service that this project calls.
_NAMED_ALIKE = (
    *("chatbot", "cloudformation", "ec2", "elasticache", "events", "iam", "kms", "lambda", "logs"),
    *("s3", "scheduler", "secretsmanager", "sns", "sqs", "ssm", "sts"),
)
_SERVICES = dict(zip(_NAMED_ALIKE, _NAMED_ALIKE, strict=True)) | {
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "states": "stepfunctions",
}
_OUTSIDE_PATH = ("querystring", "header")
_RECORDED = 20  # answers of one operation: an alarm's figures are asked for thousands of times


class ModelCheck:
    """Checks requests and records the fields of answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, set[str]] = {}
        self._counts = Counter[str]()

    def mount(self) -> None:
        """Wrap the services that are mounted by now."""
        for ours, service in _SERVICES.items():
            SERVICE_HANDLERS[ours] = partial(self._guarded, service, SERVICE_HANDLERS[ours])

    def answers(self) -> dict[str, list[str]]:
        """Paths of all fields that were answered, by operation, like elasticache:DescribeUsers."""
        with self._lock:
            return {operation: sorted(paths) for operation, paths in self._answers.items()}

    async def _guarded(self, service: str, handler: Handler, *parts: Any) -> Answer:
        request = Request(*parts)
        called = _operation(service, request)
        if called is None:
            return await handler(*request)
        try:
            _check(called, request)
        except model.MalformedError as malformed:
            return _refused(called, str(malformed))
        answer = await handler(*request)
        self._note(f"{service}:{called.name}", called, answer)
        return answer

    def _note(self, name: str, called: OperationModel, answer: Answer) -> None:
        status, headers, body = answer
        self._counts[name] += 1
        if status >= 300 or self._counts[name] > _RECORDED or called.output_shape is None:
            return
        response = {"status_code": status, "headers": headers, "body": body}
        parser = create_parser(called.service_model.resolved_protocol)
        parsed = parser.parse(response, called.output_shape)
        with self._lock:
            self._answers.setdefault(name, set()).update(fields(called.output_shape, parsed))


def _operation(service: str, request: Request) -> OperationModel | None:
    """The operation that is called; None for one that botocore lacks, or another protocol."""
    api = model.service(service)
    if "cbor" in request.headers.get("content-type", ""):
        return None
    if api.resolved_protocol == "json":
        name = request.action
    elif api.resolved_protocol.startswith("rest-"):
        given = {*request.query, *request.headers}
        matching = (
            name
            for name, verb, uri, needs in _routes(service)
            if verb == request.method and uri(request.path) and needs <= given
        )
        name = next(matching, "")
    else:
        name = request.form.get("Action", "")
    return api.operation_model(name) if name in api.operation_names else None


@cache
def _routes(service: str) -> list[tuple[str, str, Any, set[str]]]:
    """Name, method, match of the path, and what its query and headers need; the most first."""
    api = model.service(service)
    routes = []
    for name in api.operation_names:
        called = api.operation_model(name)
        path, _, constants = called.http["requestUri"].partition("?")
        uri = re.sub(r"\\\{\w+\\\+\\\}", ".+", re.escape(path))
        uri = re.sub(r"\\\{\w+\\\}", "[^/]+", uri) + "/?"
        shape: Any = called.input_shape
        needs = {
            place["name"]
            for member in (shape.required_members if shape else ())
            if (place := shape.members[member].serialization).get("location") in _OUTSIDE_PATH
        }
        needs |= dict(parse_qsl(constants, keep_blank_values=True)).keys()
        routes.append((name, called.http["method"], re.compile(uri).fullmatch, needs))
    return sorted(routes, key=lambda route: -len(route[3]))


def _check(called: OperationModel, request: Request) -> None:
    """Raises MalformedError."""
    shape: Any = called.input_shape
    body = request.body
    protocol = called.service_model.resolved_protocol
    if protocol in ("query", "ec2"):
        model.of_form(called, request.form)
    elif protocol == "rest-xml":
        model.of_rest(called, request.query, request.headers, body)
    elif shape is None or "payload" in shape.serialization or not body:
        return
    elif protocol == "json":
        model.check(shape, json.loads(body))
    elif protocol == "rest-json":
        members = {
            member.serialization.get("name", key): member for key, member in shape.members.items()
        }
        for name, value in json.loads(body).items():
            if name not in members:
                raise model.MalformedError(f'Unknown parameter in input: "{name}"')
            model.check(members[name], value)


def _refused(called: OperationModel, words: str) -> Answer:
    """Codes of AWS's lists of common errors; words unverified."""
    if called.service_model.resolved_protocol in ("query", "ec2", "rest-xml"):
        xml = error_to_xml(AwsError("ValidationError", words))
        return 400, {"Content-Type": "text/xml"}, xml.encode()
    content = json.dumps({"__type": "SerializationException", "message": words}).encode()
    kind = {"Content-Type": "application/json", "x-amzn-errortype": "SerializationException"}
    return 400, kind, content
