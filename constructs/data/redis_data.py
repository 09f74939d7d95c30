"""What constructs of other stacks take of the data stack."""

from typing import Protocol

from constructs.common.encryption_key import EncryptionKey
from constructs.data.auth_token import AuthToken
from constructs.data.network import ApplicationNetwork, RedisAccess
from constructs.data.parameter_group import ParameterGroup
from constructs.data.redis_user import RedisUser
from constructs.data.replication_group import RedisReplicationGroup
from environments.schema import Settings


class RedisData(Protocol):
    """The group of one environment, with all that opens or surrounds it."""

    settings: Settings
    key: EncryptionKey
    network: ApplicationNetwork
    access: RedisAccess
    token: AuthToken
    user: RedisUser
    parameters: ParameterGroup
    replication_group: RedisReplicationGroup
