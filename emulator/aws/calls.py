"""Every call to AWS that a function makes, with its role and what it names."""

import json
import threading
import time
from typing import Any
from urllib.parse import unquote

from ministack.app import SERVICE_HANDLERS  # type: ignore[import-not-found]
from ministack.core.iam_actions import extract_iam_action  # type: ignore[import-not-found]
from ministack.core.router import extract_access_key_id  # type: ignore[import-not-found]

from emulator import model
from emulator.aws.patches.functions import FUNCTION_OF_KEY
from emulator.aws.services import Answer, Handler
from emulator.iam.reference import IDENTIFYING

Parameters = dict[str, list[str]]


class Calls:
    """Stands in front of every service; what is not called by a function is not kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[dict[str, Any]] = []

    def record(self) -> None:
        """Begin; services that are mounted later are not seen."""
        for name, handler in list(SERVICE_HANDLERS.items()):
            SERVICE_HANDLERS[name] = self._recorded(name, handler)

    def history(self) -> list[dict[str, Any]]:
        """Each call so far: function, role, host, IAM action, identifying parameters, status, time.

        `parameters` holds a list for each name, and never a value that is stored, sent or read.
        """
        with self._lock:
            return list(self._calls)

    def _recorded(self, service: str, handler: Handler) -> Handler:
        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Answer:
            answer = await handler(method, path, headers, body, query)
            caller = FUNCTION_OF_KEY.get(extract_access_key_id(headers, query) or "")
            if caller is not None:
                named = _in_path(service, path) | _in_query(service, query)
                if service != "s3":  # where a body is what is stored
                    named |= _in_body(headers, body)
                found = {
                    **caller,
                    "host": headers.get("host", ""),
                    "action": _action(service, method, path, headers, body, query),
                    "parameters": {key: named[key] for key in named.keys() & IDENTIFYING},
                    "status": answer[0],
                    "time": time.time(),
                }
                with self._lock:
                    self._calls.append(found)
            return answer

        return handle


def _action(
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, Any],
) -> str:
    fields = {name: [value] for name, value in model.form(headers, body)} | query
    found: str | None = extract_iam_action(service, method, path, headers, body, fields)
    return found or f"{service}:{method} {path}"


def _in_body(headers: dict[str, str], body: bytes) -> Parameters:
    """The query protocol's fields, a list's under the list's name, or a JSON body's."""
    found: Parameters = {}
    for name, value in model.form(headers, body):
        found.setdefault(name.partition(".")[0], []).append(value)
    if "json" in headers.get("content-type", "") and body:
        for name, value in json.loads(body).items():
            found[name] = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    return found


def _in_query(service: str, query: dict[str, Any]) -> Parameters:
    """S3 is asked for objects that begin with a prefix."""
    prefix = query.get("prefix") if service == "s3" else None
    return {"Prefix": prefix if isinstance(prefix, list) else [prefix]} if prefix else {}


def _in_path(service: str, path: str) -> Parameters:
    """S3 names its bucket and object in the path, and Lambda its function."""
    if service == "lambda":
        _, _, after = path.partition("/functions/")
        return {"FunctionName": [unquote(after.partition("/")[0])]} if after else {}
    if service != "s3":
        return {}
    bucket, _, key = path.lstrip("/").partition("/")
    return {"Bucket": [bucket], "Object": [f"{bucket}/{key}"]}
