"""What stands behind an alarm of a node, read and never changed: ``make look`` (docs/runbook.md).

usage: python -m tools.look ENVIRONMENT ALARM

It shows the node, its figures now, an hour and a day ago, what Redis itself says where nothing else
knows it, the slow log by command, the group's events, the fix, and when it is done. No key, no
argument of a command and no name of a client is shown.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from environments.load import load
from environments.node_types import cheapest
from environments.schema import Settings
from tools.command import ended, session
from tools.health import PATIENT
from tools.invocation import invoke

NAMESPACE, NODE_ID = "AWS/ElastiCache", "0001"
PERIOD = 300  # seconds
AGO = {"now": 0, "1 h ago": 1, "24 h ago": 24}  # hours
MOST_PAGES = 20  # of the slow log
QUERIES_A_CALL = 500  # GetMetricData takes no more

Client = Callable[..., Any]
Series = Mapping[tuple[str, str], Mapping[int, float]]  # by metric and node: hours ago -> value


@dataclass(frozen=True, kw_only=True)
class Look:
    """One alarm: the first metric is its own. ``fix`` and ``done`` end what is shown."""

    metrics: tuple[str, ...]
    question: str = ""
    slow: bool = False
    lowest: bool = False  # the node with the least is the one
    reads: str
    fix: str
    done: str


_LARGER = "make scale ENV={environment} NODE_TYPE={larger}"
_FULL = Look(
    metrics=("DatabaseMemoryUsagePercentage", "CurrItems", "Evictions", "BytesUsedForCache"),
    question="memory",
    reads="A step since yesterday: something new writes. A slope: users grow. Keys without an "
    "expiry that are not the sentinels are never given back.",
    fix=f"{_LARGER} (a step: stop its writer first)",
    done="below the warning for an hour of usual traffic",
)
LOOKS = {
    "memory": _FULL,
    "evictions": Look(
        metrics=("Evictions", *(one for one in _FULL.metrics if one != "Evictions")),
        question="memory",
        reads=_FULL.reads,
        fix=_LARGER,
        done="no eviction for an hour",
    ),
    "engine-cpu": Look(
        metrics=("EngineCPUUtilization", "EvalBasedCmds", "GetTypeCmds", "NewConnections"),
        slow=True,
        reads="Commands rose with it: traffic. They did not: a slow command, or TLS handshakes of "
        "new connections.",
        fix="slow command: take it out of the application; traffic: " + _LARGER,
        done="below the warning for an hour, and the slow log's rate is what it was",
    ),
    "host-cpu": Look(
        metrics=("CPUUtilization", "EngineCPUUtilization", "NewConnections", "SaveInProgress"),
        slow=True,
        reads="SaveInProgress: a backup runs, and this ends with it. New connections: clients open "
        "one for each request.",
        fix="no pool: use the client's; load: " + _LARGER,
        done="clear outside the backup's window",
    ),
    "cpu-credits": Look(
        metrics=("CPUCreditBalance", "CPUCreditUsage", "EngineCPUUtilization"),
        lowest=True,
        slow=True,
        reads="Hours left are the balance by what it lost in the last hour. A node that is new "
        "begins at none.",
        fix="make scale ENV={environment} NODE_TYPE={steady}",
        done="the balance rises for an hour",
    ),
    "connections": Look(
        metrics=("CurrConnections", "NewConnections"),
        question="clients",
        reads="An address with more than {pool} connections for each of its processes leaks. More "
        "addresses than {instances} are more instances than planned.",
        fix="leak: restart that instance; more instances: application.instances in the settings",
        done="connections follow the number of instances again",
    ),
    "hit-rate": Look(
        metrics=("CacheMisses", "CacheHits", "Evictions", "CurrItems"),
        question="memory",
        reads="Evictions: keys were lost for room. Fewer keys and an event: a restart or a "
        "failover. Neither: new users and addresses, or an attack.",
        fix="evictions: " + _LARGER + "; an attack: the web tier",
        done="clear for an hour",
    ),
    "replication-lag": Look(
        metrics=("ReplicationLag", "ReplicationBytes", "NetworkBytesOut", "EngineCPUUtilization"),
        slow=True,
        reads="Bytes rose: writes in bulk, or a new replica that copies everything. CPU rose: "
        "engine-cpu.",
        fix="bulk: slow its writer down; a new replica: wait; bandwidth: " + _LARGER,
        done="below 0.1 s on every replica",
    ),
    "refused-logins": Look(
        metrics=("AuthenticationFailures", "NewConnections", "CurrConnections"),
        question="clients",
        reads="The token changed in the last hours: a client has the old one. It did not: an "
        "address that is none of the application's guesses.",
        fix="old token: restart that instance; guesser: take it out of the security group",
        done="none for an hour",
    ),
    "network-allowance": Look(
        metrics=(
            *("NetworkBandwidthOutAllowanceExceeded", "NetworkBandwidthInAllowanceExceeded"),
            *("NetworkBytesOut", "NetworkBytesIn", "ReplicationBytes"),
        ),
        question="clients",
        reads="Replication bytes: a full copy after a failover, which ends. Otherwise traffic.",
        fix=_LARGER,
        done="clear for an hour at peak",
    ),
    "swap": Look(
        metrics=("SwapUsage", "FreeableMemory", "DatabaseMemoryUsagePercentage", "SaveInProgress"),
        question="memory",
        reads="SaveInProgress: a backup's child needs memory of its own.",
        fix="reserved-memory-percent in [redis.parameters], or " + _LARGER,
        done="below the threshold for an hour",
    ),
    "not-reporting": Look(
        metrics=("EngineCPUUtilization", "CurrConnections"),
        lowest=True,
        reads="A node without figures is gone or being replaced: status and events say which.",
        fix="replacement: wait; not available for 30 minutes: a support case",
        done="every node has figures again",
    ),
}


def main(arguments: list[str]) -> int:
    """0 when it is shown, 1 with the reason if not, 2 for usage."""
    if len(arguments) != 2 or arguments[1] not in LOOKS:
        print(
            "look: name an environment and one of the alarms of nodes, for example\n"
            f"  make look ENV=production ALARM=memory\nAlarms: {', '.join(LOOKS)}. The others have "
            "their command in docs/runbook.md.",
            file=sys.stderr,
        )
        return 2
    return ended(
        lambda: _look(*arguments),
        failed="look: AWS could not be asked",
        interrupted="look: nothing was changed.",
    )


def _look(name: str, alarm: str) -> int:
    settings = load(name)
    client = session(settings).client
    for line in shown(settings, client, alarm, datetime.now(UTC)):
        print(line)
    return 0


def shown(settings: Settings, client: Client, alarm: str, now: datetime) -> Iterator[str]:
    """Every line, as soon as it is known. Raises Answer, and what boto3 raises."""
    look, prefix, region = LOOKS[alarm], settings.prefix, settings.environment.region
    elasticache = client("elasticache")
    (group,) = elasticache.describe_replication_groups(
        ReplicationGroupId=settings.redis.replication_group_id
    )["ReplicationGroups"]
    roles = _roles(group)
    series = series_of(client("cloudwatch"), look.metrics, list(roles), now)
    worst = worst_node(look, series, list(roles))
    yield f"{alarm} of {group['ReplicationGroupId']}, which is {group['Status']}"
    yield f"Node: {worst} ({roles[worst]})"
    yield from _table(look.metrics, roles, series)
    yield from trend(alarm, series, worst)
    if look.question:
        yield from _asked(client, prefix, look.question)
    if look.slow:
        yield from _slow(client("logs"), f"{settings.parameter_path}/slow-log", now)
    if alarm == "refused-logins":
        yield _token_changed(settings, client)
    yield from _events(elasticache, list(roles), now)
    application = settings.application
    words = {
        "environment": settings.environment.name,
        "pool": application.pool_size,
        "instances": application.instances,
        **types_for(settings),
    }
    yield f"Reading: {look.reads.format(**words)}"
    yield f"Fix: {look.fix.format(**words)}"
    yield f"Done when: {look.done}"
    yield (
        f"Dashboard: https://{region}.console.aws.amazon.com/cloudwatch/home"
        f"#dashboards:name={prefix}"
    )


def _roles(group: Mapping[str, Any]) -> dict[str, str]:
    """By node; in cluster mode AWS says no roles."""
    found = {
        member["CacheClusterId"]: member.get("CurrentRole", "primary or replica")
        for shard in group.get("NodeGroups", [])
        for member in shard.get("NodeGroupMembers", [])
    }
    return found or dict.fromkeys(group.get("MemberClusters", []), "no role yet")


def series_of(
    cloudwatch: Any, metrics: Sequence[str], nodes: Sequence[str], now: datetime
) -> dict[tuple[str, str], dict[int, float]]:
    """The greatest value of five minutes, at each of the times."""
    wanted = [(metric, node) for metric in metrics for node in nodes]
    queries = [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": NAMESPACE,
                    "MetricName": metric,
                    "Dimensions": [
                        {"Name": "CacheClusterId", "Value": node},
                        {"Name": "CacheNodeId", "Value": NODE_ID},
                    ],
                },
                "Period": PERIOD,
                "Stat": "Maximum",
            },
        }
        for number, (metric, node) in enumerate(wanted)
    ]
    found: dict[tuple[str, str], dict[int, float]] = {each: {} for each in wanted}
    pages = cloudwatch.get_paginator("get_metric_data")
    for hours in AGO.values():
        end = now - timedelta(hours=hours)
        for start in range(0, len(queries), QUERIES_A_CALL):
            for page in pages.paginate(
                MetricDataQueries=queries[start : start + QUERIES_A_CALL],
                StartTime=end - timedelta(seconds=3 * PERIOD),
                EndTime=end,
                ScanBy="TimestampDescending",
            ):
                for result in page["MetricDataResults"]:
                    if result["Values"]:
                        found[wanted[int(result["Id"][1:])]].setdefault(hours, result["Values"][0])
    return found


def worst_node(look: Look, series: Series, nodes: Sequence[str]) -> str:
    """The node whose own metric is furthest; one without figures, where the lowest is meant."""
    least, most = float("-inf"), float("inf")
    if look.lowest:
        return min(nodes, key=lambda node: series[look.metrics[0], node].get(0, least))
    return max(nodes, key=lambda node: series[look.metrics[0], node].get(0, -most))


def _table(metrics: Sequence[str], roles: Mapping[str, str], series: Series) -> Iterator[str]:
    width = max(map(len, roles))
    yield f"  {'':<36}  {'':<{width}}  " + "".join(f"{label:>16}" for label in AGO)
    for metric in metrics:
        for node in roles:
            values = [series[metric, node].get(hours) for hours in AGO.values()]
            cells = "".join(f"{'-' if one is None else f'{one:,.6g}':>16}" for one in values)
            yield f"  {metric:<36}  {node:<{width}}  {cells}"


def trend(alarm: str, series: Series, worst: str) -> Iterator[str]:
    """How long it lasts, for what fills up or runs out."""
    bounds = {
        "memory": ("DatabaseMemoryUsagePercentage", 100),
        "cpu-credits": ("CPUCreditBalance", 0),
    }
    if alarm in bounds:
        metric, bound = bounds[alarm]
        values = series[metric, worst]
        if 0 in values and 1 in values and (values[0] - values[1]) * (bound - values[0]) > 0:
            left = (bound - values[0]) / (values[0] - values[1])
            yield f"At the last hour's rate {metric} is {bound} in {left:.1f} hours"


def _asked(client: Client, prefix: str, question: str) -> Iterator[str]:
    """What Redis answers, by the function that may log in."""
    answer = invoke(
        client("lambda", config=PATIENT),
        f"{prefix}-health",
        command="look",
        answers_with="answers",
        event={"ask": question},
    )
    for each in answer["answers"]:
        yield f"Redis at the {each['name']} address, {question}:"
        for name, figure in each["figures"].items():
            yield f"  {name:<36}  {figure:,.6g}"


def _slow(logs: Any, log_group: str, now: datetime) -> Iterator[str]:
    """The slow log of an hour by the command's first word: arguments are keys of users."""
    since = int((now - timedelta(hours=1)).timestamp() * 1000)
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=log_group, startTime=since, PaginationConfig={"MaxItems": MOST_PAGES * 1000}
    )
    count, longest = Counter[str](), dict[str, float]()
    try:
        for page in pages:
            for event in page["events"]:
                entry = _entry(event["message"])
                command = str(entry.get("Command", "?")).split(" ")[0].upper()
                count[command] += 1
                longest[command] = max(
                    longest.get(command, 0), float(entry.get("Duration (us)", 0)) / 1000
                )
    except logs.exceptions.ResourceNotFoundException:
        yield f"Slow log: {log_group} is not there"
        return
    yield f"Slow log of an hour: {count.total()} entries"
    for command, number in count.most_common(10):
        yield f"  {command:<36}  {number:>6} times, {longest[command]:,.0f} ms at most"


def _entry(message: str) -> dict[str, Any]:
    try:
        entry = json.loads(message)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _token_changed(settings: Settings, client: Client) -> str:
    name = f"{settings.parameter_path}/REDIS_PASSWORD_SECRET_ARN"
    arn = client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    changed = client("secretsmanager").describe_secret(SecretId=arn).get("LastChangedDate")
    return (
        f"Token: its secret changed last at {changed:%Y-%m-%d %H:%M} UTC" if changed else "Token: -"
    )


def _events(elasticache: Any, nodes: Sequence[str], now: datetime) -> Iterator[str]:
    """Those of a day, of the group and of its nodes."""
    pages = elasticache.get_paginator("describe_events").paginate(
        StartTime=now - timedelta(days=1), EndTime=now
    )
    ours = {*nodes, nodes[0].rsplit("-", 1)[0]}
    found = [one for page in pages for one in page["Events"] if one["SourceIdentifier"] in ours]
    yield f"Events of a day: {len(found) or 'none'}"
    for event in found[-10:]:
        yield f"  {event['Date']:%H:%M} {event['SourceIdentifier']}: {event['Message']}"


def types_for(settings: Settings) -> dict[str, str]:
    """The next larger node type, and the next one without CPU credits."""
    node = settings.redis.node_type
    larger = cheapest(lambda one: one.usable_gib >= 1.8 * node.usable_gib, like=node)
    steady = cheapest(
        lambda one: not one.burstable and one.usable_gib >= node.usable_gib, like=node
    )
    return {
        "larger": larger.name
        if larger
        else "(none is larger: docs/operate/scaling.md#more-shards)",
        "steady": steady.name if steady else node.name,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
