"""Everything whose loss is a loss of data, and what clients need to reach it."""

import aws_cdk as cdk

from constructs import Construct
from constructs.common.encryption_key import EncryptionKey
from constructs.common.logs import RedisLogs
from constructs.data.attached import AttachedAccess, AttachedGroup, KeptUser, StoredToken
from constructs.data.auth_token import UNTAGGED, AuthToken, RedisUser
from constructs.data.network import ApplicationNetwork, RedisAccess
from constructs.data.published_settings import PublishedSettings
from constructs.data.replication_group import (
    AttachedParameters,
    ParameterGroup,
    RedisParameters,
    RedisReplicationGroup,
)
from constructs.events.events import EventTopic
from environments.advice import advice
from environments.attached_settings import Attached
from environments.network_settings import OwnNetwork
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

        if redis.scaled:
            # tools/deploy_guard.py: a revision from before it would scale the group back.
            self.template_options.metadata = {"Scaled": redis.scaled}
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
        events = EventTopic(self, "Events", prefix=settings.prefix)
        logs = RedisLogs(self, "Logs", settings=settings, key=self.key)
        self.access: RedisAccess
        self.token: AuthToken
        self.user: RedisUser
        self.parameters: ParameterGroup
        self.replication_group: RedisReplicationGroup
        if redis.attached:
            self._attach(settings, redis.attached)
        else:
            self._make(settings, logs, events)
        published = PublishedSettings(
            self, "Settings", settings=settings, group=self.replication_group, token=self.token
        )
        self.outputs(
            ParameterPath=settings.parameter_path,
            TokenSecret=self.token.arn,
            ReadPolicy=published.read_policy_arn,
            EventsTopic=events.arn,
        )

    @property
    def availability_zones(self) -> list[str]:
        """Those of the settings: the library would ask AWS, only to compare a new VPC's with it."""
        return self._zones

    def _make(self, settings: Settings, logs: RedisLogs, events: EventTopic) -> None:
        redis = settings.redis
        self.access = RedisAccess(self, "Access", settings=settings, network=self.network)
        self.token = AuthToken(self, "Token", group_id=redis.replication_group_id, key=self.key)
        self.user = self._user(settings, kept=settings.environment.termination_protection)
        parameters = self.parameters = RedisParameters(self, "Parameters", settings=redis)
        self.replication_group = RedisReplicationGroup(
            self,
            "Redis",
            settings=redis,
            access=self.access,
            parameters=parameters,
            user=self.user,
            key=self.key,
            logs=logs,
            events=events,
        )

    def _attach(self, settings: Settings, attached: Attached) -> None:
        """The owner's group as it is; ``make adopt`` changes what of it is asked for by name."""
        redis = settings.redis
        self.access = AttachedAccess(
            self, "Access", attached=attached, subnet_group_name=settings.network.subnet_group_name
        )
        self.token = StoredToken(self, "Token", arn=attached.token_secret_arn)
        self.user = (
            KeptUser(self, "User", group_id=redis.replication_group_id)
            if attached.login_kept
            else self._user(settings, kept=True)
        )
        values = {name: str(value) for name, value in redis.parameters.items()}
        self.parameters = AttachedParameters(redis.parameter_group_name, values)
        self.replication_group = AttachedGroup(
            self, "Redis", attached=attached, topology=redis.topology
        )

    def _user(self, settings: Settings, *, kept: bool) -> RedisUser:
        return RedisUser(self, "User", settings=settings.redis, token=self.token, kept=kept)
