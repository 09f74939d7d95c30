"""The names that a deployment gives, and the call that lists those that are taken.

Sources: botocore's service models; the CloudFormation schemas for which properties are names.
Each is unique per account and Region, a security group's per VPC.
"""

from collections.abc import Iterator
from functools import partial
from os.path import commonprefix
from typing import Any, NamedTuple

from tools.preflight.account import Account, Check, Finding, ok, refused, service_of


class Named(NamedTuple):
    """``path`` finds names, ARNs or addresses in what ``operation`` answers; ``key`` is the name's.

    ``begins`` is the parameter that takes what all names begin with.
    """

    key: str
    operation: str
    path: str
    begins: str = ""


_ALARMS = "[MetricAlarms[].AlarmName,CompositeAlarms[].AlarmName][]"
# Type, property, operation, where the names are in its answer, and the parameter of a beginning.
_TABLE = f"""
CloudWatch::Alarm AlarmName describe_alarms {_ALARMS} AlarmNamePrefix
CloudWatch::Dashboard DashboardName list_dashboards DashboardEntries DashboardNamePrefix
EC2::SecurityGroup GroupName describe_security_groups SecurityGroups
ElastiCache::ReplicationGroup ReplicationGroupId describe_replication_groups ReplicationGroups
ElastiCache::SubnetGroup CacheSubnetGroupName describe_cache_subnet_groups CacheSubnetGroups
ElastiCache::User UserId describe_users Users
ElastiCache::UserGroup UserGroupId describe_user_groups UserGroups
Events::Rule Name list_rules Rules NamePrefix
KMS::Alias AliasName list_aliases Aliases
Lambda::Function FunctionName list_functions Functions
Logs::LogGroup LogGroupName describe_log_groups logGroups[].logGroupName logGroupNamePrefix
Logs::ResourcePolicy PolicyName describe_resource_policies resourcePolicies[].policyName
SNS::Topic TopicName list_topics Topics[].TopicArn
SQS::Queue QueueName list_queues QueueUrls[] QueueNamePrefix
SSM::Document Name list_documents DocumentIdentifiers
SSM::Parameter Name describe_parameters Parameters
Scheduler::Schedule Name list_schedules Schedules NamePrefix
StepFunctions::StateMachine StateMachineName list_state_machines stateMachines[].name
"""
NAMES = {f"AWS::{kind}": Named(*row) for kind, *row in map(str.split, _TABLE.strip().splitlines())}
_LEFT = (
    "If nothing uses it, delete it: docs/start/leaving.md#delete-what-is-kept has the "
    "commands, and make stacks ENV={environment} lists what failed creations left"
)
_LOGIN = (
    "It is a deployment's that is gone, or a hand-made group's. Once no group uses it, delete the "
    "user group, then the user:\n"
    "    aws elasticache delete-user-group --user-group-id {group}-users\n"
    "    aws elasticache delete-user --user-id {group}-default"
)
_REMEDIES = {
    "AWS::ElastiCache::ReplicationGroup": (
        "This deployment made no such group, and takes none over: CloudFormation would fail. make "
        "adopt attaches the stacks to it as it is (docs/start/adoption.md). For a group of this "
        "deployment's own: There are two ways. Next to it: write another "
        "redis.replication_group_id into environments/{environment}.toml, deploy, move the "
        "clients, and delete the old group. In "
        "its place: take a snapshot of it, delete it, deploy, and restore the snapshot "
        "(docs/start/preflight.md#a-group-that-is-there-already)"
    ),
    "AWS::ElastiCache::User": _LOGIN,
    "AWS::ElastiCache::UserGroup": _LOGIN,
    "AWS::ElastiCache::SubnetGroup": (
        "Write another network.subnet_group_name into environments/{environment}.toml"
    ),
    "AWS::EC2::SecurityGroup": (
        "Write another network.security_group_name into environments/{environment}.toml if it is "
        "that one's. " + _LEFT
    ),
}


def taken(kind: str, account: Account) -> Iterator[Finding]:
    """Whether names of one type that the deployment gives are in use already."""
    named = NAMES[kind]
    wanted = account.names(kind, named.key)
    by_vpc = kind == "AWS::EC2::SecurityGroup"
    if not wanted or (by_vpc and account.vpc_id is None):
        return
    prefix = commonprefix([*wanted])  # noqa: RUF071 - by characters is meant
    more: dict[str, dict[str, Any]] = {
        "AWS::CloudWatch::Alarm": {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"]},
        "AWS::EC2::SecurityGroup": {"Filters": [{"Name": "vpc-id", "Values": [account.vpc_id]}]},
        "AWS::SSM::Document": {"Filters": [{"Key": "Owner", "Values": ["Self"]}]},
        "AWS::SSM::Parameter": {
            "ParameterFilters": [{"Key": "Name", "Option": "BeginsWith", "Values": [prefix]}]
        },
        "AWS::Scheduler::Schedule": {"GroupName": "default"},
    }
    asked = ({named.begins: prefix} if named.begins else {}) | more.get(kind, {})
    path = named.path if "[]" in named.path else f"{named.path}[].{named.key}"
    found = account.search(service_of(kind), named.operation, path, **asked)
    there = {_last(name) for name in found if name}
    settings = account.settings
    for name in sorted(wanted & there):
        yield refused(
            f"{name} is there already, and is not this deployment's",
            _REMEDIES.get(kind, _LEFT).format(
                environment=settings.environment.name, group=settings.redis.replication_group_id
            ),
        )
    if not wanted & there:
        yield ok(f"{', '.join(sorted(wanted)[:2])}{' …' if len(wanted) > 2 else ''}: free")


def members(account: Account) -> Iterator[Finding]:
    """Whether a cache cluster has the name that ElastiCache gives to a node of the group."""
    if not account.names("AWS::ElastiCache::ReplicationGroup", "ReplicationGroupId"):
        return
    path = "CacheClusters[].CacheClusterId"
    there = set(account.search("elasticache", "describe_cache_clusters", path))
    wanted = account.settings.redis.topology.members
    for name in sorted(there & set(wanted)):
        yield refused(
            f"the cache cluster {name} is there already, and a node of the group takes its name",
            "Delete it, or write another redis.replication_group_id into environments/"
            f"{account.settings.environment.name}.toml",
        )
    if not there & set(wanted):
        yield ok(f"{', '.join(wanted[:2])} …: free")


CHECKS: tuple[tuple[str, Check], ...] = (
    ("names of nodes", members),
    *((kind, partial(taken, kind)) for kind in NAMES),
)


def _last(name: str) -> str:
    """The name that an ARN or a queue's address ends in."""
    if name.startswith("arn:"):
        return name.rpartition(":")[2]
    return name.rpartition("/")[2] if name.startswith(("http://", "https://")) else name
