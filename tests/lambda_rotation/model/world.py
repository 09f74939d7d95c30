"""A secret, a user, a group, their clients, and a function that anything may happen to at any call.

Every change is checked at once against what clients may hold. Times are in seconds.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from rotation import convergence, reconciler, steps
from rotation.convergence import Tools
from rotation.reconciler import State
from shared.auth_token import AuthToken
from shared.errors import StoppedError, UnreachableError
from shared.group import Endpoint, Group
from shared.login import Logins
from shared.secret import Secret
from shared.user import User
from shared.versions import Versions
from tests.lambda_rotation.model.fake_aws import QuickClient, ServiceError, fake_service
from tests.lambda_rotation.model.services import (
    CURRENT,
    FORBIDDEN,
    PENDING,
    PREVIOUS,
    ElastiCache,
    Passwords,
    Promises,
    SecretsManager,
)

ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:token-AbCdEf"
GROUP, USER = "vibewell-redis", "vibewell-redis-default"
FIRST_TOKEN = "First" * 12 + "1234"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
WRITES = {"put_secret_value", "update_secret_version_stage", "tag_resource", "untag_resource"}
WRITES |= {"modify_user"}

EPOCH = datetime(2026, 1, 4, tzinfo=UTC)
PASS = 15 * 60
CACHE = 20 * 60  # longer than a pass, or a pass too early would go unnoticed
RETIRE_AFTER = 30 * 60
PASSES = 48  # lead to rest from wherever a search has come

Action = Callable[["World"], object]
Plan = Mapping[int, Action]  # what happens before which call
NOTHING: Mapping[Any, Any] = {}


# A client that read AWSCURRENT, and may still cache it, cannot log in.
class LockedOutError(AssertionError): ...


# A client without a token is served for longer than one pass and a change.
class OpenError(AssertionError): ...


# Passes alone did not lead to rest.
class NotOverError(AssertionError): ...


# A pass that saw every node did not publish what an alarm is for.
class SilentError(AssertionError): ...


# The process ended here.
class Killed(BaseException): ...


@dataclass(frozen=True)
class Excuse:
    """So long these tokens may be refused, or all but these; and the user may be open."""

    until: int
    tokens: frozenset[str | None]
    all_but: bool = False
    open: bool = False


class World:
    """What a rotation meets."""

    def __init__(
        self, promises: Promises | None = None, *, quick: bool = False, shards: int = 1
    ) -> None:
        self.quick, self.seconds_a_call = quick, 1
        self.now = self.passed = self.late = self.throttled = self.rotations = self.hindered = 0
        self.promises = promises or Promises()
        self.cache = ElastiCache(self.promises, Passwords((FIRST_TOKEN,)), shards)
        self.slowest = self.cache.seconds
        self.secret = SecretsManager(EPOCH, self.promises.secrets_manager_deletes_what_has_no_label)
        self.secret.store("first-version-" + "0" * 32, FIRST_TOKEN, CURRENT)
        self.read: dict[str, int] = {}  # when what clients read was AWSCURRENT's last
        self.excuses: tuple[Excuse, ...] = ()
        self.tokens = {FIRST_TOKEN}
        self.raised: list[BaseException] = []
        self.states: list[State] = []
        self.plan: Plan = NOTHING
        self.calls: list[str] = []
        self.make_tools()

    @classmethod
    def rotated_before(cls, *arguments: Any, quick: bool = False, **named: Any) -> Self:
        """A world at rest after one rotation, as every rotation but the first meets it."""
        world = cls(*arguments, quick=True, **named)
        world.complete_one_more()
        world.clean_up(world.secret.labels[CURRENT])
        world.live(CACHE + PASS)  # no client holds the token before
        world.quick = quick
        world.make_tools()
        return world

    def another(self) -> "World":
        """Another one in the same state, without what it raised and published."""
        made = copy(self)
        made.secret, made.cache, made.read = self.secret.copy(), self.cache.copy(), dict(self.read)
        made.tokens, made.raised, made.states = set(self.tokens), [], []
        made.make_tools()
        return made

    def make_tools(self) -> None:
        elasticache = self._client("elasticache", "cache")
        self.tools = Tools(
            secret=Secret(self._client("secretsmanager", "secret"), ARN),
            user=User(elasticache, USER),
            group=Group(elasticache, GROUP),
            try_tokens=self.try_tokens,
            clock=self.clock,
            retire_after=timedelta(seconds=RETIRE_AFTER),
            most_refused=4,
        )

    # --- What happens to the function ------------------------------------------------------------

    def step(self, name: str, version: str, plan: Plan = NOTHING) -> str | None:
        """Run one step; returns why it stopped, None if it did what it had to."""
        step = getattr(steps, name.replace("Secret", "_secret"))
        return self._run(lambda: step(self.tools, version), plan)

    def steps(self, version: str, plans: Mapping[str, Plan] = NOTHING) -> None:
        """Secrets Manager's way through the four: it stops at the first that fails."""
        for name in STEPS:
            if self.step(name, version, plans.get(name, NOTHING)) is not None:
                return
        self.clean_up(version)

    def reconcile(self, plan: Plan = NOTHING) -> str:

        def run() -> None:
            self.passed = self.now
            before = self.hindered, list(self.cache.accepted)
            self.states.append(reconciler.reconcile(self.tools))
            if not plan and before == (self.hindered, list(self.cache.accepted)):
                self._expect_published(self.states[-1])

        return self._run(run, plan) or self.states[-1].words

    # --- What Secrets Manager, CloudFormation and people do --------------------------------------

    def rotate_secret(self) -> str:
        version = f"rotation-{self.rotations + 1:032}"
        self.secret.announce(version)
        self.rotations += 1
        return version

    def clean_up(self, version: str) -> None:
        """What the service may do after its last step."""
        done = self.secret.labels[CURRENT] == self.secret.labels.get(PENDING) == version
        if self.promises.secrets_manager_takes_awspending_away and done:
            self.secret.take_away(PENDING)

    def person_changes(self, change: Callable[[SecretsManager], object]) -> None:
        """Labels or tags are changed by hand: nobody knows a token any more that lost its label.

        And a run that overlaps another may remove AWSPENDING's, then or now, which the other has
        tried before and makes AWSCURRENT's.
        """
        current, excused = self.secret.value(CURRENT), {self.secret.value(PENDING)}
        change(self.secret)
        token = self.secret.value(CURRENT)
        excused |= {self.secret.value(PENDING)}
        if token != current:
            there = all(token in one.tokens for one in (self.cache.user, *self.cache.accepted))
            # A run that has just read the labels may be about to remove it.
            excused |= {token} if self.plan or not there else set()
            if self.found.current_since(self.clock()):
                # There and back between two passes leaves no trace (docs/operate/rotation.md).
                self.excuses += (Excuse(self.now + CACHE, frozenset(self.read) - {token}),)
        self.excuses += (Excuse(self.now + self.window, frozenset(excused)),)
        known = {token, self.secret.value(PREVIOUS)}
        self.read = {token: time for token, time in self.read.items() if token in known}

    def foreign_change(self, passwords: Passwords) -> None:
        """A person or CloudFormation replaces the user's passwords. Raises ServiceError."""
        self.cache.change(passwords)
        kept = frozenset(passwords.tokens)
        self.excuses += (Excuse(self.now + self.window, kept, all_but=True, open=passwords.open),)

    @property
    def window(self) -> int:
        """AWS's change, one pass and our change; a node that is late is given PAUSE each time.

        Where each call restarts the change, our third is the first that has more than two passes.
        """
        late = self.late * (int(convergence.PAUSE.total_seconds()) + PASS + self.slowest)
        restarts = self.promises.active_before_nodes and self.slowest > PASS
        restarts = restarts and self.promises.change_replaces_the_one_under_way
        return 2 * self.slowest + PASS + 60 + late + 3 * PASS * restarts

    def hinder(self) -> None:
        """A pass or a step could not do its work: what is excused is so for longer."""
        self.hindered += 1
        self._extend_excuses()

    def _extend_excuses(self) -> None:
        until = self.now + self.window
        still = [one for one in self.excuses if one.until >= self.now]
        self.excuses = tuple(replace(one, until=max(one.until, until)) for one in still)

    # --- What must be true -----------------------------------------------------------------------

    def check(self) -> None:
        """Raises LockedOutError if a token that a client may hold is refused, or OpenError."""
        current = self.secret.value(CURRENT)
        assert current
        if not FORBIDDEN & set(current):  # else no client can ever use it
            self.read[current] = self.now
        for token, time in list(self.read.items()):
            if time + CACHE < self.now:
                del self.read[token]
        refused = [token for token in self.read if not self._accepted_everywhere(token)]
        if not refused:
            return
        excuses = [one for one in self.excuses if one.until >= self.now]
        if any(one.open for one in self.cache.accepted) and not any(one.open for one in excuses):
            raise OpenError
        for token in refused:
            if not any((token in one.tokens) != one.all_but for one in excuses):
                raise LockedOutError

    def _accepted_everywhere(self, token: str) -> bool:
        return all(token in one.tokens and not one.open for one in self.cache.accepted)

    def _expect_published(self, state: State) -> None:
        """Nothing changed while every node was asked: what an alarm is for must be there."""
        current, figures = str(self.secret.value(CURRENT)), state.figures
        refused = not all(self.cache.accepts(name, current) for name in self.cache.nodes)
        opened = all(one.open for one in self.cache.accepted)
        if figures.get("TokenDisagreement") != refused or (
            opened and not figures.get("LoginWithoutPassword")
        ):
            raise SilentError(state.words)

    @property
    def over(self) -> bool:
        """Nothing is left to do, and AWSCURRENT's token alone opens every node."""
        only = Passwords((str(self.secret.value(CURRENT)),))
        pending = self.secret.labels.get(PENDING) in (None, self.secret.labels[CURRENT])
        at_rest = {only} == {self.cache.user, *self.cache.accepted}
        return pending and at_rest and self.cache.active and self.cache.due() is None

    def let_go(self) -> None:
        """No more mishaps: the reconciler alone brings all to its end."""
        self.throttled = 0
        for _ in range(PASSES):
            if self.over and "redis-token:unfinished-since" not in self.secret.tags:
                return
            self.live(PASS)
        raise NotOverError(self.states[-1].words)

    def complete_one_more(self) -> None:
        """One RotateSecret from here ends with another token alone."""
        before = self.secret.value(CURRENT)
        self.steps(self.rotate_secret())
        self.let_go()
        if self.secret.value(CURRENT) == before:
            raise NotOverError("the rotation brought no other token")

    @property
    def found(self) -> Versions:
        """What the product makes of labels and tags."""
        return Versions(dict(self.secret.labels), dict(self.secret.tags))

    # --- Time ------------------------------------------------------------------------------------

    def clock(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now)

    def pass_by(self, seconds: int) -> None:
        """Let time go by; what is due happens on the way, and each time all is checked."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.cache.due() or end)
            self.secret.now = self.clock()
            self.cache.advance(self.now)
            self.check()

    def live(self, seconds: int) -> None:
        """Let time go by in which our schedule does its passes."""
        end = self.now + seconds
        while (due := max(self.now, self.passed + PASS)) <= end:
            self.pass_by(due - self.now)
            self.reconcile()
        self.pass_by(max(0, end - self.now))

    def takes(self, seconds: int) -> None:
        self.cache.seconds = seconds
        self.slowest = max(self.slowest, seconds)
        self._extend_excuses()

    # --- Every call of the function --------------------------------------------------------------

    def try_tokens(self, node: Endpoint, tokens: list[AuthToken]) -> Logins:
        self._before("last node" if node.host == max(self.cache.nodes) else "node")
        if self.cache.nodes[node.host].silent_until > self.now:
            self.hinder()
            raise UnreachableError(f"{node.name} cannot be connected to")
        taken = {token: self.cache.accepts(node.host, token.text) for token in tokens}
        return Logins(taken, self.cache.nodes[node.host].has.open)

    def _client(self, name: str, service: str) -> Any:
        def answer(operation: str, asked: dict[str, Any]) -> dict[str, Any]:
            self.tokens |= {asked["SecretString"]} if "SecretString" in asked else set()
            self._before(operation)
            try:
                if self.throttled:
                    self.throttled -= 1
                    raise ServiceError("ThrottlingException")
                found: dict[str, Any] = getattr(getattr(self, service), operation)(asked)
            except ServiceError:
                self.hinder()
                raise
            if operation in WRITES:
                self.check()
            return found

        if self.quick:
            return QuickClient(answer)
        fake = fake_service(name)
        fake.answer = answer
        return fake.client

    def _before(self, operation: str) -> None:
        """What is planned before this call happens, and the call takes its time."""
        planned = self.plan.get(len(self.calls))
        self.calls.append(operation)
        if planned:
            planned(self)
            self.check()
        self.pass_by(self.seconds_a_call)

    def _run(self, work: Callable[[], object], plan: Plan) -> str | None:
        """Invocations may be within one another: those that overlap."""
        outer = self.calls, self.plan
        self.calls, self.plan, stopped = [], plan, None
        try:
            work()
        except StoppedError as problem:
            self.raised.append(problem)
            stopped = str(problem)
        except Killed:
            self.hinder()
            stopped = "killed"
        after, self.trace = self.plan.get(len(self.calls)), self.calls
        self.calls, self.plan = outer
        if after and stopped != "killed":
            with suppress(Killed):
                after(self)
            self.check()
        return stopped
