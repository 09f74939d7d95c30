"""The tokens of a replication group in ElastiCache, at their worst.

From the user guide ("Authenticating with the AUTH command") and ModifyReplicationGroup: ROTATE adds
a token and keeps the one before it, so a third evicts the oldest; SET leaves one and takes only the
token that was last rotated; a group that is not available takes no change. What AWS leaves open is
a choice of the world: what ROTATE of a present token does, whether SET needs a ROTATE right before
it, in which order the nodes get a token, how long that takes, and whether it comes to nothing.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.lambda_rotation.model.fake_aws import ServiceError
from tests.lambda_rotation.model.time import Time

NODES = ("primary", "reader")

Parameters = dict[str, Any]
Tokens = tuple[str, ...]


class ThirdTokenError(AssertionError):
    """ROTATE brought a token in while the group accepted two: the older one is evicted."""


@dataclass(frozen=True)
class Unknowns:
    """What AWS does not promise; every proof holds for each choice."""

    rotating_a_present_token_evicts_the_other: bool = True
    set_needs_a_rotate_right_before: bool = True
    reader_first: bool = False


@dataclass
class ReplicationGroup:
    """One group of two endpoints. Tokens are in the order in which they were rotated in."""

    time: Time
    unknowns: Unknowns
    tokens: Tokens = field(repr=False)
    status: str = "available"
    token_status: str | None = None
    seconds: float = 300
    come_to_nothing: int = 0
    nodes: dict[str, Tokens] = field(init=False, repr=False)
    unreachable: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._rotated = False
        self.only(*self.tokens)

    @property
    def settled(self) -> bool:
        """No change is under way."""
        return self.status == "available"

    def only(self, token: str) -> None:
        """Accept this token alone, at once."""
        self.tokens, self._last = (token,), token
        self.nodes = dict.fromkeys(NODES, self.tokens)

    def forget_what_was_rotated(self) -> None:
        """Refuse SET, for a reason of its own."""
        self._last = ""

    def occupy(self, status: str, seconds: float) -> None:
        """Be busy with something else, for example a snapshot."""
        if self.settled:
            self.status = status
            self.time.after(seconds, self._available)

    def fail_over(self, node: str, seconds: float) -> None:
        """Do not answer at this endpoint for a while."""
        self.unreachable.add(node)
        self.time.after(seconds, lambda: self.unreachable.discard(node))

    def describe_replication_groups(self, _: Parameters) -> dict[str, Any]:
        pending = {"AuthTokenStatus": self.token_status} if self.token_status else {}
        node_group = {
            f"{node.title()}Endpoint": {"Address": f"{node}.example", "Port": 6379}
            for node in NODES
        }
        group = {
            "Status": self.status,
            "PendingModifiedValues": pending,
            "NodeGroups": [node_group],
        }
        return {"ReplicationGroups": [group]}

    def modify_replication_group(self, asked: Parameters) -> dict[str, Any]:
        if not self.settled:
            raise ServiceError("InvalidReplicationGroupState")
        token, strategy = asked["AuthToken"], asked["AuthTokenUpdateStrategy"]
        if not asked.get("ApplyImmediately") or not 16 <= len(token) <= 128:
            raise ServiceError("InvalidParameterValue")
        after = self._set(token) if strategy == "SET" else self._rotate(token)
        self.status = "modifying"
        self.token_status = "SETTING" if strategy == "SET" else "ROTATING"
        if self.come_to_nothing:
            self.come_to_nothing -= 1
        else:
            self._last, self._rotated = token, strategy == "ROTATE"
            self._apply(after)
        self.time.after(self.seconds, self._available)
        return {"ReplicationGroup": {}}

    def _rotate(self, token: str) -> Tokens:
        if token not in self.tokens:
            if len(self.tokens) == 2:
                raise ThirdTokenError
            return (*self.tokens, token)
        if self.unknowns.rotating_a_present_token_evicts_the_other:
            return (token,)
        return (*(other for other in self.tokens if other != token), token)

    def _set(self, token: str) -> Tokens:
        strict = self.unknowns.set_needs_a_rotate_right_before
        if token != self._last or (strict and not self._rotated):
            raise ServiceError("InvalidParameterCombination")
        return (token,)

    def _apply(self, tokens: Tokens) -> None:
        order = reversed(NODES) if self.unknowns.reader_first else NODES
        for number, node in enumerate(order, 1):
            self.time.after(self.seconds * number / 3, partial(self._have, node, tokens))

    def _have(self, node: str, tokens: Tokens) -> None:
        self.nodes[node] = self.tokens = tokens

    def _available(self) -> None:
        self.status, self.token_status = "available", None
