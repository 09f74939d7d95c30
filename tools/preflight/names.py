"""The names that a deployment gives, and the call that lists those that are taken.

Sources: botocore's service models; the CloudFormation schemas for which properties are names.
Each is unique per account and Region, a security group's per VPC.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from tools.preflight.account import Account, Check
from tools.preflight.finding import Finding, ok, refused


class Named(NamedTuple):
    """``path`` finds names, ARNs or addresses in what ``operation`` answers.

    ``asked`` are its parameters, for what all names begin with and the VPC.
    """

    key: str
    service: str
    operation: str
    path: str
    asked: Callable[[str, str | None], dict[str, Any]] = lambda _prefix, _vpc: {}


def _by(key: str) -> Callable[[str, str | None], dict[str, Any]]:
    return lambda prefix, _vpc: {key: prefix}


NAMES = {
    "AWS::CloudWatch::Alarm": Named(
        *("AlarmName", "cloudwatch", "describe_alarms"),
        "[MetricAlarms[].AlarmName, CompositeAlarms[].AlarmName][]",
        lambda prefix, _: {
            "AlarmNamePrefix": prefix,
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
        },
    ),
    "AWS::CloudWatch::Dashboard": Named(
        *("DashboardName", "cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName"),
        _by("DashboardNamePrefix"),
    ),
    "AWS::EC2::SecurityGroup": Named(
        *("GroupName", "ec2", "describe_security_groups", "SecurityGroups[].GroupName"),
        lambda _, vpc: {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]},
    ),
    "AWS::ElastiCache::ReplicationGroup": Named(
        *("ReplicationGroupId", "elasticache", "describe_replication_groups"),
        "ReplicationGroups[].ReplicationGroupId",
    ),
    "AWS::ElastiCache::SubnetGroup": Named(
        *("CacheSubnetGroupName", "elasticache", "describe_cache_subnet_groups"),
        "CacheSubnetGroups[].CacheSubnetGroupName",
    ),
    "AWS::ElastiCache::User": Named("UserId", "elasticache", "describe_users", "Users[].UserId"),
    "AWS::ElastiCache::UserGroup": Named(
        *("UserGroupId", "elasticache", "describe_user_groups", "UserGroups[].UserGroupId")
    ),
    "AWS::Events::Rule": Named(
        *("Name", "events", "list_rules", "Rules[].Name"), _by("NamePrefix")
    ),
    "AWS::KMS::Alias": Named("AliasName", "kms", "list_aliases", "Aliases[].AliasName"),
    "AWS::Lambda::Function": Named(
        *("FunctionName", "lambda", "list_functions", "Functions[].FunctionName")
    ),
    "AWS::Logs::LogGroup": Named(
        *("LogGroupName", "logs", "describe_log_groups", "logGroups[].logGroupName"),
        _by("logGroupNamePrefix"),
    ),
    "AWS::Logs::ResourcePolicy": Named(
        *("PolicyName", "logs", "describe_resource_policies", "resourcePolicies[].policyName")
    ),
    "AWS::SNS::Topic": Named("TopicName", "sns", "list_topics", "Topics[].TopicArn"),
    "AWS::SQS::Queue": Named(
        *("QueueName", "sqs", "list_queues", "QueueUrls[]"), _by("QueueNamePrefix")
    ),
    "AWS::SSM::Document": Named(
        *("Name", "ssm", "list_documents", "DocumentIdentifiers[].Name"),
        lambda *_: {"Filters": [{"Key": "Owner", "Values": ["Self"]}]},
    ),
    "AWS::SSM::Parameter": Named(
        *("Name", "ssm", "describe_parameters", "Parameters[].Name"),
        lambda prefix, _: {
            "ParameterFilters": [{"Key": "Name", "Option": "BeginsWith", "Values": [prefix]}]
        },
    ),
    "AWS::Scheduler::Schedule": Named(
        *("Name", "scheduler", "list_schedules", "Schedules[].Name"),
        lambda prefix, _: {"GroupName": "default", "NamePrefix": prefix},
    ),
    "AWS::StepFunctions::StateMachine": Named(
        *("StateMachineName", "stepfunctions", "list_state_machines", "stateMachines[].name")
    ),
}
_LEFT = (
    "If nothing uses it, delete it: docs/start/preflight.md#names-that-are-taken has the "
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
        "deployment's own: There are two ways. Beside it: write another "
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
    wanted = account.planned.names(kind, named.key)
    by_vpc = kind == "AWS::EC2::SecurityGroup"
    if not wanted or (by_vpc and account.vpc_id is None):
        return
    asked = named.asked(_common_prefix(wanted), account.vpc_id)
    there = {
        _last(name)
        for name in account.search(named.service, named.operation, named.path, **asked)
        if name
    }
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
    if not account.planned.names("AWS::ElastiCache::ReplicationGroup", "ReplicationGroupId"):
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


def _common_prefix(names: set[str]) -> str:
    first, last = min(names), max(names)
    same = (one == other for one, other in zip(first, last, strict=False))
    return first[: next((at for at, equal in enumerate(same) if not equal), len(first))]


def _last(name: str) -> str:
    """The name that an ARN or a queue's address ends in."""
    if name.startswith("arn:"):
        return name.rpartition(":")[2]
    return name.rpartition("/")[2] if name.startswith(("http://", "https://")) else name
