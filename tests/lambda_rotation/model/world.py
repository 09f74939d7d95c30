"""A secret, a user, a group, their clients, and a function that anything may happen to at any call.

Every change is checked at once against what clients may hold. Times are in seconds.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from rotation import convergence, reconciler, steps
from rotation.published import State
from rotation.tools import Tools
from shared.auth_token import AuthToken
from shared.errors import StoppedError, UnreachableError
from shared.group import Endpoint, Group
from shared.login import Logins
from shared.secret import Secret
from shared.user import User
from shared.versions import Versions
from tests.lambda_rotation.model.elasticache import ElastiCache, Passwords, Promises
from tests.lambda_rotation.model.fake_aws import Answer, QuickClient, ServiceError, fake_service
from tests.lambda_rotation.model.secrets_manager import CURRENT, PENDING, PREVIOUS, SecretsManager

ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:token-AbCdEf"
GROUP, USER = "vibewell-redis", "vibewell-redis-default"
FIRST_TOKEN = "First" * 12 + "1234"
SECOND_TOKEN = "Second" * 10 + "1234"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
RUN = {
    "createSecret": lambda tools, version: steps.create_secret(tools, version),
    "setSecret": lambda tools, version: steps.set_secret(tools, version),
    "testSecret": lambda tools, version: steps.test_secret(tools, version),
    "finishSecret": lambda tools, version: steps.finish_secret(tools, version),
}

WRITES = frozenset(
    "put_secret_value update_secret_version_stage tag_resource untag_resource modify_user".split()
)
EPOCH = datetime(2026, 1, 4, tzinfo=UTC)
PASS = 15 * 60
CACHE = 20 * 60  # longer than a pass, or a pass too early would go unnoticed
RETIRE_AFTER = 30 * 60
MOST_REFUSED = 4
PASSES = 48  # lead to rest from wherever a search has come

Action = Callable[["World"], object]


class LockedOutError(AssertionError):
    """A client that read AWSCURRENT, and may still cache it, cannot log in."""


class OpenError(AssertionError):
    """A client without a token is served for longer than one pass and a change."""


class NotOverError(AssertionError):
    """Passes alone did not lead to rest."""


class SilentError(AssertionError):
    """A pass that saw every node did not publish what an alarm is for."""


class Killed(BaseException):
    """The process ended here."""


@dataclass(frozen=True)
class Excuse:
    """So long these tokens may be refused, or all but these; and the user may be open."""

    until: int
    tokens: frozenset[str]
    all_but: bool = False
    open: bool = False

    def covers(self, token: str) -> bool:
        """Whether it is for this token."""
        return (token in self.tokens) != self.all_but


class World:
    """What a rotation meets; ``plan`` says before which call of an invocation what happens."""

    def __init__(
        self,
        promises: Promises | None = None,
        *,
        quick: bool = False,
        shards: int = 1,
        deletes: bool = True,
    ) -> None:
        self.quick = quick
        self.now = 0
        self.seconds_a_call = 1
        self.cache = ElastiCache(promises or Promises(), Passwords((FIRST_TOKEN,)), shards)
        self.secret = SecretsManager(EPOCH, deletes)
        self.secret.store("first-version-" + "0" * 32, FIRST_TOKEN, CURRENT)
        self.service_cleans_up = True
        self.read: dict[str, int] = {}
        self.excuses: tuple[Excuse, ...] = ()
        self.slowest = self.cache.seconds
        self.late = 0
        self.throttled = 0
        self.rotations = self.obstructions = 0
        self.tokens = {FIRST_TOKEN}
        self.raised: list[BaseException] = []
        self.states: list[State] = []
        self.calls: list[str] = []
        self.plan: Mapping[int, Action] = {}
        self.passed = 0
        self._make_tools()
        self.check()

    @classmethod
    def rotated_before(
        cls,
        promises: Promises | None = None,
        *,
        quick: bool = False,
        shards: int = 1,
        deletes: bool = True,
    ) -> Self:
        """A world with an AWSPREVIOUS, as every rotation but the first meets it.

        Put together, for going through a rotation would double the time of most tests.
        """
        world = cls(promises, quick=quick, shards=shards, deletes=deletes)
        version = world.rotate_secret()
        world.secret.store(version, SECOND_TOKEN)
        world.secret.move_current(version)
        world.secret.take_away(PENDING)
        world.secret.tags = world.found.since(world.clock())
        only = Passwords((SECOND_TOKEN,))
        world.cache = ElastiCache(world.cache.promises, only, shards)
        world.tokens.add(SECOND_TOKEN)
        world.read = {}
        world.pass_by(RETIRE_AFTER + CACHE)
        return world

    def copy(self) -> "World":
        """Another one in the same state, with no past."""
        made = object.__new__(World)
        made.__dict__ = dict(self.__dict__)
        made.secret, made.cache, made.read = self.secret.copy(), self.cache.copy(), dict(self.read)
        made.tokens, made.raised, made.states = set(self.tokens), [], []
        made._make_tools()  # noqa: SLF001 - it is one of its own
        return made

    def _make_tools(self) -> None:
        elasticache = self._client("elasticache", self._elasticache)
        self.tools = Tools(
            secret=Secret(self._client("secretsmanager", self._secrets_manager), ARN),
            user=User(elasticache, USER),
            group=Group(elasticache, GROUP),
            try_tokens=self.try_tokens,
            clock=self.clock,
            retire_after=timedelta(seconds=RETIRE_AFTER),
            most_refused=MOST_REFUSED,
        )

    # --- What happens to the function ------------------------------------------------------------

    def step(self, name: str, version: str, plan: Mapping[int, Action] | None = None) -> str | None:
        """Run one step; returns why it stopped, None if it did what it had to."""
        return self._run(lambda: RUN[name](self.tools, version), plan)

    def steps(self, version: str, plans: Mapping[str, Mapping[int, Action]] | None = None) -> None:
        """Secrets Manager's way through the four: it stops at the first that fails."""
        for name in STEPS:
            if self.step(name, version, (plans or {}).get(name)) is not None:
                return
        self.clean_up(version)

    def reconcile(self, plan: Mapping[int, Action] | None = None) -> str | None:
        """One pass of our schedule; returns its words."""

        def run() -> None:
            self.passed = self.now
            before = self.obstructions, list(self.cache.accepted)
            self.states.append(reconciler.reconcile(self.tools))
            if not plan and before == (self.obstructions, list(self.cache.accepted)):
                self._expect_published(self.states[-1])

        return self._run(run, plan) or self.states[-1].words

    # --- What Secrets Manager, CloudFormation and people do --------------------------------------

    def rotate_secret(self, version: str | None = None) -> str:
        """RotateSecret. Raises ServiceError as the service does."""
        version = version or f"rotation-{self.rotations + 1:032}"
        self.secret.announce(version)
        self.rotations += 1
        return version

    def clean_up(self, version: str) -> None:
        """What the service may do after its last step."""
        done = self.secret.labels[CURRENT] == self.secret.labels.get(PENDING) == version
        if self.service_cleans_up and done:
            self.secret.take_away(PENDING)

    def person_moves_current(self, version: str) -> None:
        """Move AWSCURRENT by hand, to whatever token the version holds."""
        pending = self.secret.value(PENDING)
        self.secret.move_current(version)
        token = str(self.secret.value(CURRENT))
        there = all(token in one.tokens for one in (self.cache.user, *self.cache.accepted))
        if self.plan or not there:  # or a run that has just read the labels is about to remove it
            self.excuse(token)
        if self.found.current_since(self.clock()):
            # There and back between two passes leaves no trace: docs/rotation.md says so.
            known = frozenset(self.read) - {token}
            self.excuses += (Excuse(self.now + CACHE, known),)
        self._forget(pending)

    def person_changes(self, change: Callable[[SecretsManager], object]) -> None:
        """Labels or tags are changed by hand."""
        pending = self.secret.value(PENDING)
        change(self.secret)
        self._forget(pending)

    def foreign_change(self, passwords: Passwords) -> None:
        """A person or CloudFormation replaces the user's passwords. Raises ServiceError."""
        self.cache.change(passwords)
        kept = frozenset(passwords.tokens)
        self.excuses += (Excuse(self.now + self.window, kept, all_but=True, open=passwords.open),)

    def excuse(self, token: str) -> None:
        """It may be refused until a change of AWS, one pass and a change of ours are over."""
        self.excuses += (Excuse(self.now + self.window, frozenset({token})),)

    @property
    def window(self) -> int:
        """AWS's change, one pass and our change; a node that is late is given PAUSE each time."""
        late = self.late * (int(convergence.PAUSE.total_seconds()) + PASS + self.slowest)
        return 2 * self.slowest + PASS + 60 + late

    def obstructed(self) -> None:
        """A pass or a step could not do its work: what is excused is so for longer."""
        self.obstructions += 1
        until = self.now + self.window
        self.excuses = tuple(
            replace(one, until=max(one.until, until)) if one.until >= self.now else one
            for one in self.excuses
        )

    def _forget(self, pending: str | None) -> None:
        """Nobody can know a token any more whose version a person took the label from.

        And AWSPENDING's, then or now, may be none that the user is to have, or not to lose: a run
        that overlaps another removes it, and the other, which has tried it before, makes it
        AWSCURRENT's.
        """
        known = {self.secret.value(CURRENT), self.secret.value(PREVIOUS)}
        self.read = {token: time for token, time in self.read.items() if token in known}
        for token in {pending, self.secret.value(PENDING)} - {None}:
            self.excuse(str(token))

    # --- What must be true -----------------------------------------------------------------------

    def check(self) -> None:
        """Raises LockedOutError if a token that a client may hold is refused, or OpenError."""
        current = self.secret.value(CURRENT)
        assert current
        self.read[current] = self.now
        for token, time in list(self.read.items()):
            if time + CACHE < self.now:
                del self.read[token]
        if all(self._accepted_everywhere(token) for token in self.read):
            return
        excuses = self.excuses = tuple(one for one in self.excuses if one.until >= self.now)
        if any(one.open for one in self.cache.accepted) and not any(one.open for one in excuses):
            raise OpenError
        for token in self.read:
            excused = any(one.covers(token) for one in excuses)
            if not excused and not self._accepted_everywhere(token):
                raise LockedOutError

    def _accepted_everywhere(self, token: str) -> bool:
        return all(token in one.tokens and not one.open for one in self.cache.accepted)

    def _expect_published(self, state: State) -> None:
        """Nothing changed while every node was asked: what an alarm is for must be there."""
        current = self.secret.value(CURRENT) or ""
        refused = not all(self.cache.accepts(name, current) for name in self.cache.nodes)
        if state.figures.get("TokenDisagreement", refused) != refused:
            raise SilentError(state.words)
        opened = [one.open for one in self.cache.accepted]
        if all(opened) and not state.figures.get("LoginWithoutPassword"):
            raise SilentError(state.words)

    @property
    def over(self) -> bool:
        """Nothing is left to do, and AWSCURRENT's token alone opens every node."""
        only = Passwords((str(self.secret.value(CURRENT)),))
        pending = self.secret.labels.get(PENDING) in (None, self.secret.labels[CURRENT])
        at_rest = {only} == {self.cache.user, *self.cache.accepted}
        return pending and at_rest and self.cache.active and self.cache.due() is None

    def let_go(self) -> int:
        """No more mishaps: the reconciler alone brings all to its end. Returns its passes."""
        self.throttled = 0
        for number in range(PASSES):
            if self.over and not self._unsettled:
                return number
            self.live(PASS)
        raise NotOverError(self.states[-1].words)

    @property
    def _unsettled(self) -> bool:
        return "redis-token:unfinished-since" in self.secret.tags

    def complete_one_more(self) -> int:
        """One RotateSecret from here ends with another token alone. Returns the passes."""
        before = self.secret.value(CURRENT)
        self.steps(self.rotate_secret())
        passes = self.let_go()
        if self.secret.value(CURRENT) == before:
            raise NotOverError("the rotation brought no other token")
        return passes

    @property
    def found(self) -> Versions:
        """What the product makes of labels and tags."""
        return Versions(dict(self.secret.labels), dict(self.secret.tags))

    # --- Time ------------------------------------------------------------------------------------

    def clock(self) -> datetime:
        """The time as the function is told it."""
        return EPOCH + timedelta(seconds=self.now)

    def pass_by(self, seconds: int) -> None:
        """Let time go by; what is due happens on the way, and each time all is checked."""
        end = self.now + seconds
        while (due := self.cache.due()) is not None and due <= end:
            self._at(due)
        self._at(end)

    def _at(self, time: int) -> None:
        self.now = time
        self.secret.now = self.clock()
        self.cache.advance(time)
        self.check()

    def live(self, seconds: int) -> None:
        """Let time go by in which our schedule does its passes."""
        end = self.now + seconds
        while (due := max(self.now, self.passed + PASS)) <= end:
            self.pass_by(due - self.now)
            self.reconcile()
        self.pass_by(max(0, end - self.now))

    def takes(self, seconds: int) -> None:
        """A change takes AWS so long from now on."""
        self.cache.seconds = seconds
        self.slowest = max(self.slowest, seconds)

    # --- Every call of the function --------------------------------------------------------------

    def try_tokens(self, endpoint: Endpoint, tokens: list[AuthToken], *, anonymous: bool) -> Logins:
        """Logins at the model's nodes, as login.try_tokens does them."""

        last = endpoint.host == max(self.cache.nodes)
        self._before("last node" if last else "node")
        node = self.cache.nodes[endpoint.host]
        if node.silent_until > self.now:
            self.obstructed()
            raise UnreachableError(f"{endpoint.name} cannot be connected to")
        taken = {token: self.cache.accepts(endpoint.host, token.text) for token in tokens}
        tried = anonymous or not all(taken.values())
        return Logins(taken, node.has.open if tried else None)

    def _client(self, name: str, answer: Answer) -> Any:
        if self.quick:
            return QuickClient(answer)
        service = fake_service(name)
        service.answer = answer
        return service.client

    def _secrets_manager(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if "SecretString" in asked:
            self.tokens.add(asked["SecretString"])
        return self._aws(operation, self.secret, asked)

    def _elasticache(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        return self._aws(operation, self.cache, asked)

    def _aws(self, operation: str, service: object, asked: dict[str, Any]) -> dict[str, Any]:
        self._before(operation)
        try:
            if self.throttled:
                self.throttled -= 1
                raise ServiceError("ThrottlingException")
            answer: dict[str, Any] = getattr(service, operation)(asked)
        except ServiceError:
            self.obstructed()
            raise
        if operation in WRITES:
            self.check()
        return answer

    def _before(self, operation: str) -> None:
        """What is planned before this call happens, and the call takes its time."""
        planned = self.plan.get(len(self.calls))
        self.calls.append(operation)
        if planned:
            planned(self)
            self.check()
        if self.seconds_a_call:
            self.pass_by(self.seconds_a_call)

    def _run(self, work: Callable[[], object], plan: Mapping[int, Action] | None) -> str | None:
        """Invocations may be within one another: those that overlap."""
        outer = self.calls, self.plan
        self.calls, self.plan, stopped = [], plan or {}, None
        try:
            work()
        except StoppedError as problem:
            self.raised.append(problem)
            stopped = str(problem)
        except Killed:
            self.obstructed()
            stopped = "killed"
        after = self.plan.get(len(self.calls))
        self.trace = self.calls
        self.calls, self.plan = outer
        if after and stopped != "killed":
            with suppress(Killed):
                after(self)
            self.check()
        return stopped


def kill(_: World) -> None:
    """End the process."""
    raise Killed


def points(world: World, invoke: Callable[[World], object]) -> Iterator[int]:
    """The numbers of an invocation's calls, and one for its end; the world goes on."""
    invoke(world)
    yield from range(len(world.trace) + 1)
