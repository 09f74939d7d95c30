"""The names that a deployment gives and the quotas that it uses, and what is there of both.

Sources: botocore's service models; the CloudFormation schemas for which properties are names. Each
is unique per account and Region, a security group's per VPC. Names and defaults of quotas are from
each service's page; applied values come from Service Quotas, which does not list every one.
"""

from collections.abc import Iterator
from functools import partial
from os.path import commonprefix
from typing import Any, NamedTuple

from tools.preflight.account import Account, Check, Finding, of_kind, ok, refused, warning


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
    service = kind.split("::")[1].lower()
    found = account.search(service, named.operation, path, **asked)
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


def _last(name: str) -> str:
    """The name that an ARN or a queue's address ends in."""
    if name.startswith("arn:"):
        return name.rpartition(":")[2]
    return name.rpartition("/")[2] if name.startswith(("http://", "https://")) else name


# Lambda keeps some concurrency for functions without their own. 10, 50 and 100 have been seen, and
# no API says which: with as much left as the most of them, every account takes the reservation.
_KEPT = 100
FUNCTION = "AWS::Lambda::Function"


class Quota(NamedTuple):
    """``used`` is service, operation and a JMESPath that finds one number or item per resource.

    ``name`` is Service Quotas' (``code`` is its service's); without one the default is AWS's limit.
    """

    kind: str
    used: tuple[str, str, str]
    default: int
    code: str = ""
    name: str = ""


_SUMMARY = ("iam", "get_account_summary")
QUOTAS = {
    "nodes per Region": Quota(
        "AWS::ElastiCache::ReplicationGroup",
        ("elasticache", "describe_cache_clusters", "CacheClusters[].NumCacheNodes"),
        *(300, "elasticache", "Nodes per Region"),
    ),
    "subnet groups per Region": Quota(
        "AWS::ElastiCache::SubnetGroup",
        ("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups[]"),
        *(300, "elasticache", "Subnet groups per Region"),
    ),
    "parameter groups per Region": Quota(
        "AWS::ElastiCache::ParameterGroup",
        ("elasticache", "describe_cache_parameter_groups", "CacheParameterGroups[]"),
        *(300, "elasticache", "Parameter groups per Region"),
    ),
    "security groups per Region": Quota(
        "AWS::EC2::SecurityGroup",
        ("ec2", "describe_security_groups", "SecurityGroups[]"),
        *(2500, "vpc", "VPC security groups per Region"),
    ),
    "VPCs per Region": Quota(
        "AWS::EC2::VPC", ("ec2", "describe_vpcs", "Vpcs[]"), 5, "vpc", "VPCs per Region"
    ),
    "alarms per Region": Quota(
        "AWS::CloudWatch::Alarm",
        ("cloudwatch", "describe_alarms", "MetricAlarms[]"),
        *(5000, "monitoring", "Alarms"),
    ),
    "roles": Quota("AWS::IAM::Role", (*_SUMMARY, "SummaryMap.[Roles]"), 1000, "iam", "RolesQuota"),
    "policies": Quota(
        "AWS::IAM::ManagedPolicy",
        *((*_SUMMARY, "SummaryMap.[Policies]"), 1500, "iam", "PoliciesQuota"),
    ),
    "resource policies of CloudWatch Logs": Quota(
        "AWS::Logs::ResourcePolicy",
        *(("logs", "describe_resource_policies", "resourcePolicies[]"), 10),
    ),
}


def within(label: str, account: Account) -> Iterator[Finding]:
    """Whether what the deployment creates of one type fits."""
    quota = QUOTAS[label]
    more = len(account.created(quota.kind))
    if not more:
        return
    if label == "nodes per Region":
        more = account.settings.redis.topology.node_count
    found = account.search(*quota.used)
    used = sum(one if isinstance(one, int) else 1 for one in found)
    applied = _applied(account, quota)
    most = quota.default if applied is None else applied
    text = f"{used} are used, {more} are created, {most} are allowed"
    if used + more <= most:
        yield ok(text)
    elif applied is None and quota.name:
        yield warning(
            f"{text} by default, and this account's own quota is not listed",
            "Look it up in the console of Service Quotas, and have it raised if it is the default",
        )
    elif quota.name:
        yield refused(text, f"Have {quota.name} ({quota.code}) raised in Service Quotas")
    else:
        yield refused(text, "AWS does not raise it: delete those that nothing needs any more")


def _applied(account: Account, quota: Quota) -> int | None:
    if quota.code == "iam":
        path = f"SummaryMap.[{quota.name}]"
        return next((value for value in account.search(*_SUMMARY, path) if value), None)
    if not quota.name:
        return quota.default
    path = f"Quotas[?QuotaName=='{quota.name}'].Value"
    values = account.search("service-quotas", "list_service_quotas", path, ServiceCode=quota.code)
    return next((int(value) for value in values), None)


def concurrency(account: Account) -> Iterator[Finding]:
    """Whether each function can have the one execution that it reserves."""
    before, after = (
        sum(int(one.get("ReservedConcurrentExecutions", 0)) for one in of_kind(side, FUNCTION))
        for side in (account.before, account.after)
    )
    if (more := after - before) <= 0:
        return
    limit = account.client("lambda").get_account_settings()["AccountLimit"]
    free = limit["UnreservedConcurrentExecutions"]
    text = f"{free} of {limit['ConcurrentExecutions']} are not reserved, {more} would be"
    if free - more >= _KEPT:
        yield ok(text)
        return
    yield refused(
        f"{text}, and Lambda keeps back 10, 50 or {_KEPT}: no API says which",
        "Have Concurrent executions (lambda) raised in Service Quotas, or write "
        'reserved_concurrency = "none" into [environment] of '
        f"environments/{account.settings.environment.name}.toml "
        "(docs/operate/rotation.md#without-reserved-concurrency)",
    )


CHECKS: tuple[tuple[str, Check], ...] = (
    ("names of nodes", members),
    *((kind, partial(taken, kind)) for kind in NAMES),
    ("Lambda concurrency", concurrency),
    *((label, partial(within, label)) for label in QUOTAS),
)
