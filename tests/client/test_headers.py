"""What a client receives, which is what docs/ describes, and its examples run.

The draft's fields, and the response to a refused request.
"""

import json
import re
from collections.abc import Mapping
from math import ceil
from types import SimpleNamespace
from typing import Any
from wsgiref.validate import validator

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

import vibewell_redis
from tests.client.conftest import read_list
from tests.client.test_routes import ask_wsgi, plain_wsgi
from tests.client.test_routes import settings as in_memory
from tests.support import ROOT
from vibewell_redis import RateLimiter, errors, refusals
from vibewell_redis.decision import Decision, Source, WindowStats
from vibewell_redis.headers import Refusal, rate_limit_headers, refusal
from vibewell_redis.limits import RateLimitItem
from vibewell_redis.paths import tiers_by_path
from vibewell_redis.routes import Request
from vibewell_redis.settings import PLAN
from vibewell_redis.wsgi import RateLimitMiddleware

AUTH = RateLimitItem.of("auth", 30, 60)
FINANCIAL = RateLimitItem.of("financial", 20, 60)


def admitted(*windows: WindowStats, source: Source = Source.REDIS) -> Decision:
    return Decision(True, windows, source)


def denied(*windows: WindowStats, source: Source = Source.REDIS) -> Decision:
    return Decision(False, windows, source)


def window(
    remaining: int, reset_after: float, identifier: str = "user", item: RateLimitItem = AUTH
) -> WindowStats:
    return WindowStats(item, identifier, remaining, reset_after)


some_windows = st.lists(
    st.builds(
        window,
        st.integers(0, 30),
        st.floats(0, 14 * 24 * 3600),
        st.sampled_from(["user", "ip", "api_key"]),
        st.sampled_from([AUTH, FINANCIAL]),
    ),
    min_size=1,
    max_size=6,
)


@given(some_windows)
def test_a_reader_of_structured_fields_reads_what_was_decided(windows: list[WindowStats]) -> None:
    headers = dict(rate_limit_headers(admitted(*windows)))
    names = [f"{one.item.name}-{one.identifier}" for one in windows]
    assert read_list(headers["RateLimit-Policy"]) == [
        (name, {"q": one.item.requests, "w": one.item.seconds})
        for name, one in zip(names, windows, strict=True)
    ]
    assert read_list(headers["RateLimit"]) == [
        (name, {"r": one.remaining, "t": ceil(one.reset_after)})
        for name, one in zip(names, windows, strict=True)
    ]


def test_nothing_is_said_where_nothing_is_limited() -> None:
    assert rate_limit_headers(admitted(source=Source.DISABLED)) == []
    assert rate_limit_headers(admitted(window(3, 1), source=Source.DISABLED)) == []
    assert rate_limit_headers(admitted(source=Source.FALLBACK)) == []


@given(some_windows)
def test_retry_after_is_a_whole_number_and_not_earlier_than_a_t(windows: list[WindowStats]) -> None:
    refused = refusal(denied(*windows, window(0, 0.2)))
    headers = dict(refused.headers)
    wait = int(headers["Retry-After"])
    shown = read_list(headers["RateLimit"])
    assert wait >= 1
    assert all(left["r"] == 0 and left["t"] <= wait for _, left in shown)
    assert {name for name, _ in shown} == set(json.loads(refused.body)["violated-policies"])
    # Not later than it must be either: the longest exhausted window, rounded up.
    assert wait == max(1, *(ceil(one.reset_after) for one in windows if not one.remaining), 1)


def test_no_refusal_says_try_again_at_once_and_none_is_made_of_an_admission() -> None:
    for windows in ((), (window(0, 0.0),)):
        assert dict(refusal(denied(*windows)).headers)["Retry-After"] == "1"
    with pytest.raises(ValueError, match="the decision admits the request"):
        refusal(admitted(window(3, 1)))


def test_a_refusal_that_the_application_answers_has_the_fields_once() -> None:
    request = Request.__new__(Request)
    request.decisions = [admitted(window(3, 1)), denied(window(0, 1))]
    assert request.headers(["Content-Type", "RateLimit-Policy"]) == []
    assert request.headers(["Content-Type"]) == rate_limit_headers(request.decisions[-1])


def test_the_names_that_1_0_documents_are_still_there() -> None:
    assert (refusals.refusal, refusals.Refusal) == (refusal, Refusal)
    assert {name: getattr(errors, name) for name in errors.__all__} == {
        name: getattr(vibewell_redis, name) for name in vibewell_redis.__all__ if "Error" in name
    }


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
    (code,) = [one for one in re.findall(r"```python\n(.*?)```", API, re.DOTALL) if "wsgi" in one]
    app, settings = SimpleNamespace(wsgi_app=validator(plain_wsgi)), in_memory()
    used = RateLimiter, RateLimitMiddleware, tiers_by_path
    names = {each.__name__: each for each in used} | {"app": app, "settings": settings}
    exec(compile(code, "docs/develop/api.md", "exec"), names)  # noqa: S102 - our own page
    answers = [ask_wsgi(validator(app.wsgi_app), "/login", script_name="") for _ in range(3)]
    assert [status for status, *_ in answers] == [200, 200, 429]
    policies = {headers["ratelimit-policy"] for _, headers, _ in answers[:2]}
    assert policies == {'"auth-ip";q=2;w=60, "general-ip";q=120;w=60'}
    assert [body == b"yes" for *_, body in answers] == [True, True, False]
