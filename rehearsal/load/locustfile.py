"""The users, as locust runs them, in a process of the trials' own environment.

What it is to do stands in LOAD, an `Order` as JSON.
"""

import os
import random
import resource
import time
from itertools import count

import gevent  # type: ignore[import-untyped]
from locust import FastHttpUser, events, task  # type: ignore[import-not-found]

from rehearsal.load.held_connections import hold
from rehearsal.load.plan import (
    CLIENT_HEADER,
    SHARES,
    SOURCE_HEADER,
    TIMES_HEADER,
    USER_HEADER,
    Order,
    Record,
    clients,
    rhythm,
)

_WRITTEN_EVERY = 0.5  # seconds
_PATIENCE = 10.0  # seconds

_, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_most, _most))  # a connection each
hold()

_ORDER = Order.of(os.environ["LOAD"])
_PLAN = _ORDER.plan
_TIERS = list(_PLAN.tiers)
_CROWD = clients(_PLAN)
_NUMBERS = count()
_records: list[bytes] = []


class User(FastHttpUser):  # type: ignore[misc]
    """One client of the crowd, with one connection to one instance of the application."""

    connection_timeout = network_timeout = _PATIENCE
    max_retries = 0

    def on_start(self) -> None:
        """Take the next place in the crowd."""
        self.me = _CROWD[next(_NUMBERS)]
        self.base = _ORDER.urls[self.me.number % _PLAN.instances]
        self.headers = {USER_HEADER: self.me.user, CLIENT_HEADER: self.me.ip}
        self.next = rhythm(self.me, _PLAN)
        self.draw = random.Random(self.me.number)  # noqa: S311 - a load, no secret
        self.due = time.monotonic_ns()
        self.shares = [SHARES.get(tier, 1) for tier in _TIERS]

    def wait_time(self) -> float:
        """Seconds until the next request is due."""
        now = time.monotonic()
        wait = max(0.0, self.next(now - _ORDER.begin) - (now - _ORDER.begin))
        self.due = int(1e9 * (now + wait))
        return wait

    @task  # type: ignore[untyped-decorator]
    def ask(self) -> None:
        """One request; a refusal by the limiter is an answer like any other."""
        tier = self.me.tier or self.draw.choices(_TIERS, self.shares)[0]
        sent = time.monotonic_ns()
        with self.client.get(
            f"{self.base}{_ORDER.paths[tier]}", name=tier, headers=self.headers, catch_response=True
        ) as response:
            received = time.monotonic_ns()
            status = response.status_code or 0
            headers = response.headers or {}
            source = headers.get(SOURCE_HEADER, "")
            began, limited, answered = map(int, headers.get(TIMES_HEADER, "0 0 0").split())
            if status == 429:
                response.success()
        times = (self.due, sent, began, limited, answered, received)
        record = Record._make((*times, self.me.number, status, _TIERS.index(tier), source))
        _records.append(record.pack())


def _write() -> None:
    with open(_ORDER.records, "ab") as file:  # noqa: PTH123 - before anything else may fail
        file.write(b"".join(_records))
    _records.clear()


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
