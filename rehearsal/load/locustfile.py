"""The users, as locust runs them, in a process of the benchmarks' own environment.

Its order is the variable LOAD, an `Order` as JSON.
"""

import json
import os
import random
import resource
import select
import time
from itertools import count
from typing import Any

import gevent  # type: ignore[import-untyped]
from gevent.monkey import get_original  # type: ignore[import-untyped]
from geventhttpclient import connectionpool  # type: ignore[import-not-found]
from locust import FastHttpUser, events, task  # type: ignore[import-not-found]

from rehearsal.load.plan import (
    CLIENT_HEADER,
    SHARES,
    SOURCE_HEADER,
    TIMES_HEADER,
    USER_HEADER,
    Answer,
    Order,
    clients,
    rhythm,
)

_WRITTEN_EVERY = 0.5  # seconds
_PATIENCE = 10.0  # seconds
_poll = get_original("select", "poll")  # gevent's own goes through its hub


def is_idle(_pool: Any, sock: Any) -> bool:
    """Whether nothing has come on a connection that has no open request.

    The pool of geventhttpclient (2.6.1) asks select(2), which takes no descriptor above 1023, and
    takes that error for a closed connection: each request of most users would open a new one.
    """
    if sock is None or sock.fileno() < 0:
        return False
    asked = _poll()
    asked.register(sock.fileno(), select.POLLIN)
    return not asked.poll(0)


connectionpool.ConnectionPool._is_socket_alive = is_idle  # noqa: SLF001 - there is no other way
_, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_most, _most))  # a connection each

_ORDER = Order.of(os.environ["LOAD"])
_PLAN = _ORDER.plan
_TIERS = list(_PLAN.tiers)
_CLIENTS = clients(_PLAN)
_NUMBERS = count()
_answers: list[Answer] = []


def _now() -> float:
    return time.monotonic() - _ORDER.begin


class User(FastHttpUser):  # type: ignore[misc]
    """One client of the plan, with one connection to one instance of the application."""

    connection_timeout = network_timeout = _PATIENCE
    max_retries = 0

    def on_start(self) -> None:
        """Become the next client."""
        self.me = _CLIENTS[next(_NUMBERS)]
        self.instance = self.me.number % _PLAN.instances
        self.headers = {USER_HEADER: self.me.user, CLIENT_HEADER: self.me.ip}
        self.next = rhythm(self.me, _PLAN)
        self.draw = random.Random(self.me.number)  # noqa: S311 - a load, no secret
        self.due = _now()
        self.shares = [SHARES.get(tier, 1) for tier in _TIERS]

    def wait_time(self) -> float:
        """Seconds until the next request is due."""
        now = _now()
        wait = max(0.0, self.next(now) - now)
        self.due = now + wait
        return wait

    @task  # type: ignore[untyped-decorator]
    def ask(self) -> None:
        """One request; a refusal by the limiter is an answer like any other."""
        tier = self.me.tier or self.draw.choices(_TIERS, self.shares)[0]
        url = f"{_ORDER.urls[self.instance]}{_ORDER.paths[tier]}"
        sent = _now()
        with self.client.get(url, name=tier, headers=self.headers, catch_response=True) as response:
            received = _now()
            status, headers = response.status_code or 0, response.headers or {}
            began, limited, answered = map(int, headers.get(TIMES_HEADER, "0 0 0").split())
            if status == 429:
                response.success()
        there = (began / 1e9 - _ORDER.begin, limited / 1e9, answered / 1e9 - _ORDER.begin)
        _answers.append(
            Answer(
                *(sent, received, self.me.user, self.me.ip, tier, status),
                *(headers.get(SOURCE_HEADER, ""), self.instance, sent - self.due),
                *(there if began else (0.0, 0.0, 0.0)),
            )
        )


def _write() -> None:
    with open(_ORDER.records, "a") as file:  # noqa: PTH123 - before anything else may fail
        file.writelines(f"{json.dumps(one)}\n" for one in _answers)
    _answers.clear()


@events.init.add_listener  # type: ignore[untyped-decorator]
def _write_now_and_then(**_: object) -> None:
    def forever() -> None:
        while True:
            gevent.sleep(_WRITTEN_EVERY)
            _write()

    gevent.spawn(forever)


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def _write_the_rest(**_: object) -> None:
    _write()
