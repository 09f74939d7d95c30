"""What the middleware does with a decision. That limits hold is proven on real nodes, elsewhere."""

import asyncio
import json
import logging
from typing import Any
from urllib.parse import quote, unquote

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

import vibewell_redis.asyncio
from tests.client.conftest import Decided, handshake, read_list, request, served
from vibewell_redis import Settings
from vibewell_redis.asgi import RateLimitMiddleware
from vibewell_redis.client_address import ClientAddress, UnknownClientError
from vibewell_redis.decision import Decision, Source, WindowStats
from vibewell_redis.limits import RateLimitItem
from vibewell_redis.paths import Tiers, tiers_by_path

AUTH = RateLimitItem.of("auth", 30, 60)
YES = Decision(True, (WindowStats(AUTH, "user", 12, 7.2),), Source.REDIS)
NO = Decision(False, (WindowStats(AUTH, "user", 0, 7.2),), Source.REDIS)
AWAY = Decision(False, (WindowStats(AUTH, "user", 0, 1.0),), Source.FALLBACK)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers 204 with a header of its own, accepts handshakes, and lives."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    else:
        headers = [(b"x-own", b"1")]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "headers": "none of the opening"})


def limited(
    limiter: Any, app: Any = application, tiers: Any = lambda _: "auth", **options: Any
) -> RateLimitMiddleware:
    return RateLimitMiddleware(app, limiter=lambda: limiter, tiers=tiers, **options)


def headers_of(message: dict[str, Any]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in message["headers"]}


@pytest.mark.plan("8")
async def test_an_admitted_response_keeps_its_own_headers_and_gets_the_two_fields() -> None:
    start, body = await served(limited(Decided(YES)), request())
    assert start["status"] == 204
    assert headers_of(start) == {
        "x-own": "1",
        "ratelimit-policy": '"auth-user";q=30;w=60',
        "ratelimit": '"auth-user";r=12;t=8',
    }
    assert body["headers"] == "none of the opening"


@pytest.mark.plan("8")
@pytest.mark.parametrize(("decision", "status"), [(NO, 429), (AWAY, 503)])
async def test_a_refused_request_does_not_reach_the_app(decision: Decision, status: int) -> None:
    reached: list[Any] = []
    app = limited(Decided(decision), lambda *channels: reached.append(channels))
    start, body = await served(app, request())
    headers = headers_of(start)
    assert (reached, start["status"]) == ([], status)
    assert int(headers["retry-after"]) >= read_list(headers["ratelimit"])[0][1]["t"]
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(body["body"])["violated-policies"] == ["auth-user"]
    assert not body.get("more_body")


async def test_user_and_address_are_one_decision_or_one_of_them_alone() -> None:
    async def user(scope: Any) -> str:
        await asyncio.sleep(0)
        return str(scope["path"])

    limiter = Decided(YES)
    await served(limited(limiter, user=user), request("42"))
    await served(limited(limiter, user=lambda _: "42", address=lambda _: None), request())
    # Without a user the address alone counts.
    for find in (user, lambda _: "", lambda _: None, lambda _: False, None):
        await served(limited(limiter, user=find), request(""))
    address = {"ip": "203.0.113.7"}
    asked = [{"user": "42"} | address, {"user": "42"}, *[address] * 5]
    assert [one for _, one in limiter.asked] == asked


async def test_a_user_whose_id_is_no_text_is_never_taken_for_nobody() -> None:
    limiter = vibewell_redis.asyncio.RateLimiter.from_settings(
        Settings.from_environment({"REDIS_URL": "memory://no-text"})
    )
    for user in (0, b""):
        app = limited(limiter, user=lambda _, user=user: user)
        with pytest.raises(TypeError, match="write a string, as str"):
            await served(app, request())


async def test_a_request_of_nobody_from_nowhere_fails_instead_of_sharing_a_limit() -> None:
    limiter = Decided(YES)
    with pytest.raises(UnknownClientError, match="names None as the request's client"):
        await served(limited(limiter), request(client=None))
    with pytest.raises(UnknownClientError, match="neither a user nor an address"):
        await served(limited(limiter, address=lambda _: None), request())
    assert not limiter.asked


async def test_the_address_comes_through_trusted_proxies_where_a_tier_needs_one() -> None:
    limiter = Decided(YES)
    forwarded = [(b"x-forwarded-for", b"198.51.100.9")]
    app = limited(limiter, address=ClientAddress(["10.0.0.0/8"]))
    await served(app, request(client=("10.1.2.3", 1), headers=forwarded))
    await served(app, request(client=("203.0.113.7", 1), headers=forwarded))
    start, _ = await served(limited(limiter, tiers=lambda _: None), request(client=None))
    assert start["status"] == 204  # the application's: it is not limited, and needs no address
    assert [one["ip"] for _, one in limiter.asked] == ["198.51.100.9", "203.0.113.7"]


WRITTEN = """
//code /%2Fcode /%2fcode /%252Fcode /%25252fcode /./code /x/../code /x//../code /x/%2e%2e/code
/.%2e/code /../code /code/. /healthz/../code /healthz/%2e%2e/code /CODE /Code /c%6fde /%63ode
/code;x /code;x=1/ /;/code /..;/code /code%3Bx /\\code /x\\..\\code /%5Ccode /%5c..%5ccode
/code?x /code%3Fx /code%23 /code%0A /code%00 /code%20 /code/%0a /%0acode /co%00de /code//x
//code// //host/code http://host/code x:code /\uff43ode /%EF%BC%8Fcode /code%09
"""

BY_PATH = tiers_by_path(
    {"/": "general", "/login": ("auth", "general"), "/login/mfa": "mfa", "/healthz": None}
)


@pytest.mark.parametrize(
    ("path", "tiers"),
    [
        ("/", "general"),
        ("/anything/login", "general"),
        ("/login", ("auth", "general")),
        ("/login/", ("auth", "general")),
        ("/login/reset", ("auth", "general")),
        ("/login-help", "general"),
        ("/login/mfa", "mfa"),
        ("/login/mfa/sms", "mfa"),
        ("/healthz", None),
        ("/healthz/x", None),
        ("/healthzz", "general"),
        ("//healthz", "general"),
        ("", "general"),
    ],
)
def test_the_longest_prefix_of_whole_segments_gives_the_tier(path: str, tiers: Any) -> None:
    assert BY_PATH({"path": path}) == tiers


@pytest.mark.parametrize("path", WRITTEN.split())
@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("root", ["", "/api", "/api/v1"])
async def test_no_way_of_writing_a_path_gets_a_weaker_tier(path: str, kind: str, root: str) -> None:
    root = root if path.startswith("/") else ""
    for prefix in ("", root):
        tiers = tiers_by_path({"/": "general", f"{prefix}/code": "mfa", f"{prefix}/healthz": None})
        for scope in (
            {"path": root + path},
            {"path": root + unquote(path)},
            {"path": root + unquote(path), "raw_path": (root + path).encode()},
            {"path": root + "/healthz", "raw_path": (root + quote(path, safe="/%")).encode()},
        ):
            assert "mfa" in (tiers({"type": kind, "root_path": root, **scope}) or ()), scope


@pytest.mark.parametrize(
    ("scope", "tiers"),
    [
        ({"path": "/api/code", "root_path": "/api"}, "mfa"),
        ({"path": "/api/code", "root_path": "/api/"}, "mfa"),
        ({"path": "/code", "root_path": "/api"}, "mfa"),  # servers that leave the root away
        ({"path": "/api/v1/code/x", "root_path": "/api/v1"}, "mfa"),
        ({"path": "/api/healthz", "root_path": "/api"}, None),
        ({"path": "/api/users/code", "root_path": "/api"}, "general"),
        # Django, Quart and WSGI bridges cut the root in the middle of a segment.
        ({"path": "/apicode", "root_path": "/api"}, ("general", "mfa")),
        ({"path": "/x/api/code", "root_path": "/api"}, ("general", "mfa")),  # Litestar
        ({"path": "/x/api/healthz", "root_path": "/api"}, "general"),
        ({"path": "/users/caf\u00e9 1", "raw_path": b"/users/caf%C3%A9%201"}, "general"),
        ({"path": "/healthz", "raw_path": b"/healthz?page=//code"}, None),
        ({"path": "*", "root_path": ""}, "general"),
        ({"path": "/" + "%25" * 2000}, ("general", "mfa")),
    ],
)
def test_the_root_path_may_be_in_front_of_the_prefix(scope: Any, tiers: Any) -> None:
    table: dict[str, Tiers] = {"/": "general", "/code": "mfa", "/healthz": None}
    assert tiers_by_path(table)(scope) == tiers
    if scope["path"].startswith("/api/"):
        below = {"/": "general", "/api/code": "mfa", "/api/v1/code": "mfa", "/api/healthz": None}
        assert tiers_by_path(below)(scope) == tiers


class Rooted(Starlette):
    """As FastAPI(root_path="/api"): the scope gets its root after the middleware."""

    root_path = "/api"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await super().__call__({**scope, "root_path": self.root_path}, receive, send)


async def test_what_a_router_serves_has_its_tier_mounted_or_below_a_root() -> None:
    reached: list[str] = []

    async def code(request: Request) -> Response:
        reached.append(request.url.path)
        return Response()

    routes, limiter = [Route("/code", code)], Decided(YES)
    by_path = tiers_by_path({"/": "general", "/code": "mfa"})
    inner, own_root = (limited(limiter, app(routes=routes), by_path) for app in (Starlette, Rooted))
    outer = Starlette(routes=[Mount("/v1", inner)])
    await served(outer, request("/v1/code"), ["http.request"])
    await served(outer, request("/api/v1/code", root_path="/api"), ["http.request"])
    await served(own_root, request("/api/code"), ["http.request"])
    await served(inner, request("/code\n"), ["http.request"])  # `$` matches before a newline
    assert len(reached) == 4
    assert [names for names, _ in limiter.asked] == [("mfa",)] * 3 + [("general", "mfa")]


@pytest.mark.parametrize("prefixes", [{"/login": "auth"}, {"/": "general", "login": "auth"}])
def test_a_mapping_that_leaves_a_path_out_is_refused(prefixes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="write"):
        tiers_by_path(prefixes)


@pytest.mark.parametrize("extensions", [{"websocket.http.response": {}}, None, {}])
async def test_a_refused_handshake_is_429_if_the_server_can_or_closed(extensions: Any) -> None:
    app, scope = limited(Decided(NO)), handshake(extensions=extensions)
    first, *rest = await served(app, scope, ["websocket.connect"])
    if extensions:
        assert (first["type"], first["status"]) == ("websocket.http.response.start", 429)
        assert headers_of(first)["retry-after"] == "8"
        assert [one["type"] for one in rest] == ["websocket.http.response.body"]
    else:
        assert [first, *rest] == [{"type": "websocket.close", "code": 1013}]
    # A client that gave up its handshake is sent nothing.
    assert not await served(app, scope, ["websocket.disconnect"])


LIFE = ["lifespan.startup", "lifespan.shutdown"]
LIVED = [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]


async def test_the_limiter_connects_before_the_application_starts_and_closes_after_it() -> None:
    limiter = Decided(YES)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope
        for happened, message in zip(("started", "ended"), LIVED, strict=True):
            await receive()
            limiter.life.append(happened)
            await send(message)

    assert await served(limited(limiter, app), {"type": "lifespan"}, LIFE) == LIVED
    assert limiter.life == ["connected", "started", "ended", "closed"]


class Frozen(Decided):
    """A Redis that neither answers nor hangs up."""

    async def connect(self) -> None:
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        raise ConnectionResetError


async def test_a_redis_that_is_frozen_prevents_neither_start_nor_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr("vibewell_redis.asgi._LONGEST", 0.05)
    async with asyncio.timeout(5):
        sent = await served(limited(Frozen(YES)), {"type": "lifespan"}, LIFE)
    assert sent == LIVED
    assert caplog.messages == [
        "the rate limiter could not connect: TimeoutError",
        "the rate limiter could not close its connections: ConnectionResetError",
    ]


async def test_without_a_lifespan_the_first_requests_wait_for_the_start() -> None:
    known = asyncio.Event()

    class Slow(Decided):
        async def connect(self) -> None:
            await known.wait()
            self.life.append("connected")

    limiter = Slow(YES)
    app = limited(limiter)
    first = [asyncio.create_task(served(app, request())) for _ in range(3)]
    await asyncio.sleep(0.02)
    assert not limiter.asked
    known.set()
    for one in first:
        await one
    await served(app, request())
    assert (len(limiter.asked), limiter.life) == (4, ["connected"])


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [(None, None), ("https://app.example", "https://app.example"), ("https://x.example", "*")],
)
async def test_scripts_in_browsers_read_a_refusal(origin: str | None, allowed: str | None) -> None:
    app = limited(Decided(NO), origins=["https://app.example"])
    headers = [] if origin is None else [(b"origin", origin.encode())]
    found = headers_of((await served(app, request(headers=headers)))[0])
    assert found.get("access-control-allow-origin") == allowed
    assert ("access-control-allow-credentials" in found) == (allowed == origin is not None)
    assert ("RateLimit" in found.get("access-control-expose-headers", "")) == bool(origin)


@pytest.mark.parametrize("left_out", ["", "method", "origin", "access-control-request-method"])
async def test_preflights_of_browsers_count_only_if_that_is_wanted(left_out: str) -> None:
    names = {"origin", "access-control-request-method"} - {left_out}
    method = "GET" if left_out == "method" else "OPTIONS"
    limiter = Decided(NO)
    scope = request(method=method, headers=[(name.encode(), b"POST") for name in names])
    start, _ = await served(limited(limiter), scope)
    assert (start["status"], len(limiter.asked)) == ((429, 1) if left_out else (204, 0))
    assert (await served(limited(limiter, exempt_preflights=False), scope))[0]["status"] == 429


def test_each_life_and_each_event_loop_has_its_own_limiter() -> None:
    made: list[Decided] = []

    def make() -> Decided:
        made.append(Decided(YES))
        return made[-1]

    app = RateLimitMiddleware(application, limiter=make, tiers=lambda _: "auth")
    assert not made
    with asyncio.Runner() as one, asyncio.Runner() as other:
        for _ in range(2):
            one.run(served(app, {"type": "lifespan"}, LIFE))
        for _ in range(3):  # a server without lifespan
            one.run(served(app, request()))
            other.run(served(app, request()))
    # As Starlette's TestClient without `with`: those of closed event loops are let go.
    asyncio.run(served(app, request()))
    assert [len(each.asked) for each in made] == [0, 0, 3, 3, 1]
    assert [each.life for each in made[2:]] == [["connected"]] * 3
    assert len(app._life._made) == 1  # noqa: SLF001
