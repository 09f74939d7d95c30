"""What the stacks need of a group that somebody else owns: names and rights, no resource of it.

Each class replaces the one that makes the resource, with the same attributes.
"""

from constructs import Construct
from constructs.common.permissions import Statement
from constructs.data.auth_token import AuthToken, RedisUser
from constructs.data.network import RedisAccess
from constructs.data.replication_group import RedisReplicationGroup
from environments.access import user_group_id, user_id
from environments.attached_settings import Attached
from environments.redis_settings import PORT
from environments.topology import Topology


class AttachedAccess(RedisAccess):
    """The owner's security group, into which our functions are let by rules of our own."""

    def __init__(
        self, scope: Construct, construct_id: str, *, attached: Attached, subnet_group_name: str
    ) -> None:
        Construct.__init__(self, scope, construct_id)
        self.security_group_id = attached.security_group_id
        self.subnet_group_name = subnet_group_name


class StoredToken(AuthToken):
    """The secret that ``make adopt`` stored the present token in, outside of every stack.

    Deleting the stacks leaves clients their login. Secrets Manager's own key encrypts it, which
    takes no right of a caller in the account.
    """

    def __init__(self, scope: Construct, construct_id: str, *, arn: str) -> None:
        Construct.__init__(self, scope, construct_id)
        self.arn = arn

    def _use_of_the_key(self, *_actions: str) -> list[Statement]:
        return []


class KeptUser(RedisUser):
    """The user and the user group of an earlier deployment, which outlived its stack."""

    def __init__(self, scope: Construct, construct_id: str, *, group_id: str) -> None:
        Construct.__init__(self, scope, construct_id)
        self._group_id = group_id
        self.id = user_id(group_id)
        self.group_ref = user_group_id(group_id)


class AttachedGroup(RedisReplicationGroup):
    """The owner's group: no stack creates, changes or deletes it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, attached: Attached, topology: Topology
    ) -> None:
        Construct.__init__(self, scope, construct_id)
        self.topology = topology
        self.port = PORT
        self.address = attached.address
        self.reader_address = attached.reader_address
