"""Everything whose loss is a loss of data, and what clients need to reach it."""

import aws_cdk as cdk

from constructs import Construct
from constructs.common.encryption_key import EncryptionKey
from constructs.common.logs import RedisLogs
from constructs.data.auth_token import AuthToken
from constructs.data.network import ApplicationNetwork, RedisAccess
from constructs.data.parameter_group import RedisParameters
from constructs.data.published_settings import PublishedSettings
from constructs.data.redis_user import UNTAGGED, RedisUser
from constructs.data.replication_group import RedisReplicationGroup
from constructs.events.events import EventTopic
from environments.access import access_string
from environments.advice import advice
from environments.network_settings import OwnNetwork
from environments.redis_settings import PORT
from environments.schema import Settings
from stacks.environment_stack import EnvironmentStack


class DataStack(EnvironmentStack):
    """Key, network access, parameters, token, replication group and published settings.

    A construct's id here becomes a logical id, and the logical id of a stateful resource is an
    interface: CloudFormation replaces what is renamed. tests/stacks/test_nothing_is_lost.py pins
    them.
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        """``settings`` are one environment's."""
        vpc = settings.network.vpc
        self._zones = list(vpc.zones) if isinstance(vpc, OwnNetwork) else []
        super().__init__(
            scope,
            "data",
            settings=settings,
            description=f"Redis of {settings.environment.name}: data, access and settings",
            untagged=UNTAGGED,
        )
        redis, network = settings.redis, settings.network
        annotations = cdk.Annotations.of(self)
        for note in advice(settings):
            annotations.add_warning_v2(note.rule, note.message)

        # ElastiCache makes grants of its own on behalf of whoever creates the group, so it needs no
        # statement (ElastiCache user guide, "At-rest encryption: using customer managed keys").
        # Snapshots can only be read with this key: losing it loses them.
        self.key = EncryptionKey(
            self,
            "Key",
            alias=settings.prefix,
            description="Redis data, snapshots, AUTH token and logs",
        )
        self.network = ApplicationNetwork(self, "Network", settings=network.vpc)
        self.access = RedisAccess(
            self,
            "Access",
            group_id=redis.replication_group_id,
            network=self.network,
            security_group_name=network.security_group_name,
            subnet_group_name=network.subnet_group_name,
            port=PORT,
        )
        self.token = AuthToken(self, "Token", group_id=redis.replication_group_id, key=self.key)
        self.user = RedisUser(
            self,
            "User",
            group_id=redis.replication_group_id,
            token=self.token,
            access_string=access_string(redis.extra_commands),
            kept=settings.environment.termination_protection,
        )
        events = EventTopic(self, "Events", prefix=settings.prefix)
        self.parameters = RedisParameters(
            self,
            "Parameters",
            name=redis.parameter_group_name,
            engine=redis.engine,
            cluster_mode=redis.cluster_mode,
            values=redis.parameters,
        )
        self.replication_group = RedisReplicationGroup(
            self,
            "Redis",
            settings=redis,
            access=self.access,
            parameters=self.parameters,
            user=self.user,
            key=self.key,
            logs=RedisLogs(
                self,
                "Logs",
                path=settings.parameter_path,
                retention_days=redis.log_retention_days,
                key=self.key,
            ),
            events=events,
        )
        published = PublishedSettings(
            self,
            "Settings",
            path=settings.parameter_path,
            settings=settings.application,
            group=self.replication_group,
            token=self.token,
        )
        self.tell(
            ParameterPath=settings.parameter_path,
            TokenSecret=self.token.arn,
            ReadPolicy=published.read_policy_arn,
            EventsTopic=events.arn,
        )

    @property
    def availability_zones(self) -> list[str]:
        """Those of the settings: the library would ask AWS, only to compare a new VPC's with it."""
        return self._zones
