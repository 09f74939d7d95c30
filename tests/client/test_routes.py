"""Limits on the route, and the middleware of WSGI: real decisions, kept in memory."""

import json
import os
from collections.abc import Callable, Generator
from typing import Annotated, Any
from uuid import uuid4
from wsgiref.util import setup_testing_defaults

import flask
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, WebSocket
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

import vibewell_redis.asyncio
from tests.client.conftest import handshake, request, served
from vibewell_redis import RateLimiter, Settings, asgi, fastapi, wsgi
from vibewell_redis.client_address import UnknownClientError
from vibewell_redis.headers import Refusal
from vibewell_redis.paths import tiers_by_path
from vibewell_redis.routes import RateLimitExceeded, client_ip, client_user, limit

LIMITS = {
    "RATE_LIMIT_AUTH": "2,60",
    "RATE_LIMIT_TIERS": "free,pro",
    "RATE_LIMIT_FREE": "1,60",
    "RATE_LIMIT_PRO": "3,60",
}
Answer = tuple[int, dict[str, str], bytes]


def settings() -> Settings:
    return Settings.from_environment({"REDIS_URL": f"memory://x{uuid4().hex}"} | LIMITS)


def around(app: Any, **options: Any) -> Any:
    limiter = vibewell_redis.asyncio.RateLimiter.from_settings(settings())
    return asgi.RateLimitMiddleware(app, limiter=limiter, **options)


def inside(app: Any) -> Any:
    """The middleware below the one that makes errors of exceptions, as add_middleware has it."""
    limiter = vibewell_redis.asyncio.RateLimiter.from_settings(settings())
    app.add_middleware(asgi.RateLimitMiddleware, limiter=limiter)
    return app


async def ask(app: Any, path: str = "/", **headers: str) -> Answer:
    """One request to an ASGI application; its header names are written with underscores."""
    lines = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope = request(path, headers=lines, method=headers.pop("method", "GET"), query_string=b"")
    start, *bodies = await served(app, scope, ["http.request", *["http.disconnect"] * 9])
    found = {name.decode(): text.decode() for name, text in start["headers"]}
    return start["status"], found, b"".join(one.get("body", b"") for one in bodies)


def ask_wsgi(app: Any, path: str = "/", **environ: str) -> Answer:
    """One request to a WSGI application."""
    found: dict[str, Any] = {"PATH_INFO": path, "REMOTE_ADDR": "203.0.113.7"}
    found |= {name.upper(): text for name, text in environ.items()}
    setup_testing_defaults(found)
    found.setdefault("QUERY_STRING", "")
    began: list[Any] = []

    def start_response(*about: Any) -> Callable[[bytes], None]:
        began.append(about)
        return lambda _: None

    body = app(found, start_response)
    content = b"".join(body)
    getattr(body, "close", bool)()
    (status, headers, *_) = began[-1]
    return int(status.split()[0]), {name.lower(): text for name, text in headers}, content


def is_refusal(answer: Answer, tier: str = "auth", kind: str = "ip") -> None:
    status, headers, body = answer
    assert status == 429
    assert headers["content-type"] == "application/problem+json"
    assert 50 < int(headers["retry-after"]) <= 60
    assert headers["ratelimit"].startswith(f'"{tier}-{kind}";r=0;t=')
    assert json.loads(body)["violated-policies"] == [f"{tier}-{kind}"]


def is_admitted(answer: Answer, left: int, status: int = 200) -> None:
    assert answer[0] == status
    assert answer[1]["ratelimit"].startswith(f'"auth-ip";r={left};t=')
    assert "ratelimit-policy" in answer[1]


# --- Each shape of a handler ------------------------------------------------------------------


def starlette(handler: Any) -> Any:
    return Starlette(routes=[Route("/", handler)])


def fast(handler: Any, **options: Any) -> FastAPI:
    app = FastAPI()
    app.add_api_route("/", handler, **options)
    return app


def fast_with_router(handler: Any, **options: Any) -> FastAPI:
    router = APIRouter(**options)
    router.add_api_route("/", handler)
    app = FastAPI()
    app.include_router(router)
    return app


def responds_plainly(request: Request) -> Response:
    del request
    return PlainTextResponse("yes")


async def responds(request: Request) -> Response:
    return responds_plainly(request)


async def streams(request: Request) -> Response:
    del request
    return StreamingResponse(iter([b"y", b"es"]))


def gives_plainly() -> dict[str, str]:
    return {"says": "yes"}


async def gives() -> dict[str, str]:
    return gives_plainly()


async def finds_nothing() -> None:
    raise HTTPException(404)


def auth() -> Any:
    return Depends(fastapi.limit("auth"))


SHAPES: dict[str, Callable[[], Any]] = {
    "starlette": lambda: starlette(limit("auth")(responds)),
    "starlette, a plain function": lambda: starlette(limit("auth")(responds_plainly)),
    "starlette, a stream": lambda: starlette(limit("auth")(streams)),
    "fastapi, decorated": lambda: fast(limit("auth")(gives)),
    "fastapi, a plain function decorated": lambda: fast(limit("auth")(gives_plainly)),
    "fastapi, a dependency": lambda: fast(gives, dependencies=[auth()]),
    "fastapi, a plain function's dependency": lambda: fast(gives_plainly, dependencies=[auth()]),
    "fastapi, its own response": lambda: fast(responds, dependencies=[auth()], response_model=None),
    "fastapi, a router": lambda: fast_with_router(gives, dependencies=[auth()]),
    "fastapi, an error": lambda: fast(finds_nothing, dependencies=[auth()]),
}


@pytest.mark.plan("5.5")
@pytest.mark.parametrize("wrap", [around, inside])
@pytest.mark.parametrize("shape", SHAPES)
async def test_a_route_is_limited_with_the_fields_on_whatever_it_returns(
    shape: str, wrap: Callable[[Any], Any]
) -> None:
    app, status = wrap(SHAPES[shape]()), 404 if "error" in shape else 200
    for left in (1, 0):
        is_admitted(await ask(app), left, status)
    is_refusal(await ask(app))


async def test_the_refusal_is_the_decision_that_refused_and_not_the_last_one() -> None:
    async def call() -> None:
        """A limited call of a handler."""

    first, second = (limit(tier, ip="198.51.100.7")(call) for tier in ("auth", "general"))

    async def both(request: Request) -> Response:
        try:
            await first()
        except RateLimitExceeded:
            await second()
            raise
        return await responds(request)

    app = around(starlette(both))
    assert [(await ask(app))[0] for _ in range(3)] == [200, 200, 429]


# --- What is limited, and for whom ---------------------------------------------------------------


async def test_identifiers_are_functions_of_the_handlers_arguments() -> None:
    async def user_of(name: str) -> str | None:
        return name or None

    @limit("auth", user=user_of, account=lambda form: form["account"], ip=client_ip)
    async def login(name: str, form: dict[str, str], *, other: int = 3) -> Any:
        return name, form, other

    decisions = []

    async def endpoint(request: Request) -> Response:
        state = request.state
        for name, account in (("alice", "a"), ("", "b")):
            await login(name, {"account": account}, other=4)
            found = [state.rate_limiter.get_window_stats("auth", **{kind: value})
                     for kind, value in (("user", "alice"), ("account", account),
                                         ("ip", "203.0.113.7"))]  # fmt: skip
            decisions.append([(await one)[0].remaining for one in found])
        return PlainTextResponse("")

    app = around(starlette(endpoint))
    await ask(app)
    # The second has no user: that one's limit is not counted.
    assert decisions == [[1, 1, 1], [1, 1, 0]]


async def test_fastapi_gives_the_functions_of_a_dependency_what_they_ask_for() -> None:
    def session(x_session: Annotated[str, Header()]) -> str:
        return x_session

    async def user(session: Annotated[str, Depends(session)]) -> str | None:
        return session or None

    limits = Depends(fastapi.limit("auth", user=user, ip=None, app="shop"))
    app = around(fast(gives, dependencies=[limits]))
    for _ in range(2):
        policy = (await ask(app, x_session="alice"))[1]["ratelimit-policy"]
        assert policy == '"auth-user";q=2;w=60, "auth-app";q=2;w=60'
    assert (await ask(app, x_session="alice"))[0] == 429
    assert (await ask(app, x_session=""))[0] == 429  # for the application's sake


@pytest.mark.parametrize("kind", ["decorator", "dependency", "middleware"])
async def test_the_tiers_of_a_request_may_be_decided_by_who_asks(kind: str) -> None:
    paid = {"bob": "pro", "carol": None}

    async def tier_of(request: Request) -> Any:
        return paid.get(request.headers["x-user"], "free")

    def user(scope: Any) -> str:
        return str(dict(scope["headers"])[b"x-user"].decode())

    async def tiers(scope: Any) -> Any:
        return paid.get(user(scope), "free")

    app = {
        "decorator": lambda: around(starlette(limit(tier_of)(responds)), user=user),
        "dependency": lambda: around(
            fast(gives, dependencies=[Depends(fastapi.limit(tier_of, user=client_user))]), user=user
        ),
        "middleware": lambda: around(
            starlette(responds), user=user, address=lambda _: None, tiers=tiers
        ),
    }[kind]()
    # The address counts too where nothing else is said: each has an own one.
    for name, admitted in (("alice", 1), ("bob", 3), ("carol", 5)):
        statuses = [(await ask(app, x_user=name))[0] for _ in range(5)]
        assert statuses.count(200) == admitted, name


async def test_the_limits_of_the_path_and_of_the_route_both_hold() -> None:
    app = around(starlette(limit("auth")(responds)), tiers=tiers_by_path({"/": "pro"}))
    _, headers, _ = await ask(app)
    assert headers["ratelimit-policy"] == '"pro-ip";q=3;w=60, "auth-ip";q=2;w=60'
    await ask(app)
    is_refusal(await ask(app))
    is_refusal(await ask(app), "pro")


async def test_an_application_may_answer_in_its_own_words() -> None:
    def teapot(request: Any, problem: Exception) -> Response:
        del request
        assert isinstance(problem, RateLimitExceeded)
        assert problem.decision.retry_after > 50
        return PlainTextResponse("later", 418)

    app = Starlette(
        routes=[Route("/", limit("auth")(responds))], exception_handlers={RateLimitExceeded: teapot}
    )
    served_by = around(app)
    statuses = [(await ask(served_by))[0] for _ in range(3)]
    assert statuses == [200, 200, 418]

    def refused(refusal: Refusal) -> Response:
        return JSONResponse({"own": 1}, refusal.status, dict(refusal.headers[3:]))

    served_by = around(starlette(limit("auth", refused=refused)(responds)))
    answers = [await ask(served_by) for _ in range(3)]
    assert answers[2][0] == 429
    assert answers[2][2] == b'{"own":1}'
    assert answers[2][1]["ratelimit"].count("auth") == 1


async def test_an_error_of_the_application_stays_its_own() -> None:
    async def breaks(request: Request) -> Response:
        raise ZeroDivisionError(request)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(ZeroDivisionError):
        await around(starlette(limit("auth")(breaks)))(request(), None, send)
    assert sent[0]["status"] == 500
    assert "ratelimit" in {name.decode() for name, _ in sent[0]["headers"]}


@pytest.mark.parametrize("accepts", [False, True])
async def test_a_websocket_is_refused_before_it_is_accepted_and_closed_after(accepts: bool) -> None:
    app = FastAPI()

    async def accepted(socket: WebSocket) -> str:
        if accepts:
            await socket.accept()
        return "everybody"

    @app.websocket("/", dependencies=[Depends(fastapi.limit("free", who=accepted))])
    async def talk(socket: WebSocket) -> None:
        if not accepts:
            await socket.accept()
        await socket.close()

    served_by = around(app)
    scopes = [handshake("/", query_string=b"", subprotocols=[]) for _ in range(2)]
    first, second = [await served(served_by, each, ["websocket.connect"]) for each in scopes]
    assert [one["type"] for one in first] == ["websocket.accept", "websocket.close"]
    if accepts:
        assert [(one["type"], one.get("code")) for one in second] == [
            ("websocket.accept", None), ("websocket.close", 1013)
        ]  # fmt: skip
    else:
        assert second[0]["type"] == "websocket.http.response.start"
        assert second[0]["status"] == 429


# --- Mistakes ------------------------------------------------------------------------------------


def test_a_function_of_what_the_handler_has_not_is_refused_where_it_is_decorated() -> None:
    with pytest.raises(TypeError, match=r"limit\(user=…\) takes usr, which .*gives does not"):
        limit("auth", user=lambda usr: usr)(gives)
    for tiers in ((), ("auth", lambda: "free")):
        with pytest.raises(TypeError, match="limit: "):
            limit(*tiers)
        with pytest.raises(TypeError, match="limit: "):
            fastapi.limit(*tiers)


def test_no_parameter_is_ignored_by_one_of_the_forms() -> None:
    async def refused(refusal: Refusal) -> Response:
        return Response(refusal.body, refusal.status)

    with pytest.raises(TypeError, match=r"limit\(refused=…\) is of the decorator"):
        fastapi.limit("auth", refused=refused)
    with pytest.raises(TypeError, match=r"limit\(refused=…\) must be a plain function"):
        limit("auth", refused=refused)(gives_plainly)
    with pytest.raises(ValueError, match="give no pool with these settings"):
        vibewell_redis.asyncio.RateLimiter.from_settings(settings(), pool=object())  # type: ignore[arg-type]


async def test_a_table_that_names_no_tier_of_the_limiter_is_refused_where_it_starts() -> None:
    tiers = tiers_by_path({"/": "free", "/login": "auht"})
    made = vibewell_redis.asyncio.RateLimiter.from_settings(settings())
    for wrap in (around, around_wsgi):
        with pytest.raises(ValueError, match="tiers_by_path: there is no tier 'auht'"):
            wrap(plain_wsgi, tiers=tiers)
    app = asgi.RateLimitMiddleware(starlette(responds), limiter=lambda: made, tiers=tiers)
    with pytest.raises(ValueError, match="write one of general, auth"):
        await served(app, {"type": "lifespan"}, ["lifespan.startup"])


async def test_without_a_middleware_nobody_is_limited_unnoticed() -> None:
    with pytest.raises(RuntimeError, match="no RateLimitMiddleware is around"):
        await limit("auth", user="alice")(gives)()
    with pytest.raises(UnknownClientError):
        await limit("auth", user=None, limiter=RateLimiter.from_settings(settings()))(gives)()


async def test_a_plain_function_does_not_hold_up_the_event_loop() -> None:
    async def calls(request: Request) -> Response:
        return limit("auth")(responds_plainly)(request)

    with pytest.raises(RuntimeError, match="is called in the event loop"):
        await ask(around(starlette(calls)))


def test_a_limiter_of_the_functions_own_needs_no_middleware() -> None:
    @limit("auth", limiter=RateLimiter.from_settings(settings()), user=lambda name="all": name)
    def work(name: str) -> str:
        return name

    assert [work(name) for name in ("a", "b", "c", "a")] == ["a", "b", "c", "a"]
    with pytest.raises(RateLimitExceeded) as denied:
        work("a")
    assert denied.value.decision.retry_after > 50


# --- WSGI ----------------------------------------------------------------------------------------


def around_wsgi(app: Any, **options: Any) -> Any:
    return wsgi.RateLimitMiddleware(app, limiter=RateLimiter.from_settings(settings()), **options)


def plain_wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    own = environ[wsgi.LIMITER].__class__.__name__
    start_response("200 OK", [("X-Own", own), ("Content-Type", "text/plain")])
    return [b"yes"]


@pytest.fixture(params=["raised", "refused", "error 500"])
def flask_app(request: pytest.FixtureRequest) -> flask.Flask:
    app, kind = flask.Flask("limited"), request.param
    app.testing = kind == "raised"
    app.logger.disabled = True

    def refused(refusal: Refusal) -> flask.Response:
        return flask.Response(refusal.body, refusal.status, refusal.headers)

    limits = limit("auth", refused=refused if kind == "refused" else None)

    def view() -> str:
        return "yes"

    app.add_url_rule("/", view_func=limits(view))
    app.wsgi_app = around_wsgi(app.wsgi_app)  # type: ignore[method-assign]
    return app


@pytest.mark.plan("5.5")
def test_a_view_of_flask_is_limited(flask_app: Any) -> None:
    for left in (1, 0):
        is_admitted(ask_wsgi(flask_app), left)
    is_refusal(ask_wsgi(flask_app))


@pytest.mark.plan("5.5")
def test_the_middleware_of_wsgi_takes_what_that_of_asgi_takes() -> None:
    app = around_wsgi(
        plain_wsgi,
        tiers=tiers_by_path({"/": "free", "/login": "auth", "/healthz": None}),
        user=lambda environ: environ.get("REMOTE_USER"),
        origins=["https://app.example"],
    )
    status, headers, body = ask_wsgi(app, remote_user="alice")
    assert (status, headers["x-own"], body) == (200, "RateLimiter", b"yes")
    assert headers["ratelimit-policy"] == '"free-user";q=1;w=60, "free-ip";q=1;w=60'
    refused = ask_wsgi(app, http_origin="https://app.example")
    is_refusal(refused, "free")
    assert refused[1]["access-control-allow-origin"] == "https://app.example"
    assert "ratelimit" not in ask_wsgi(app, "/healthz")[1]
    preflight = {"http_origin": "https://a", "http_access_control_request_method": "PUT"}
    assert ask_wsgi(app, request_method="OPTIONS", **preflight)[0] == 200
    # No way of writing a path gets a weaker tier.
    written = ["/login", "//login", "/x/../login", "/LOGIN"]
    environs = [{"path_info": path} for path in written]
    environs += [{"path_info": "/y", "raw_uri": "/%6cogin?x=1"}, {"script_name": "/login"}]
    for number, environ in enumerate(environs):
        found = ask_wsgi(app, **{"path_info": "", "remote_addr": f"192.0.2.{number}"} | environ)
        assert "auth" in found[1]["ratelimit-policy"], environ


def test_a_process_connects_for_its_first_limited_request_and_a_forked_one_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limiter, calls = RateLimiter.from_settings(settings()), list[str]()
    for name in ("connect", "hit"):
        real = getattr(limiter, name)

        def call(*given: Any, name: str = name, real: Any = real, **named: Any) -> Any:
            calls.append(name)
            return real(*given, **named)

        monkeypatch.setattr(limiter, name, call)
    tiers = {"/healthz": None}
    app = wsgi.RateLimitMiddleware(
        plain_wsgi, limiter=limiter, tiers=lambda scope: tiers.get(scope["path"], "pro")
    )
    for pid in (os.getpid(), -1):
        monkeypatch.setattr("vibewell_redis.wsgi.os.getpid", lambda pid=pid: pid)
        calls.clear()
        assert (ask_wsgi(app, "/healthz")[0], calls) == (200, [])
        assert [ask_wsgi(app, remote_addr=f"192.0.2.{-pid % 99}")[0] for _ in range(2)] == [200] * 2
        assert calls == ["connect", "hit", "hit"]


def test_what_must_wait_is_refused_outside_an_event_loop() -> None:
    class Waits:
        def __await__(self) -> Generator[None, None, None]:
            yield

    async def user() -> Any:
        return await Waits()

    app = around_wsgi(lambda *_: limit("auth", user=user)(gives_plainly)())
    with pytest.raises(RuntimeError, match="cannot wait: give plain functions"):
        ask_wsgi(app)
