"""The cause of a node's alarm, read and never changed: ``make look`` (docs/runbook.md).

usage: python -m tools.look ENVIRONMENT ALARM

It shows the node, its figures now, an hour and a day ago, what Redis itself says where nothing else
knows it, the slow log by command, the group's events, the fix, and when it is done. No key, no
argument of a command and no name of a client is shown.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from environments.load import load
from environments.node_types import cheapest
from environments.schema import Settings
from shared.errors import StoppedError
from shared.secret import Secret
from tools.command import Answer, ended, session
from tools.deploy_guard import secret_arn
from tools.health import PATIENT
from tools.invocation import invoke

RUNBOOK = Path(__file__).parents[1] / "docs" / "runbook.md"
NAMESPACE, NODE_ID = "AWS/ElastiCache", "0001"
PERIOD = 300  # seconds
AGO = {"now": 0, "1 h ago": 1, "24 h ago": 24}  # hours
MOST_PAGES = 20  # of the slow log
QUERIES_A_CALL = 500  # GetMetricData takes no more

Client = Callable[..., Any]
Series = Mapping[tuple[str, str], Mapping[int, float]]  # by metric and node: hours ago -> value


@dataclass(frozen=True)
class Look:
    """One alarm's metrics, of which the first is its own, and what else its cause is seen in."""

    metrics: tuple[str, ...]
    question: str = ""  # that the health function asks Redis
    slow: bool = False  # whether the slow log is shown
    lowest: bool = False  # the node with the least is the one


_CPU, _MEMORY = "EngineCPUUtilization", "DatabaseMemoryUsagePercentage"
LOOKS = {
    "memory": Look((_MEMORY, "CurrItems", "Evictions", "BytesUsedForCache"), "memory"),
    "evictions": Look(("Evictions", _MEMORY, "CurrItems", "BytesUsedForCache"), "memory"),
    "engine-cpu": Look((_CPU, "EvalBasedCmds", "GetTypeCmds", "NewConnections"), slow=True),
    "host-cpu": Look(("CPUUtilization", _CPU, "NewConnections", "SaveInProgress"), slow=True),
    "cpu-credits": Look(("CPUCreditBalance", "CPUCreditUsage", _CPU), slow=True, lowest=True),
    "connections": Look(("CurrConnections", "NewConnections"), "clients"),
    "hit-rate": Look(("CacheMisses", "CacheHits", "Evictions", "CurrItems"), "memory"),
    "replication-lag": Look(
        ("ReplicationLag", "ReplicationBytes", "NetworkBytesOut", _CPU), slow=True
    ),
    "refused-logins": Look(
        ("AuthenticationFailures", "NewConnections", "CurrConnections"), "clients"
    ),
    "network-allowance": Look(
        (
            *("NetworkBandwidthOutAllowanceExceeded", "NetworkBandwidthInAllowanceExceeded"),
            *("NetworkBytesOut", "NetworkBytesIn", "ReplicationBytes"),
        ),
        "clients",
    ),
    "swap": Look(("SwapUsage", "FreeableMemory", _MEMORY, "SaveInProgress"), "memory"),
    "not-reporting": Look((_CPU, "CurrConnections"), lowest=True),
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
        failed="look: a request to AWS failed",
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
    if not roles:
        raise Answer(f"look: {group['ReplicationGroupId']} is {group['Status']} and has no node.")
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
        yield _token_moved(settings, client, now)
    yield from _events(elasticache, {group["ReplicationGroupId"], *roles}, now)
    yield from section(settings, alarm)
    yield (
        f"Dashboard: https://{region}.console.aws.amazon.com/cloudwatch/home"
        f"#dashboards:name={prefix}"
    )


def section(settings: Settings, alarm: str) -> Iterator[str]:
    """What the runbook says of reading the figures, the fix and its end, for this environment."""
    text = RUNBOOK.read_text().split(f"\n## {alarm}\n")[1].split("\n## ")[0]
    text = text.replace("ENV=production", f"ENV={settings.environment.name}")
    if alarm != "engine-cpu":  # more memory is no faster core: the runbook names one
        kind = steady(settings) if alarm == "cpu-credits" else larger(settings)
        text = re.sub(r"NODE_TYPE=[\w.]+", f"NODE_TYPE={kind}", text)
    text = re.sub(r"\]\(#", "](runbook.md#", text)
    text = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r"\1: docs/\2", text)
    for label in ("Look.", "Fix.", "Done when"):
        (part,) = re.findall(rf"\*\*{re.escape(label)}\*\* (.*?)(?=\n\n|\Z)", text.strip(), re.S)
        reading = part.partition("\n")[2] if label == "Look." else part
        yield f"{label.removesuffix('.')}: {' '.join(reading.split())}"
    yield f"Section: {settings.notifications.runbook_url}#{alarm}"


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
        answers_with="group",
        event={"ask": question},
    )
    if not answer.get("answers"):
        yield f"Redis did not answer: its login failed, by the log of {prefix}-health-login"
    for each in answer.get("answers", []):
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


def _token_moved(settings: Settings, client: Client, now: datetime) -> str:
    """Since when clients get the present token, and when the one before ends.

    The secret's own date of change is no answer: the rotation also changes its tags.
    """
    try:
        arn = secret_arn(settings, client("ssm"))
        versions = Secret(client("secretsmanager"), str(arn)).versions()
    except StoppedError as problem:
        return f"Token: {problem}"
    since = versions.current_since(now)
    if since is None:
        return "Token: no rotation is known to have moved AWSCURRENT"
    ends = since + timedelta(hours=settings.rotation.retire_after_hours)
    return (
        f"Token: AWSCURRENT's since {since:%Y-%m-%d %H:%M} UTC, and the one before ends at "
        f"{ends:%Y-%m-%d %H:%M} UTC"
    )


def _events(elasticache: Any, ours: Set[str], now: datetime) -> Iterator[str]:
    """Those of a day, of the group and of its nodes."""
    pages = elasticache.get_paginator("describe_events").paginate(
        StartTime=now - timedelta(days=1), EndTime=now
    )
    found = [one for page in pages for one in page["Events"] if one["SourceIdentifier"] in ours]
    yield f"Events of a day: {len(found) or 'none'}"
    for event in found[-10:]:
        yield f"  {event['Date']:%H:%M} {event['SourceIdentifier']}: {event['Message']}"


def larger(settings: Settings) -> str:
    """The next node type with clearly more memory."""
    node = settings.redis.node_type
    found = cheapest(lambda one: one.usable_gib >= 1.8 * node.usable_gib, like=node)
    return found.name if found else "(none is larger: docs/operate/scaling.md#more-shards)"


def steady(settings: Settings) -> str:
    """The next node type without CPU credits."""
    node = settings.redis.node_type
    found = cheapest(lambda one: not one.burstable and one.usable_gib >= node.usable_gib, like=node)
    return found.name if found else node.name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
