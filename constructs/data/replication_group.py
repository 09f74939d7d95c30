"""The replication group and its parameters: whose loss is a loss of data (§1, 2.1, 2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import aws_cdk as cdk
from aws_cdk import aws_elasticache as elasticache

from constructs import Construct
from constructs.common.encryption_key import EncryptionKey
from constructs.common.logs import RedisLogs
from constructs.common.permissions import Grantee, acknowledge, allow, place
from constructs.data.auth_token import AuthToken, RedisUser
from constructs.data.network import ApplicationNetwork, RedisAccess
from constructs.events.events import EventTopic
from environments.advice import RETENTION_THAT_NIST_ASKS_FOR
from environments.redis_settings import PORT, Redis
from environments.schema import Settings


@dataclass(frozen=True)
class AttachedParameters:
    """The owner's parameter group, with the values that ``make adopt`` read."""

    ref: str
    properties: Mapping[str, str]


class RedisParameters(elasticache.CfnParameterGroup):
    """A parameter group of the engine's family.

    CloudFormation names it: a group in use cannot be deleted, so a change of family must be able
    to make the new one beside the old. The plan's name is in the description and the Name tag.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Redis) -> None:
        name = settings.parameter_group_name
        properties = {key: str(value) for key, value in settings.parameters.items()}
        if settings.cluster_mode:
            # ElastiCache makes shards only for a group whose parameters say so at creation.
            properties["cluster-enabled"] = "yes"
        super().__init__(
            scope,
            construct_id,
            cache_parameter_group_family=settings.engine.family,
            description=name,
            properties=properties,
            tags=[cdk.CfnTag(key="Name", value=name)],
        )
        # Another family is another group, and CloudFormation refuses to change the value of an
        # export that a stack imports (Fn::ImportValue, "restrictions"): with the engine upgraded
        # already, and no way back. So other stacks read an output. Both, for the export must be
        # there until no stack that was deployed before imports it.
        self.apply_cross_stack_reference_strength(cdk.ReferenceStrength.BOTH)


ParameterGroup = RedisParameters | AttachedParameters


class RedisReplicationGroup(Construct):
    """One primary with replicas, or shards of them, as the settings' topology says.

    The fixed ReplicationGroupId makes an update that would replace the group fail on the name
    instead of deleting data. A deletion takes a final snapshot.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Redis,
        access: RedisAccess,
        parameters: RedisParameters,
        user: RedisUser,
        key: EncryptionKey,
        logs: RedisLogs,
        events: EventTopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topology = settings.topology
        self.port = PORT
        kinds = elasticache.CfnReplicationGroup
        self.group = kinds(
            self,
            "Group",
            replication_group_id=settings.replication_group_id,
            replication_group_description=f"Rate limiting, {settings.replication_group_id}",
            engine=settings.engine.engine,
            engine_version=settings.engine.version,
            cache_node_type=settings.node_type.name,
            cache_parameter_group_name=parameters.ref,
            cache_subnet_group_name=access.subnet_group_name,
            security_group_ids=[access.security_group_id],
            port=PORT,
            num_cache_clusters=None if settings.cluster_mode else 1 + settings.replicas,
            num_node_groups=settings.shards if settings.cluster_mode else None,
            replicas_per_node_group=settings.replicas if settings.cluster_mode else None,
            automatic_failover_enabled=settings.automatic_failover,
            multi_az_enabled=settings.multi_az,
            at_rest_encryption_enabled=settings.encryption_at_rest,
            kms_key_id=key.key_id,
            transit_encryption_enabled=settings.encryption_in_transit,
            user_group_ids=[user.group_ref],
            snapshot_window=settings.snapshot_window.text,
            snapshot_retention_limit=settings.snapshot_retention_days,
            preferred_maintenance_window=settings.maintenance_window.text,
            auto_minor_version_upgrade=settings.auto_minor_version_upgrade,
            # Left out where it is the default: either is a property that only some groups may have.
            data_tiering_enabled=settings.data_tiering or None,
            durability=None if settings.durability == "default" else settings.durability,
            notification_topic_arn=events.arn,
            log_delivery_configurations=[
                kinds.LogDeliveryConfigurationRequestProperty(
                    destination_type="cloudwatch-logs",
                    destination_details=kinds.DestinationDetailsProperty(
                        cloud_watch_logs_details=kinds.CloudWatchLogsDestinationDetailsProperty(
                            log_group=name
                        )
                    ),
                    log_format="json",
                    log_type=kind,
                )
                for kind, name in logs.log_group_names.items()
            ],
        )
        # Its first event, of its own creation, would find a topic that refuses it.
        self.group.node.add_dependency(logs, events)
        self.group.apply_removal_policy(cdk.RemovalPolicy.SNAPSHOT)
        # Without it CloudFormation replaces the group when the number of shards changes.
        self.group.cfn_options.update_policy = cdk.CfnUpdatePolicy(use_online_resharding=True)
        # A group that is restored may have another address (docs/operate/disaster-recovery.md),
        # and an export that a stack imports may not change: no deployment would succeed.
        # Both, as for the parameter group: stacks of an earlier release import it still.
        self.group.apply_cross_stack_reference_strength(cdk.ReferenceStrength.BOTH)
        # The primary's address or cluster mode's, and one that spreads over the replicas.
        self.address: str = self.group.attr_primary_end_point_address
        self.reader_address: str | None = self.group.attr_reader_end_point_address
        if settings.cluster_mode:
            self.address = self.group.attr_configuration_end_point_address
            self.reader_address = None
        port = "The plan (§2.3) opens 6379; a different port hides nothing behind TLS and AUTH"
        login = "Clients log in as an RBAC user (§2.3), which replaces the group's AUTH token"
        reasons = {"AwsSolutions:AEC5": port, "AwsSolutions:AEC6": login}
        if settings.snapshot_retention_days < RETENTION_THAT_NIST_ASKS_FOR:
            why = "The plan (§4.1) keeps 7 days; a synth warning says that NIST asks for 15"
            reasons["NIST:ElastiCacheRedisClusterAutomaticBackup"] = why
        if not settings.multi_az:
            why = "An environment without a replica is a settings choice, for throw-away data"
            reasons["AwsSolutions:AEC4"] = why
        acknowledge(self.group, reasons)

    def grant_describe(self, grantee: Grantee) -> None:
        """Let it look at this group and its nodes."""
        group = place(self).arn("elasticache", f"replicationgroup:{self.topology.group_id}")
        nodes = place(self).arn("elasticache", f"cluster:{self.topology.member_pattern}")
        grantee.permit(
            allow("elasticache:DescribeReplicationGroups", on=[group]),
            allow("elasticache:DescribeCacheClusters", on=[nodes]),
        )


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
