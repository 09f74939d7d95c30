"""The acts of the proof, in their order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from emulator.clean_environment import ROOT
from rehearsal.common.checks import health, logins
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import Step
from rehearsal.common.steps.deploy import deploy
from rehearsal.upgrade import engine, way_back
from rehearsal.upgrade.applications import Applications
from rehearsal.upgrade.data_check import Kept
from rehearsal.upgrade.identity import Identity, require_nothing_replaced
from rehearsal.upgrade.release import Release
from rehearsal.upgrade.release import unpack as unpack_into

Act = Callable[[Rehearsal], str]

# Seconds without a decision of Redis' that an application may see. A deployment changes no node:
# what is allowed is a pause of a busy machine. An engine's upgrade has one failover.
DEPLOYMENT, ENGINE = 2.0, 5.0


class Beside:
    """Acts around upgrades: what is there before, what must be there after.

    As a context it ends the applications, whatever happens.
    """

    def __init__(self) -> None:
        self._client = ROOT / "client"
        self._context = ExitStack()
        self._kept = Kept()
        self._written = False
        self._before: Identity
        self._applications: Applications

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End the applications."""
        self._context.close()

    def start_from(self, release: Release) -> Act:
        """What is deployed first is the release, and its client is what applications have."""

        def unpack(rehearsal: Rehearsal) -> str:
            folder = rehearsal.folder / "release"
            told = unpack_into(release, folder)
            rehearsal.turn_to(folder, "release")
            if (folder / "client/vibewell_redis/asyncio/limiter.py").exists():
                self._client = folder / "client"
            return f"{release}: {told}"

        return unpack

    def acts(self, what: str, upgrade: Act, *before: Step, longest_gap: float) -> tuple[Step, ...]:
        """An upgrade with all that is looked at around it; `longest_gap` is in seconds.

        `before` are steps of its own, right before it.
        """

        def end(_rehearsal: Rehearsal) -> str:
            return self._applications.end(longest_gap=longest_gap)

        return (
            ("data of every type, and who is deployed", self._write),
            ("applications decide from now on", self._begin),
            *before,
            (what, upgrade),
            ("nothing that holds something was replaced", self._compare),
            ("the data is there", self._kept.check),
            ("logins over TLS, with the same token", logins.check),
            ("the applications' own account", end),
            ("the deployment's own health check", health.check),
        )

    def way_back(self, engine: str) -> Step:
        """The snapshot from before restores to the older engine, and holds the data."""
        return (
            f"the way back: a snapshot on {engine}, beside",
            lambda rehearsal: way_back.restore(rehearsal, self._kept, engine),
        )

    def _write(self, rehearsal: Rehearsal) -> str:
        # The same data lives through every upgrade of a rehearsal.
        written = self._kept.check(rehearsal) if self._written else self._kept.write(rehearsal)
        self._written = True
        self._before = Identity.of(rehearsal)
        return f"{written}; {len(self._before.resources)} resources that hold something"

    def _begin(self, rehearsal: Rehearsal) -> str:
        self._applications = self._context.enter_context(Applications(rehearsal, self._client))
        own = self._client != ROOT / "client"
        return "with the release's client package" if own else "with this revision's client package"

    def _compare(self, rehearsal: Rehearsal) -> str:
        return self._before.require_same(Identity.of(rehearsal))


def to_this_revision(rehearsal: Rehearsal) -> str:
    """Deploy this checkout over what stands there."""
    rehearsal.turn_to(ROOT, "current")
    rehearsal.checkout.make()
    rehearsal.cdk.synth(rehearsal.checkout.name)
    said = require_nothing_replaced(rehearsal)
    deploy(rehearsal)
    return said


def to_engine(name: str) -> Act:
    """The file's one line, deployed."""
    return lambda rehearsal: engine.change_to(rehearsal, name)


SNAPSHOT_BEFORE: Step = ("a snapshot before", way_back.take)


def back_to(name: str) -> Step:
    """The way back must be refused."""
    return (f"back to {name} is refused", lambda rehearsal: engine.refused(rehearsal, name))
