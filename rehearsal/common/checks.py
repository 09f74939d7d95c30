"""Is what was asked for what is there? Over the AWS API and TLS."""

from collections.abc import Callable, Iterator
from typing import Any

from redis import Redis
from redis import exceptions as problems

from emulator.nodes.control import connect
from rehearsal.common import functions
from rehearsal.common.deployed import (
    GROUP,
    Endpoint,
    Shard,
    check_group,
    connected,
    described,
    endpoints,
    published,
    shards_of,
)
from rehearsal.common.errors import RehearsalError, expect, expect_that
from rehearsal.common.rehearsal import Rehearsal, only, resources

_PROBE, _WRITTEN = "rehearsal:probe", "written to the primary"


def check_logins(rehearsal: Rehearsal) -> str:
    """The token of the secret opens every address, nothing else opens any."""
    addresses, secret = endpoints(rehearsal), token(rehearsal)
    for at in addresses.values():
        _refuses(rehearsal, at, None, "Authentication required")
        _refuses(rehearsal, at, secret[::-1], "invalid username-password pair")
        _no_plain_text(at)
        with connected(rehearsal, at, password=secret) as redis:
            expect("PING", redis.ping(), True)
            _may_not_list_keys(redis)
    if "Configuration" in addresses:
        shards = shards_of(rehearsal, secret)
        for shard in shards:
            _replicates(rehearsal, shard)
        return (
            f"TLS and AUTH at {len(addresses)} addresses, replicas of {len(shards)} shards in step"
        )
    replicas = int(only(rehearsal, GROUP).properties["NumCacheClusters"]) - 1
    with connected(rehearsal, addresses["Primary"], password=secret) as redis:
        _write(redis, _PROBE, replicas)
    with connected(rehearsal, addresses["Reader"], password=secret) as redis:
        expect("read from a replica", redis.get(_PROBE), _WRITTEN)
        _takes_no_write(redis, _PROBE)
    return f"TLS and AUTH at both addresses, {replicas} replicas in step"


def token(rehearsal: Rehearsal) -> str:
    """The AUTH token, read as an application reads it."""
    secret = only(rehearsal, "AWS::SecretsManager::Secret", "-data").physical_id
    value: str = rehearsal.aws("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    return value


def _replicates(rehearsal: Rehearsal, shard: Shard) -> None:
    """A key of the shard's own slots, written on its primary, is on each of its replicas."""
    secret, probe = token(rehearsal), shard.key(_PROBE)
    with connected(rehearsal, shard.primary, password=secret) as redis:
        _write(redis, probe, len(shard.replicas))
    for replica in shard.replicas:
        with connected(rehearsal, replica, password=secret) as redis:
            redis.readonly()
            expect("read from a replica", redis.get(probe), _WRITTEN)


def _write(redis: Redis, key: str, replicas: int) -> None:
    redis.set(key, _WRITTEN, ex=60)
    expect("replicas that acknowledged a write", redis.wait(replicas, 5000), replicas)


def _takes_no_write(redis: Redis, key: str) -> None:
    try:
        redis.set(key, "written to a replica")
    except problems.ReadOnlyError:
        return
    raise RehearsalError("the reader address leads to a node that takes writes")


def _may_not_list_keys(redis: Redis) -> None:
    try:
        redis.keys("*")
    except problems.NoPermissionError:
        return
    raise RehearsalError("clients may KEYS")


def _refuses(rehearsal: Rehearsal, at: Endpoint, password: str | None, words: str) -> None:
    # With the older protocol, as the newer one is asked for before anything else.
    with connected(rehearsal, at, password=password, protocol=2) as redis:
        try:
            redis.ping()
        except problems.AuthenticationError as refusal:
            expect_that(words in str(refusal), f"{at} says {refusal}, not {words}")
            return
    raise RehearsalError(f"{at} answered a client that is not logged in")


def _no_plain_text(at: Endpoint) -> None:
    try:
        with connect(*at, ca_file=None) as redis:
            redis.ping()
    except (problems.ConnectionError, problems.TimeoutError):
        return
    raise RehearsalError(f"{at} answered without TLS")


# What CDK writes for "no egress": a rule that lets nothing out.
_NOTHING = "255.255.255.255/32"


def check_access(rehearsal: Rehearsal) -> str:
    """Ingress by security group on the port alone, and no egress."""
    ec2 = rehearsal.aws("ec2")
    settings = rehearsal.checkout.settings["network"]
    group_name = settings["security_group_name"]
    (group,) = (
        found
        for found in resources(rehearsal, "AWS::EC2::SecurityGroup")
        if found.properties.get("GroupName") == group_name
    )
    port = int(only(rehearsal, GROUP).properties["Port"])
    application = ec2.describe_security_groups(
        Filters=[
            {"Name": "group-name", "Values": [settings["vpc"]["application_security_group_name"]]}
        ]
    )["SecurityGroups"][0]["GroupId"]
    ours = {found.physical_id for found in resources(rehearsal, "AWS::EC2::SecurityGroup")}
    (there,) = ec2.describe_security_groups(GroupIds=[group.physical_id])["SecurityGroups"]
    sources = set()
    for rule in there["IpPermissions"]:
        expect_that(
            not rule.get("IpRanges") and not rule.get("Ipv6Ranges"),
            f"{group_name} lets an address range in: {rule}",
        )
        expect(f"{group_name}: ports", (rule["FromPort"], rule["ToPort"]), (port, port))
        sources |= {pair["GroupId"] for pair in rule["UserIdGroupPairs"]}
    expect_that(application in sources, f"{group_name} does not let the application in")
    expect_that(sources <= ours | {application}, f"{group_name} lets strangers in: {sources}")
    out = [r["CidrIp"] for rule in there["IpPermissionsEgress"] for r in rule["IpRanges"]]
    expect(f"{group_name}: egress", set(out) - {_NOTHING}, set())
    expect_that(described(rehearsal)["Status"] == "available", "the group is not available")
    return f"from {len(sources)} security group(s), no address range"


def check_settings(rehearsal: Rehearsal) -> str:
    """REDIS_URL leads to the group, and no parameter holds the token."""
    asked = [found.physical_id for found in resources(rehearsal, "AWS::SSM::Parameter")]
    values = {
        name.rpartition("/")[2]: rehearsal.aws("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        for name in asked
    }
    host, port = published(rehearsal)
    expect("REDIS_URL", values.get("REDIS_URL"), f"rediss://{host}:{port}")
    secret = token(rehearsal)
    for name, value in values.items():
        expect_that(secret not in value, f"parameter {name} holds the token")
    return f"{len(values)} parameters"


def check_monitoring(rehearsal: Rehearsal) -> str:
    """Each alarm is there, watches nodes of this group, and speaks to confirmed subscribers."""
    cloudwatch, sns = rehearsal.aws("cloudwatch"), rehearsal.aws("sns")
    asked = {found.physical_id for found in resources(rehearsal, "AWS::CloudWatch::Alarm")}
    pages = cloudwatch.get_paginator("describe_alarms").paginate()
    there = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}
    expect("alarms", set(there), asked)
    nodes = set(described(rehearsal)["MemberClusters"])
    topics: set[str] = set()
    for name, alarm in there.items():
        strangers = set(_nodes(alarm)) - nodes
        expect_that(not strangers, f"alarm {name} watches {strangers}: there is no such node")
        expect_that(bool(alarm["AlarmActions"]), f"alarm {name} tells nobody")
        topics |= set(alarm["AlarmActions"]) | set(alarm["OKActions"])
    for topic in topics:
        subscribers = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        expect_that(bool(subscribers), f"nobody is subscribed to {topic}")
        for subscriber in subscribers:
            expect_that(
                subscriber["SubscriptionArn"].startswith("arn:"),
                f"a subscription of {topic} is {subscriber['SubscriptionArn']}",
            )
    for board in resources(rehearsal, "AWS::CloudWatch::Dashboard"):
        cloudwatch.get_dashboard(DashboardName=board.physical_id)
    return f"{len(there)} alarms, {len(topics)} topics, every subscription confirmed"


def _nodes(alarm: dict[str, Any]) -> Iterator[str]:
    """The nodes that an alarm watches, directly or through metric math."""
    metrics = [q["MetricStat"]["Metric"] for q in alarm.get("Metrics", []) if "MetricStat" in q]
    for metric in metrics or [alarm]:
        for dimension in metric.get("Dimensions", []):
            if dimension["Name"] == "CacheClusterId":
                yield dimension["Value"]


Check = Callable[[Rehearsal], str]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("the group is as the template asks", check_group),
    ("only the application reaches it", check_access),
    ("logins over TLS", check_logins),
    ("the application's settings", check_settings),
    ("alarms and whom they reach", check_monitoring),
    ("a failover is read in the channel", functions.check_events),
    ("every review, its report and message", functions.check_reviews),
    ("the deployment's own health check", functions.check_health),
)
