"""The responses that docs/ describes are sent, and its examples run."""

import json
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from wsgiref.validate import validator

import pytest
import yaml  # type: ignore[import-untyped]

from tests.client.test_headers import AUTH, FINANCIAL, admitted, denied, window
from tests.client.test_routes import ask_wsgi, plain_wsgi
from tests.client.test_routes import settings as in_memory
from tests.support import ROOT
from vibewell_redis import RateLimiter
from vibewell_redis.decision import Decision, Source
from vibewell_redis.headers import rate_limit_headers, refusal
from vibewell_redis.paths import tiers_by_path
from vibewell_redis.settings import PLAN
from vibewell_redis.wsgi import RateLimitMiddleware

API = (ROOT / "docs" / "develop" / "api.md").read_text()
OPENAPI = yaml.safe_load((ROOT / "docs" / "develop" / "openapi-rate-limits.yaml").read_text())
RESPONSES = {429: "TooManyRequests", 503: "TemporaryReducedCapacity"}
REFUSED = [
    denied(window(0, 7.2), window(12, 50, "ip")),
    denied(window(0, 7.2), window(0, 50, "ip"), source=Source.MEMORY),
    denied(window(0, 1.0, item=FINANCIAL), source=Source.FALLBACK),
]


def resolved(node: Any) -> Any:
    """The document's part with every reference followed; a KeyError when one leads nowhere."""
    if isinstance(node, list):
        return [resolved(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        part: Any = OPENAPI
        for name in node["$ref"].removeprefix("#/").split("/"):
            part = part[name]
        return resolved(part)
    return {name: resolved(one) for name, one in node.items()}


def fits(value: Any, schema: Mapping[str, Any]) -> None:
    """An AssertionError unless the value fits what of JSON Schema the document uses."""
    types = {"string": str, "integer": int, "array": list, "object": dict}
    checked = {"description", "format", "type", "enum", "pattern", "minimum", "items"}
    assert set(schema) <= checked | {"required", "properties"}, f"unchecked: {set(schema)}"
    assert isinstance(value, types[schema["type"]]), value
    assert value in schema.get("enum", [value])
    assert re.search(schema.get("pattern", ""), str(value)), value
    assert not isinstance(value, int) or value >= schema.get("minimum", value)
    if isinstance(value, list):
        for one in value:
            fits(one, schema["items"])
    if isinstance(value, dict):
        assert set(schema["required"]) <= set(value) <= set(schema["properties"])
        for name, one in value.items():
            fits(one, schema["properties"][name])


@pytest.mark.plan("8")
@pytest.mark.parametrize("decision", REFUSED)
def test_a_refusal_is_as_openapi_describes_it(decision: Decision) -> None:
    status, headers, body = refusal(decision)
    described = resolved(OPENAPI["components"]["responses"][RESPONSES[status]])
    sent = dict(headers)
    ours = set(OPENAPI["components"]["headers"])
    assert set(described["headers"]) == ours
    assert set(sent) == ours | {"Content-Type", "Content-Length", "Cache-Control"}
    for name, header in described["headers"].items():
        value: Any = sent[name]
        fits(int(value) if header["schema"]["type"] == "integer" else value, header["schema"])
    fits(json.loads(body), described["content"][sent["Content-Type"]]["schema"])


def test_the_fields_of_an_admitted_response_are_as_openapi_describes_them() -> None:
    sent = dict(rate_limit_headers(admitted(window(12, 7.2), window(29, 60, "api_key"))))
    headers = OPENAPI["components"]["headers"]
    for name, value in sent.items():
        fits(value, headers[name]["schema"])
    assert set(sent) == set(headers) - {"Retry-After"}


def test_the_examples_in_openapi_are_what_is_sent() -> None:
    components = resolved(OPENAPI["components"])
    for header in components["headers"].values():
        fits(header["example"], header["schema"])
    for decision in (REFUSED[0], REFUSED[2]):
        status, headers, body = refusal(decision)
        content = components["responses"][RESPONSES[status]]["content"]
        assert content[dict(headers)["Content-Type"]]["example"] == json.loads(body)
        assert ("Content-Length", str(len(body))) in headers
        assert ("Cache-Control", "no-store") in headers


def test_the_response_in_the_documentation_is_what_is_sent() -> None:
    (block,) = re.findall(r"^HTTP/1\.1 429.*?\n```", API, re.MULTILINE | re.DOTALL)
    head, _, body = block.removesuffix("\n```").partition("\n\n")
    shown = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    mfa = AUTH._replace(name="mfa", requests=5)
    _, headers, sent = refusal(denied(window(0, 59.9, "ip", mfa)))
    for name, value in headers:
        assert shown[name.lower()] == value
    assert set(shown) == {name.lower() for name, _ in headers} | {"date", "server"}
    assert json.loads(body) == json.loads(sent)


def test_the_tiers_in_the_documentation_are_the_plan_s() -> None:
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \|", API, re.MULTILINE)
    assert {tier: f"{requests},{seconds}" for tier, requests, seconds in rows} == PLAN


@pytest.mark.plan("8")
def test_the_wsgi_example_in_the_documentation_runs() -> None:
    (code,) = [
        block for block in re.findall(r"```python\n(.*?)```", API, re.DOTALL) if "wsgi" in block
    ]
    app, settings = SimpleNamespace(wsgi_app=validator(plain_wsgi)), in_memory()
    names = {
        "RateLimiter": RateLimiter,
        "RateLimitMiddleware": RateLimitMiddleware,
        "tiers_by_path": tiers_by_path,
        "app": app,
        "settings": settings,
    }
    exec(compile(code, "docs/develop/api.md", "exec"), names)  # noqa: S102 - our own page
    answers = [ask_wsgi(validator(app.wsgi_app), "/login", script_name="") for _ in range(3)]
    assert [status for status, *_ in answers] == [200, 200, 429]
    policies = {headers["ratelimit-policy"] for _, headers, _ in answers[:2]}
    assert policies == {'"auth-ip";q=2;w=60, "general-ip";q=120;w=60'}
    assert [body == b"yes" for *_, body in answers] == [True, True, False]
