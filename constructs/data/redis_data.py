"""What constructs of other stacks take of the data stack."""

from typing import Protocol

from constructs.data.auth_token import AuthToken
from constructs.data.data_key import DataKey
from constructs.data.network import ApplicationNetwork, RedisAccess
from constructs.data.parameter_group import RedisParameters
from constructs.data.redis_user import RedisUser
from constructs.data.replication_group import RedisReplicationGroup
from environments.schema import Settings


class RedisData(Protocol):
    """The group of one environment, with all that opens or surrounds it."""

    settings: Settings
    key: DataKey
    network: ApplicationNetwork
    access: RedisAccess
    token: AuthToken
    user: RedisUser
    parameters: RedisParameters
    replication_group: RedisReplicationGroup
