"""Every call to AWS that a function makes, with its role and what it names."""

import json
import threading
import time
from functools import partial
from typing import Any
from urllib.parse import unquote

from ministack.app import SERVICE_HANDLERS  # type: ignore[import-not-found]
from ministack.core.iam_actions import extract_iam_action  # type: ignore[import-not-found]
from ministack.core.router import extract_access_key_id  # type: ignore[import-not-found]

from emulator import model
from emulator.aws.patches.functions import FUNCTION_OF_KEY
from emulator.aws.services import Answer, Handler, Request
from emulator.iam.reference import IDENTIFYING

Parameters = dict[str, list[str]]


class Calls:
    """In front of every service; only calls of functions are recorded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[dict[str, Any]] = []

    def record(self) -> None:
        """Begin; services that are mounted later are not seen."""
        for name, handler in list(SERVICE_HANDLERS.items()):
            SERVICE_HANDLERS[name] = partial(self._recorded, name, handler)

    def history(self) -> list[dict[str, Any]]:
        """Each call so far: function, role, host, IAM action, identifying parameters, status, time.

        `parameters` holds a list for each name, and never a value that is stored, sent or read.
        """
        with self._lock:
            return list(self._calls)

    async def _recorded(self, service: str, handler: Handler, *parts: Any) -> Answer:
        answer = await handler(*parts)
        request = Request(*parts)
        caller = FUNCTION_OF_KEY.get(extract_access_key_id(request.headers, request.query) or "")
        if caller is not None:
            named = _of_bucket(request) if service == "s3" else _parameters(request)
            call = {
                **caller,
                "host": request.headers.get("host", ""),
                "action": _action(service, request),
                "parameters": {key: named[key] for key in named.keys() & IDENTIFYING},
                "status": answer[0],
                "time": time.time(),
            }
            with self._lock:
                self._calls.append(call)
        return answer


def _action(service: str, request: Request) -> str:
    fields = {name: [value] for name, value in request.form.items()} | request.query
    action: str | None = extract_iam_action(service, *request[:-1], fields)
    return action or f"{service}:{request.method} {request.path}"


def _parameters(request: Request) -> Parameters:
    """The query protocol's fields, a list's under the list's name, or a JSON body's.

    Lambda names its function in the path.
    """
    named: Parameters = {}
    for name, value in model.form(request.headers, request.body):
        named.setdefault(name.partition(".")[0], []).append(value)
    if "json" in request.headers.get("content-type", "") and request.body:
        for name, value in json.loads(request.body).items():
            named[name] = [*map(str, value)] if isinstance(value, list) else [str(value)]
    if function := request.path.partition("/functions/")[2].partition("/")[0]:
        named["FunctionName"] = [unquote(function)]
    return named


def _of_bucket(request: Request) -> Parameters:
    """S3 names its bucket and object in the path, a prefix in the query; a body is stored."""
    bucket, _, key = request.path.lstrip("/").partition("/")
    named = {"Bucket": [bucket], "Object": [f"{bucket}/{key}"]}
    if prefix := request.query.get("prefix"):
        named["Prefix"] = prefix if isinstance(prefix, list) else [prefix]
    return named
