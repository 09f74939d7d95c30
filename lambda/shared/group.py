"""The replication group in ElastiCache."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.auth_token import AuthToken
from shared.aws_calls import ask
from shared.errors import AwsRefusedError, NotYetError


@dataclass(frozen=True)
class Endpoint:
    """An address that clients use."""

    name: str
    host: str
    port: int


@dataclass(frozen=True)
class GroupState:
    """What DescribeReplicationGroups says: where clients log in, and whether anything is going on.

    ``busy`` is the reason why the group takes no change now, or why its nodes may not yet agree.
    """

    endpoints: tuple[Endpoint, ...]
    busy: str | None

    @property
    def first(self) -> Endpoint:
        """The primary, or the configuration endpoint in cluster mode."""
        return self.endpoints[0]

    def require_settled(self) -> None:
        """Raises NotYetError while a change is under way."""
        if self.busy:
            raise NotYetError(self.busy)


@dataclass(frozen=True)
class Group:
    """One replication group. Every method raises what ``ask`` raises."""

    client: Any
    group_id: str

    def describe(self) -> GroupState:
        """The group as it is now. Raises NotYetError while it has no address."""
        answer = ask(
            self.client.describe_replication_groups,
            "describe the replication group",
            ReplicationGroupId=self.group_id,
        )
        group = answer["ReplicationGroups"][0]
        endpoints = _endpoints(group)
        if not endpoints:
            raise NotYetError(f"the replication group {self.group_id} has no address yet")
        return GroupState(endpoints, self._busy(group))

    def rotate(self, token: AuthToken) -> None:
        """Start to accept this token besides the one last rotated (ROTATE). Does not wait."""
        self._modify(token, "ROTATE")

    def set_only(self, token: AuthToken) -> bool:
        """Start to accept this token alone (SET). Does not wait.

        False if ElastiCache does not take it: SET is only for the token that was last rotated.
        The code for that is documented nowhere, so both codes for a bad parameter count.
        """
        try:
            self._modify(token, "SET")
        except AwsRefusedError as refused:
            if refused.code in ("InvalidParameterValue", "InvalidParameterCombination"):
                return False
            raise
        return True

    def _modify(self, token: AuthToken, strategy: str) -> None:
        ask(
            self.client.modify_replication_group,
            f"{strategy} the token of {self.group_id}",
            ReplicationGroupId=self.group_id,
            AuthToken=token.text,
            AuthTokenUpdateStrategy=strategy,
            ApplyImmediately=True,
        )

    def _busy(self, group: Mapping[str, Any]) -> str | None:
        status = group["Status"]
        if status != "available":
            return f"the replication group {self.group_id} is {status}"
        change = group.get("PendingModifiedValues", {}).get("AuthTokenStatus")
        if change:
            return f"the replication group {self.group_id} is {change} its token"
        return None


def _endpoints(group: Mapping[str, Any]) -> tuple[Endpoint, ...]:
    found: dict[str, Any] = {"configuration": group.get("ConfigurationEndpoint")}
    if not found["configuration"]:
        # Without cluster mode there is one node group; in cluster mode they have no addresses.
        nodes: Mapping[str, Any] = next(iter(group.get("NodeGroups", [])), {})
        found = {"primary": nodes.get("PrimaryEndpoint"), "reader": nodes.get("ReaderEndpoint")}
    return tuple(
        Endpoint(name, endpoint["Address"], endpoint["Port"])
        for name, endpoint in found.items()
        # While a group is made, an endpoint can be there without its address.
        if endpoint and endpoint.get("Address") and endpoint.get("Port")
    )
