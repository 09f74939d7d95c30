"""Is what was asked for what is there? Over the AWS API and TLS."""

from collections.abc import Callable, Iterator
from typing import Any

from redis import Redis
from redis import exceptions as problems

from emulator.nodes.server import connect
from rehearsal.common import functions
from rehearsal.common.deployed import GROUP, Deployed, Endpoint, Shard, check_group, described
from rehearsal.common.errors import expect, expect_refusal, expect_that
from rehearsal.common.rehearsal import Rehearsal, only, paged, resources

_PROBE, _WRITTEN = "rehearsal:probe", "written to the primary"


def check_logins(rehearsal: Rehearsal) -> str:
    """The token of the secret opens every address, nothing else opens any."""
    here = Deployed.of(rehearsal)
    addresses = here.endpoints
    for at in addresses.values():
        _refuses(here, at, None, "Authentication required")
        _refuses(here, at, here.token[::-1], "invalid username-password pair")
        plain = expect_refusal(
            problems.ConnectionError, problems.TimeoutError, otherwise=f"{at} answered without TLS"
        )
        with plain, connect(*at, ca_file=None) as redis:
            redis.ping()
        with here.connect(at) as redis:
            expect("PING", redis.ping(), True)
            with expect_refusal(problems.NoPermissionError, otherwise="clients may KEYS"):
                redis.keys("*")
    if "Configuration" in addresses:
        shards = here.shards()
        for shard in shards:
            _replicates(here, shard)
        return (
            f"TLS and AUTH at {len(addresses)} addresses, replicas of {len(shards)} shards in step"
        )
    replicas = int(only(rehearsal, GROUP).properties["NumCacheClusters"]) - 1
    with here.connect() as redis:
        _write(redis, _PROBE, replicas)
    with here.connect(addresses["Reader"]) as redis:
        expect("read from a replica", redis.get(_PROBE), _WRITTEN)
        takes = "the reader address leads to a node that takes writes"
        with expect_refusal(problems.ReadOnlyError, otherwise=takes):
            redis.set(_PROBE, "written to a replica")
    return f"TLS and AUTH at both addresses, {replicas} replicas in step"


def _replicates(here: Deployed, shard: Shard) -> None:
    """A key of the shard's own slots, written on its primary, is on each of its replicas."""
    probe = shard.key(_PROBE)
    with here.connect(shard.primary) as redis:
        _write(redis, probe, len(shard.replicas))
    for replica in shard.replicas:
        with here.connect(replica) as redis:
            redis.readonly()
            expect("read from a replica", redis.get(probe), _WRITTEN)


def _write(redis: Redis, key: str, replicas: int) -> None:
    redis.set(key, _WRITTEN, ex=60)
    expect("replicas that acknowledged a write", redis.wait(replicas, 5000), replicas)


def _refuses(here: Deployed, at: Endpoint, password: str | None, words: str) -> None:
    answered = f"{at} answered a client that is not logged in"
    refused = expect_refusal(problems.AuthenticationError, otherwise=answered, words=words)
    # With the older protocol, as the newer one is asked for before anything else.
    with refused, here.connect(at, password=password, protocol=2) as redis:
        redis.ping()


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
    here = Deployed.of(rehearsal)
    host, port = here.published
    expect("REDIS_URL", values.get("REDIS_URL"), f"rediss://{host}:{port}")
    for name, value in values.items():
        expect_that(here.token not in value, f"parameter {name} holds the token")
    return f"{len(values)} parameters"


def check_monitoring(rehearsal: Rehearsal) -> str:
    """Each alarm is there, watches nodes of this group, and notifies confirmed subscribers."""
    cloudwatch, sns = rehearsal.aws("cloudwatch"), rehearsal.aws("sns")
    asked = {found.physical_id for found in resources(rehearsal, "AWS::CloudWatch::Alarm")}
    alarms = paged(cloudwatch, "describe_alarms", "MetricAlarms")
    there = {alarm["AlarmName"]: alarm for alarm in alarms}
    expect("alarms", set(there), asked)
    nodes = set(described(rehearsal)["MemberClusters"])
    topics: set[str] = set()
    for name, alarm in there.items():
        strangers = set(_nodes(alarm)) - nodes
        expect_that(not strangers, f"alarm {name} watches {strangers}: there is no such node")
        expect_that(bool(alarm["AlarmActions"]), f"alarm {name} has no action")
        topics |= set(alarm["AlarmActions"]) | set(alarm["OKActions"])
    for topic in topics:
        subscribers = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        expect_that(bool(subscribers), f"{topic} has no subscriber")
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
