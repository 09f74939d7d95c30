"""A secret, a group, their clients and a function that may be killed at every call."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from rotation import reconciler, steps
from rotation.published import State
from rotation.tools import Tools
from shared.auth_token import AuthToken
from shared.errors import StoppedError, UnreachableError
from shared.group import Endpoint, Group
from shared.secret import Secret
from shared.versions import Versions
from tests.lambda_rotation.model.elasticache import NODES, ReplicationGroup, Unknowns
from tests.lambda_rotation.model.fake_aws import Answer, QuickClient, ServiceError, fake_service
from tests.lambda_rotation.model.secrets_manager import CURRENT, PENDING, SecretsManager
from tests.lambda_rotation.model.time import Time

ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:token-AbCdEf"
GROUP = "vibewell-redis"
FIRST_TOKEN = "First" * 12 + "1234"
SECOND_TOKEN = "Second" * 10 + "1234"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
RUN = {
    "createSecret": lambda tools, version: steps.create_secret(tools, version),
    "setSecret": lambda tools, version: steps.set_secret(tools, version),
    "testSecret": lambda tools, version: steps.test_secret(tools, version),
    "finishSecret": lambda tools, version: steps.finish_secret(tools, version),
}

CACHE = timedelta(minutes=20)  # longer than a pass, or a pass too early would go unnoticed
RETIRE_AFTER = timedelta(minutes=30)
PASS = timedelta(minutes=15)
SECONDS_A_CALL = 1
# The longest way known is about 30: interrupted, brought in, retired, then all of it again for a
# version that Secrets Manager gave up.
PASSES = 48


class LockedOutError(AssertionError):
    """A client that read AWSCURRENT, and may still cache it, cannot log in."""


class NotOverError(AssertionError):
    """The reconciler did not bring a rotation to its end."""


class Killed(BaseException):
    """The process ended here."""


@dataclass(frozen=True)
class Kill:
    """End the process before or after its call of this number, counted from now."""

    call: int
    side: Literal["before", "after"]


class World:
    """What a rotation meets. Every change is checked at once against what clients may use."""

    def __init__(self, unknowns: Unknowns | None = None, *, quick: bool = False) -> None:
        self.time = Time(after_each=self.check)
        self.secret = SecretsManager(self.time, FIRST_TOKEN)
        self.group = ReplicationGroup(self.time, unknowns or Unknowns(), (FIRST_TOKEN,))
        self.service_cleans_up = True
        self.read: list[tuple[datetime, str]] = [(self.time.now, FIRST_TOKEN)]
        self.tokens = {FIRST_TOKEN}
        self.raised: list[BaseException] = []
        self.states: list[State] = []
        self.calls = 0
        self.kill: Kill | None = None
        self.throttled = 0
        self.rotations = 0
        self.locked_out_by_hand = False
        self.tools = Tools(
            secret=Secret(self._client("secretsmanager", self._secrets_manager, quick), ARN),
            group=Group(self._client("elasticache", self._elasticache, quick), GROUP),
            log_in=self.log_in,
            clock=lambda: self.time.now,
        )

    @classmethod
    def rotated_before(cls, unknowns: Unknowns | None = None, *, quick: bool = False) -> Self:
        """A world with an AWSPREVIOUS, as every rotation but the first meets it.

        Put together, for going through a rotation would double the time of most tests.
        """
        world = cls(unknowns, quick=quick)
        version = world.rotate_secret()
        world.secret.versions[version].value = SECOND_TOKEN
        world.secret.move_current(version)
        world.secret.take_away(PENDING)
        moved = world.time.now.isoformat(timespec="seconds")
        world.secret.tags = {
            "redis-token:current-since": f"{version} {moved}",
            "redis-token:accepted": f"one {version} {moved}",
        }
        world.group.only(SECOND_TOKEN)
        world.tokens.add(SECOND_TOKEN)
        world.time.pass_by(2 * CACHE.total_seconds())
        world.read = [(world.time.now, SECOND_TOKEN)]
        return world

    # --- What happens to the function ------------------------------------------------------------

    def step(self, name: str, version: str, kill: Kill | None = None) -> str | None:
        """Run one step; returns why it stopped, None if it did what it had to."""
        return self._run(lambda: RUN[name](self.tools, version), kill)

    def steps(self, version: str) -> None:
        """Secrets Manager's way through the four: it stops at the first that fails."""
        for name in STEPS:
            if self.step(name, version) is not None:
                return
        self.clean_up(version)

    def reconcile(self, kill: Kill | None = None) -> str | None:
        """One pass of our schedule; returns its words."""

        def run() -> None:
            self.states.append(reconciler.reconcile(self.tools, RETIRE_AFTER))

        return self._run(run, kill) or self.states[-1].words

    # --- What Secrets Manager, CloudFormation and people do --------------------------------------

    def rotate_secret(self, version: str | None = None) -> str:
        """RotateSecret. Raises ServiceError as the service does."""
        self.rotations += 1
        version = version or f"rotation-{self.rotations:032}"
        self.secret.announce(version)
        return version

    def clean_up(self, version: str) -> None:
        """What the service may do after its last step."""
        done = self.secret.holding(CURRENT) == self.secret.holding(PENDING) == version
        if self.service_cleans_up and done:
            self.secret.take_away(PENDING)

    def rotate_again_by_cloudformation(self) -> None:
        """A deployment that sends AWSCURRENT's token again, with ROTATE."""
        self.group.modify_replication_group(
            {
                "AuthToken": self.secret.current,
                "AuthTokenUpdateStrategy": "ROTATE",
                "ApplyImmediately": True,
            }
        )

    def token_is_changed_by_hand(self) -> None:
        """Somebody has locked every client out already; what our function does is looked at."""
        self.locked_out_by_hand = True
        self.group.only("Nobody" * 10 + "1234")

    @property
    def deployable(self) -> bool:
        """What the deploy command asks for before it begins."""
        answer = self.secret.describe_secret({})
        labels = {
            label: version
            for version, held in answer["VersionIdsToStages"].items()
            for label in held
        }
        return self.group.settled and Versions(labels, self.secret.tags).at_rest

    # --- What must be true -----------------------------------------------------------------------

    def check(self) -> None:
        """Raises LockedOutError if a token that a client may hold is refused anywhere."""
        if self.secret.current != self.read[-1][1]:
            self.read.append((self.time.now, self.secret.current))
        used = {self.secret.current}
        for (_, text), (until, _) in zip(self.read, self.read[1:], strict=False):
            if until + CACHE >= self.time.now:
                used.add(text)
        for node in NODES:
            if not self.locked_out_by_hand and not used.issubset(self.group.nodes[node]):
                raise LockedOutError(node)

    @property
    def over(self) -> bool:
        """Nothing is left to do, and only AWSCURRENT's token opens the group."""
        alone = {(self.secret.current,)} == set(self.group.nodes.values())
        return self.deployable and alone

    def let_go(self) -> int:
        """No more mishaps: the reconciler alone brings all to its end. Returns its passes."""
        self.throttled = self.group.come_to_nothing = 0
        for number in range(PASSES):
            if self.over:
                return number
            self.pass_by(PASS)
            self.reconcile()
        raise NotOverError(self.states[-1].words)

    def complete_one_more(self) -> int:
        """One RotateSecret from here ends with another token alone. Returns the passes."""
        before = self.secret.current
        self.steps(self.rotate_secret())
        passes = self.let_go()
        if self.secret.current == before:
            raise NotOverError("the rotation brought no other token")
        return passes

    def pass_by(self, time: timedelta) -> None:
        """Let time go by."""
        self.time.pass_by(time.total_seconds())

    # --- Every call of the function --------------------------------------------------------------

    def log_in(self, endpoint: Endpoint, token: AuthToken) -> bool:
        """A login on the model's nodes, with login.log_in's contract."""

        def answer() -> bool:
            if endpoint.name in self.group.unreachable:
                raise UnreachableError(f"the {endpoint.name} endpoint cannot be connected to")
            return token.text in self.group.nodes[endpoint.name]

        return bool(self._call(answer))

    @staticmethod
    def _client(name: str, answer: Answer, quick: bool) -> Any:
        if quick:
            return QuickClient(answer)
        service = fake_service(name)
        service.answer = answer
        return service.client

    def _secrets_manager(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if "SecretString" in asked:
            self.tokens.add(asked["SecretString"])
        return self._aws(lambda: getattr(self.secret, operation)(asked))

    def _elasticache(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        return self._aws(lambda: getattr(self.group, operation)(asked))

    def _aws(self, answer: Any) -> dict[str, Any]:
        def throttled_or_not() -> dict[str, Any]:
            if self.throttled:
                self.throttled -= 1
                raise ServiceError("ThrottlingException")
            found: dict[str, Any] = answer()
            return found

        found: dict[str, Any] = self._call(throttled_or_not)
        return found

    def _call(self, answer: Any) -> Any:
        self.calls += 1
        self._kill("before")
        self.time.pass_by(SECONDS_A_CALL)
        try:
            return answer()
        finally:
            self.check()
            self._kill("after")

    def _kill(self, side: str) -> None:
        if self.kill == Kill(self.calls, side):  # type: ignore[arg-type]
            raise Killed

    def _run(self, work: Any, kill: Kill | None) -> str | None:
        self.calls, self.kill = 0, kill
        try:
            work()
        except StoppedError as stopped:
            self.raised.append(stopped)
            return str(stopped)
        except Killed:
            return "killed"
        finally:
            self.kill = None
        return None
