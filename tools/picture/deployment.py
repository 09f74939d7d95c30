"""What the picture shows of one environment: its templates, read as cards."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.assembly import Document, Stack
from tools.command import Answer, counted
from tools.picture.svg import Card

GROUP = "AWS::ElastiCache::ReplicationGroup"
ALARM = "AWS::CloudWatch::Alarm"
_LONGEST = 18  # characters of a member's name that fit


@dataclass(frozen=True, slots=True)
class Deployment:
    """One environment.

    ``shards`` holds the names of each shard's members, the first a primary. ``services`` are
    columns of two cards: those of the first column are for clients, the others for the group.
    ``topics`` are by severity, critical last; ``receivers`` are cards with their severities.
    """

    title: str
    account: str
    vpc: str
    sources: list[Card]
    group: Card
    zones: list[Card]
    shards: list[list[str]]
    services: list[list[Card]]
    watched: list[Card]
    topics: dict[str, Card]
    receivers: list[tuple[Card, list[str]]]

    def receivers_of(self, severity: str) -> str:
        """The receivers of a topic's alarms."""
        names = [card.lines[0] for card, severities in self.receivers if severity in severities]
        return " and ".join(names) or "no receiver"


def deployment(
    stacks: dict[str, Stack], context: Document, environment: str = "production"
) -> Deployment:
    """One environment of an assembly; ``context`` is cdk.context.json, for zones and CIDRs.

    Raises Answer if the environment's stacks are not among ``stacks``.
    """
    prefix = f"vibewell-redis-{environment}-"
    for name in (f"{prefix}{part}" for part in ("data", "operations", "monitoring")):
        if name not in stacks:
            raise Answer(f"there is no stack {name}: make synth ENV={environment} writes it")
    data, monitoring = stacks[f"{prefix}data"], stacks[f"{prefix}monitoring"]
    if not data.of_type(GROUP):
        raise Answer(
            f"{data.name} makes no replication group: its own belongs to somebody else "
            "(docs/start/adoption.md), and only what a template makes is drawn"
        )
    account, region = data.artifact["environment"].removeprefix("aws://").split("/")
    vpc, zones = _network(data, context)
    parameters, snapshots, logs = _parameters(data), _snapshots(data), _logs(data)
    token = _token(data, readable=parameters.used)
    encrypted = {"data": snapshots, "snapshots": snapshots, "token": token, "logs": logs}
    key = _key(data, ", ".join(name for name, card in encrypted.items() if card.encrypted))
    functions = _functions(stacks[f"{prefix}operations"], prefix)
    topics = monitoring.of_type("AWS::SNS::Topic")
    severities = {name: topics[name]["TopicName"].removeprefix(prefix) for name in topics}
    return Deployment(
        title=f"{data.only(GROUP)['ReplicationGroupId']} in {environment}",
        account=f"Account {account} in {region}",
        vpc=vpc,
        sources=_sources(data),
        group=_group(data),
        zones=zones,
        shards=_shards(data.only(GROUP)),
        services=[[parameters, token], [snapshots, key], [logs, functions]],
        watched=list(_watched(monitoring, prefix, severities)),
        topics=dict(_topics(monitoring, severities)),
        receivers=list(_receivers(monitoring, severities)),
    )


def target(value: Any) -> str:
    """The logical id that a Ref, Fn::GetAtt or Fn::Join of one of them names; a string is itself.

    ValueError for anything else.
    """
    match value:
        case str():
            return value
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
        case {"Fn::Join": [_, list(parts)]}:
            (name,) = (target(part) for part in parts if isinstance(part, dict))
            return name
    raise ValueError(f"a reference of a kind that the picture does not know: {value!r}")


def _window(text: str) -> str:
    """A window as AWS writes it, ``02:00-03:00`` or ``sun:03:00-sun:05:00``, without the repeat."""
    start, end = (side.title().replace(":", " ", side.count(":") - 1) for side in text.split("-"))
    day = start[:-5]
    return f"{start}–{end.removeprefix(day)}"


def _shards(group: Document) -> list[list[str]]:
    """Member names as ElastiCache gives them: with cluster mode they carry the shard's number."""
    name = group["ReplicationGroupId"]
    members = group.get("NumCacheClusters") or group["ReplicasPerNodeGroup"] + 1
    shards = [f"-{shard:04}" for shard in range(1, group.get("NumNodeGroups", 0) + 1)] or [""]
    shown = name if len(f"{name}{shards[0]}-001") <= _LONGEST else "…"
    return [[f"{shown}{shard}-{node:03}" for node in range(1, members + 1)] for shard in shards]


def _security_group(data: Stack) -> tuple[str, Document]:
    name = target(data.only(GROUP)["SecurityGroupIds"][0])
    return name, data.of_type("AWS::EC2::SecurityGroup")[name]


def _sources(data: Stack) -> list[Card]:
    """All that may reach the group's port and how, the application last."""
    groups, group = data.of_type("AWS::EC2::SecurityGroup"), data.only(GROUP)
    redis, security_group = _security_group(data)
    tls = "TLS" if group.get("TransitEncryptionEnabled") else "no TLS"
    auth = "with" if group.get("UserGroupIds") else "without"
    rules = data.of_type("AWS::EC2::SecurityGroupIngress").values()
    how, cards = f"{tls} on {group['Port']} {auth} AUTH", []
    for rule in [*rules, *security_group.get("SecurityGroupIngress", [])]:
        to_redis = target(rule.get("GroupId", redis)) == redis
        if to_redis and rule["FromPort"] <= group["Port"] <= rule["ToPort"]:
            origin = target(rule.get("SourceSecurityGroupId") or rule.get("CidrIp") or "anybody")
            shown = groups.get(origin, {}).get("GroupName", origin)
            lines = [rule.get("Description", origin), shown, how]
            cards.append(Card("servers", "blue", lines))
    return sorted(cards, key=lambda card: "application" in card.lines[0].lower())


def _group(data: Stack) -> Card:
    group, shards = data.only(GROUP), _shards(data.only(GROUP))
    replicas = len(shards[0]) - 1
    size = "1 primary" + (f" + {counted(replicas, 'replica')}" if replicas else "")
    size = f"{len(shards)} × ({size})" if "NumNodeGroups" in group else size
    multi = "Multi-AZ, " if group.get("MultiAZEnabled") else ""
    failover = "automatic" if group.get("AutomaticFailoverEnabled") else "no"
    maintenance = _window(group["PreferredMaintenanceWindow"])
    parameters = data.only("AWS::ElastiCache::ParameterGroup")["Properties"]
    names = ("maxmemory-policy", "timeout")
    lines = [
        group["ReplicationGroupId"],
        f"{group['Engine'].title()} {group['EngineVersion']}, {group['CacheNodeType']}, {size}",
        f"{multi}{failover} failover, maintenance {maintenance} UTC",
        ", ".join(f"{name} {parameters.get(name, 'default')}" for name in names),
        f"Security group {_security_group(data)[1]['GroupName']}",
        f"Subnets {data.only('AWS::ElastiCache::SubnetGroup')['CacheSubnetGroupName']}",
    ]
    return Card("database", "red", lines, "KmsKeyId" in group)


def _network(data: Stack, context: Document) -> tuple[str, list[Card]]:
    """The VPC, and the zone and CIDR of each subnet; "" for a CIDR that nothing says."""
    vpc = name = target(_security_group(data)[1]["VpcId"])
    cidr, subnets = "", {}
    if made := data.of_type("AWS::EC2::VPC").get(vpc):
        tags = {tag["Key"]: tag["Value"] for tag in made.get("Tags", [])}
        name, cidr = tags.get("Name", vpc), made["CidrBlock"]
    for key, known in context.items():
        if key.startswith("vpc-provider:") and known["vpcId"] == vpc:
            name = key.partition("filter.tag:Name=")[2].partition(":")[0] or vpc
            cidr = known.get("vpcCidrBlock", "")
            for one in (one for tier in known["subnetGroups"] for one in tier["subnets"]):
                subnets[one["subnetId"]] = [one["availabilityZone"], one.get("cidr", "")]
    for logical_id, subnet in data.of_type("AWS::EC2::Subnet").items():
        subnets[logical_id] = [subnet["AvailabilityZone"], subnet["CidrBlock"]]
    ids = map(target, data.only("AWS::ElastiCache::SubnetGroup")["SubnetIds"])
    zones = [subnets.get(one, [f"zone {number}", ""]) for number, one in enumerate(ids, start=1)]
    return f"VPC {name}{cidr and f', {cidr}'}", [Card("", "", lines) for lines in zones]


def _parameters(data: Stack) -> Card:
    parameters = data.of_type("AWS::SSM::Parameter").values()
    paths, _, names = zip(*(one["Name"].rpartition("/") for one in parameters), strict=True)
    limits = sum(name.startswith("RATE_LIMIT_") for name in names if "_TIERS" not in name)
    lines = [counted(len(names), "parameter"), *sorted(set(paths)), counted(limits, "rate limit")]
    readable = any(
        "ssm:GetParametersByPath" in statement["Action"] and statement["Effect"] == "Allow"
        for policy in data.of_type("AWS::IAM::ManagedPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
    )
    lines += ["read by the application"] if readable else []
    return Card("settings", "violet", lines, used=readable)


def _token(data: Stack, *, readable: bool) -> Card:
    users = data.of_type("AWS::ElastiCache::User").values()
    passwords = [password for user in users for password in user.get("Passwords", [])]
    if not passwords or not data.only(GROUP).get("UserGroupIds"):
        return Card("token", "violet", ["No AUTH token"], used=False)
    secret = data.of_type("AWS::SecretsManager::Secret")[target(passwords[0])]
    length = f"{secret['GenerateSecretString']['PasswordLength']} characters"
    lines = ["AUTH token", length, "in Secrets Manager"]
    return Card("token", "violet", lines, "KmsKeyId" in secret, readable)


def _snapshots(data: Stack) -> Card:
    group = data.only(GROUP)
    days = group.get("SnapshotRetentionLimit", 0)
    policy = data.resources[data.one(GROUP)[0]].get("DeletionPolicy")
    lines = [f"{counted(days, 'day')} of snapshots" if days else "No daily snapshots"]
    lines += [f"daily, {_window(group['SnapshotWindow'])} UTC"] if days else []
    lines += ["a last one at deletion"] if policy == "Snapshot" else []
    return Card("snapshot", "teal", lines, "KmsKeyId" in group, bool(days))


def _logs(data: Stack) -> Card:
    groups = {one["LogGroupName"]: one for one in data.of_type("AWS::Logs::LogGroup").values()}
    written = {
        one["LogType"]: groups[one["DestinationDetails"]["CloudWatchLogsDetails"]["LogGroup"]]
        for one in data.only(GROUP).get("LogDeliveryConfigurations", [])
    }
    if not written:
        return Card("logs", "teal", ["No logs"], used=False)
    days = min(one["RetentionInDays"] for one in written.values())
    lines = [f"{counted(days, 'day')} of logs", ", ".join(written), "in CloudWatch Logs"]
    return Card("logs", "teal", lines, all("KmsKeyId" in one for one in written.values()))


def _key(data: Stack, uses: str) -> Card:
    if "KmsKeyId" not in data.only(GROUP):
        return Card("key", "violet", ["AWS's own keys"], used=False)
    key = target(data.only(GROUP)["KmsKeyId"])
    aliases = data.of_type("AWS::KMS::Alias").values()
    names = [one["AliasName"] for one in aliases if target(one["TargetKeyId"]) == key]
    rotates = data.of_type("AWS::KMS::Key")[key].get("EnableKeyRotation")
    rotation = "rotated each year" if rotates else "not rotated"
    lines = ["KMS key", *(name.removeprefix("alias/") for name in names), f"for {uses}", rotation]
    return Card("key", "violet", lines, used=False)


def _functions(operations: Stack, prefix: str) -> Card:
    functions = operations.of_type("AWS::Lambda::Function").values()
    tasks = {one["FunctionName"].removeprefix(prefix).split("-")[0] for one in functions}
    endpoints = counted(len(operations.of_type("AWS::EC2::VPCEndpoint")), "VPC endpoint")
    lines = [counted(len(functions), "function"), ", ".join(sorted(tasks)), f"with {endpoints}"]
    return Card("functions", "blue", lines, used=False)


def _watched(monitoring: Stack, prefix: str, severities: dict[str, str]) -> Iterator[Card]:
    """The dashboard, the function that passes ElastiCache's events on, and the alarms.

    ``severities`` are those of the topics, by logical id.
    """
    dashboard = monitoring.only("AWS::CloudWatch::Dashboard")
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    graphs = counted(sum(widget["type"] == "metric" for widget in widgets), "graph")
    yield Card("dashboard", "teal", ["Dashboard", f"{dashboard['DashboardName']}, {graphs}"])
    receiver = "have no receiver"
    for function in monitoring.of_type("AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        # Reviews send messages to the channel too.
        if "CHANNEL_TOPIC_ARN" in variables and "REVIEW" not in variables:
            topic = severities[target(variables["CHANNEL_TOPIC_ARN"])]
            receiver = f"{function['FunctionName'].removeprefix(prefix)}, to {topic}"
    yield Card("topic", "teal", ["ElastiCache's events", receiver])
    alarms = monitoring.of_type(ALARM).values()
    stats = [stat for alarm in alarms for stat in _stats(alarm)]
    periods = sorted(stat["Period"] for stat in stats) or [0]
    dimensions = [one for stat in stats for one in stat["Metric"].get("Dimensions", [])]
    nodes = {one["Value"] for one in dimensions if one["Name"] == "CacheClusterId"}
    read = f"on {counted(len(nodes), 'node')}, every {periods[0]} to {periods[-1]} s"
    yield Card("alarm", "teal", [counted(len(alarms), "alarm"), read])


def _stats(alarm: Document) -> list[Document]:
    return [query["MetricStat"] for query in alarm.get("Metrics", []) if "MetricStat" in query]


def _topics(monitoring: Stack, severities: dict[str, str]) -> Iterator[tuple[str, Card]]:
    """How many alarms send messages to each topic, and how many of them on what."""
    actions = [
        (_subject(alarm), target(action))
        for alarm in monitoring.of_type(ALARM).values()
        for action in alarm.get("AlarmActions", [])
    ]
    for name, severity in sorted(severities.items(), key=lambda pair: pair[1] == "critical"):
        subjects = Counter(subject for subject, topic in actions if topic == name)
        counts = [f"{count} {subject}" for subject, count in subjects.most_common()]
        lines = [f"{subjects.total()} {severity}", *counts, "SNS topic"]
        encrypted = "KmsMasterKeyId" in monitoring.of_type("AWS::SNS::Topic")[name]
        tone = "red" if severity == "critical" else "amber"
        yield severity, Card("topic", tone, lines, encrypted, bool(subjects))


def _subject(alarm: Document) -> str:
    """By the namespace of its first metric."""
    namespace = next((stat["Metric"]["Namespace"] for stat in _stats(alarm)), "")
    ours = {"AWS/ElastiCache": "on nodes"}
    return ours.get(namespace, "on deliveries" if namespace.startswith("AWS/") else "on checks")


def _receivers(monitoring: Stack, severities: dict[str, str]) -> Iterator[tuple[Card, list[str]]]:
    for channel in monitoring.of_type("AWS::Chatbot::SlackChannelConfiguration").values():
        received = [severities[target(topic)] for topic in channel["SnsTopicArns"]]
        yield Card("Slack", "blue", ["Slack", channel["SlackChannelId"]]), received
    for name, subscription in monitoring.of_type("AWS::SNS::Subscription").items():
        protocol = subscription["Protocol"]
        if protocol != "lambda":  # a step on the way, which no person reads
            pager = "pagerduty" in name.lower()
            # The secret that holds the address: an address itself may be a credential.
            endpoint = str(subscription.get("Endpoint", ""))
            secret = re.match(r"\{\{resolve:secretsmanager:([^:}]+)", endpoint)
            lines = ["PagerDuty" if pager else protocol, secret[1] if secret else protocol]
            card = Card("PagerDuty" if pager else "topic", "blue", lines)
            yield card, [severities[target(subscription["TopicArn"])]]
