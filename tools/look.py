"""The cause of a node's alarm, read and never changed: ``make look`` (docs/runbook.md).

usage: python -m tools.look ENVIRONMENT ALARM

It shows the alarm, the node, figures now, an hour and a day ago, what Redis on each node says where
nothing else knows it, the slow log by command, the events of the group, the fix, and when it is
done. No key, no argument of a command and no name of a client is shown.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from environments.load import load
from environments.node_types import cheapest
from environments.schema import Settings
from reviews.series import QUERIES, of_node, query
from shared.errors import StoppedError
from shared.secret import Secret
from tools.assembly import text_of
from tools.command import Answer, command, session
from tools.deploy_guard import secret_arn
from tools.health import PATIENT, invoke

RUNBOOK = Path(__file__).parents[1] / "docs" / "runbook.md"
PERIOD = 300  # seconds
AGO = {"now": 0, "1 h ago": 1, "24 h ago": 24}  # hours
MOST_PAGES = 20  # of the slow log
COLUMNS = 6  # nodes side by side

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
_NEW, _OUT, _REPLICATED = "NewConnections", "NetworkBytesOut", "ReplicationBytes"
_EXCEEDED = tuple(f"NetworkBandwidth{way}AllowanceExceeded" for way in ("Out", "In"))
LOOKS = {
    "memory": Look((_MEMORY, "CurrItems", "Evictions", "BytesUsedForCache"), "memory"),
    "evictions": Look(("Evictions", _MEMORY, "CurrItems", "BytesUsedForCache"), "memory"),
    "engine-cpu": Look((_CPU, "EvalBasedCmds", "GetTypeCmds", _NEW), slow=True),
    "host-cpu": Look(("CPUUtilization", _CPU, _NEW, "SaveInProgress"), slow=True),
    "cpu-credits": Look(("CPUCreditBalance", "CPUCreditUsage", _CPU), slow=True, lowest=True),
    "connections": Look(("CurrConnections", _NEW), "clients"),
    "hit-rate": Look(("CacheMisses", "CacheHits", "Evictions", "CurrItems"), "memory"),
    "replication-lag": Look(("ReplicationLag", _REPLICATED, _OUT, _CPU), slow=True),
    "refused-logins": Look(("AuthenticationFailures", _NEW, "CurrConnections"), "clients"),
    "network-allowance": Look((*_EXCEEDED, _OUT, "NetworkBytesIn", _REPLICATED), "clients"),
    "swap": Look(("SwapUsage", "FreeableMemory", _MEMORY, "SaveInProgress"), "memory"),
    "not-reporting": Look((_CPU, "CurrConnections"), lowest=True),
}


# By unit: what a figure is divided by, and the metrics. Counters are those of the busiest minute.
_UNITS: dict[str, tuple[float, Set[str]]] = {
    "%": (1, {_CPU, _MEMORY, "CPUUtilization"}),
    "MiB": (2**20, {"BytesUsedForCache", "SwapUsage", "FreeableMemory"}),
    "MiB/min": (2**20, {"NetworkBytesIn", _OUT, _REPLICATED}),
    "ms": (1 / 1000, {"ReplicationLag"}),
    "count": (1, {"CurrConnections", "CurrItems"}),
    "credits": (1, {"CPUCreditBalance"}),
    "1 is yes": (1, {"SaveInProgress"}),
}
UNITS = {metric: (unit, by) for unit, (by, metrics) in _UNITS.items() for metric in metrics}
_A_MINUTE = ("per minute", 1.0)
# Cluster mode: AWS describes no roles. Its guides name this metric in both ways.
_ROLE = ("IsPrimary", "IsMaster")


def _look(name: str, alarm: str) -> int:
    settings = load(name)
    for line in shown(settings, session(settings).client, alarm, datetime.now(UTC)):
        print(line)
    return 0


def shown(settings: Settings, client: Client, alarm: str, now: datetime) -> Iterator[str]:
    """Every line, as soon as it is known. Raises Answer, and what boto3 raises."""
    look, prefix, region = LOOKS[alarm], settings.prefix, settings.environment.region
    elasticache, cloudwatch = client("elasticache"), client("cloudwatch")
    (group,) = elasticache.describe_replication_groups(
        ReplicationGroupId=settings.redis.replication_group_id
    )["ReplicationGroups"]
    roles = _roles(group, cloudwatch, now)
    if not roles:
        raise Answer(f"look: {group['ReplicationGroupId']} is {group['Status']} and has no node.")
    series = series_of(cloudwatch, look.metrics, list(roles), now)
    worst = worst_node(look, series, list(roles))
    yield f"{alarm} of {group['ReplicationGroupId']}, which is {group['Status']}"
    yield from _states(cloudwatch, f"{prefix}-{alarm}-")
    yield f"Node: {worst} ({roles[worst]})"
    yield from _table(look.metrics, roles, series)
    yield from trend(alarm, series, worst)
    answers = _answers(client, prefix, look.question) if look.question else []
    yield from _asked(answers, look.question)
    if look.question == "clients":
        yield from instances(settings, answers)
    if look.slow:
        yield from _slow(client("logs"), f"{settings.parameter_path}/slow-log", now)
    if alarm == "refused-logins":
        yield _token_moved(settings, client, now)
    yield from _events(elasticache, {group["ReplicationGroupId"], *roles}, now)
    # Who is refused is not connected: only of connections the busiest address is the one.
    address = busiest(answers)[0] if alarm == "connections" else ""
    for line in section(settings, alarm):
        yield line.replace("<address>", address or "<address>")
    console = f"https://{region}.console.aws.amazon.com/cloudwatch/home"
    yield f"Dashboard: {console}#dashboards:name={prefix}"


def section(settings: Settings, alarm: str) -> Iterator[str]:
    """What the runbook says of reading the figures, the fix and its end, for this environment."""
    todo = "Take the committed one again: git checkout -- docs/runbook.md"
    text = text_of(RUNBOOK, todo).partition(f"\n## {alarm}\n")[2].split("\n## ")[0]
    text = text.replace("ENV=production", f"ENV={settings.environment.name}")
    if alarm != "engine-cpu":  # more memory is no faster core: the runbook names one
        kind = steady(settings) if alarm == "cpu-credits" else larger(settings)
        text = re.sub(r"NODE_TYPE=[\w.]+", f"NODE_TYPE={kind}", text)
    text = re.sub(r"\]\(#", "](runbook.md#", text)
    text = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r"\1: docs/\2", text)
    for label in ("Look.", "Fix.", "Done when"):
        part = re.search(rf"\*\*{re.escape(label)}\*\* (.*?)(?=\n\n|\Z)", text.strip(), re.S)
        if not part:
            raise Answer(f"docs/runbook.md: {alarm}: its section has no {label!r}. {todo}")
        reading = part[1].partition("\n")[2] if label == "Look." else part[1]
        yield f"{label.removesuffix('.')}: {' '.join(reading.split())}"
    yield f"Section: {settings.notifications.runbook_url}#{alarm}"


def _roles(group: Mapping[str, Any], cloudwatch: Any, now: datetime) -> dict[str, str]:
    """By node: as AWS describes it, or in cluster mode as the node publishes it."""
    found: dict[str, str] = {
        member["CacheClusterId"]: member.get("CurrentRole", "")
        for shard in group.get("NodeGroups", [])
        for member in shard.get("NodeGroupMembers", [])
    } or dict.fromkeys(group.get("MemberClusters", []), "")
    unknown = [node for node, role in found.items() if not role]
    seen = series_of(cloudwatch, _ROLE, unknown, now) if unknown else {}
    for node in unknown:
        values = [seen[metric, node][0] for metric in _ROLE if 0 in seen[metric, node]]
        found[node] = "primary" if any(values) else "replica" if values else "role unknown"
    return found


def _states(cloudwatch: Any, prefix: str) -> Iterator[str]:
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    for one in (alarm for page in pages for alarm in page["MetricAlarms"]):
        since = one["StateUpdatedTimestamp"]
        yield f"Alarm: {one['AlarmName']} is {one['StateValue']} since {since:%Y-%m-%d %H:%M} UTC"


def series_of(
    cloudwatch: Any, metrics: Sequence[str], nodes: Sequence[str], now: datetime
) -> dict[tuple[str, str], dict[int, float]]:
    """The greatest value of five minutes, at each of the times."""
    wanted = [of_node(metric, node, "Maximum") for metric in metrics for node in nodes]
    queries = [query(f"q{number}", one, PERIOD) for number, one in enumerate(wanted)]
    names = [(metric, node) for metric in metrics for node in nodes]
    found: dict[tuple[str, str], dict[int, float]] = {each: {} for each in names}
    pages = cloudwatch.get_paginator("get_metric_data")
    for hours in AGO.values():
        end = now - timedelta(hours=hours)
        given = {"StartTime": end - timedelta(seconds=3 * PERIOD), "EndTime": end}
        for start in range(0, len(queries), QUERIES):
            part = queries[start : start + QUERIES]
            for page in pages.paginate(
                MetricDataQueries=part, ScanBy="TimestampDescending", **given
            ):
                for result in page["MetricDataResults"]:
                    if values := result.get("Values"):
                        found[names[int(result["Id"][1:])]].setdefault(hours, values[0])
    return found


def worst_node(look: Look, series: Series, nodes: Sequence[str]) -> str:
    """The node whose own metric is furthest; one without figures, where the lowest is meant."""
    furthest = min if look.lowest else max
    return furthest(nodes, key=lambda node: series[look.metrics[0], node].get(0, float("-inf")))


def _table(metrics: Sequence[str], roles: Mapping[str, str], series: Series) -> Iterator[str]:
    width = max(map(len, roles))
    kind = max(map(len, roles.values()))
    yield " " * (52 + width + kind) + "".join(f"{label:>12}" for label in AGO)
    for metric in metrics:
        unit, by = UNITS.get(metric, _A_MINUTE)
        for node, role in roles.items():
            values = [series[metric, node].get(hours) for hours in AGO.values()]
            cells = "".join(f"{'-' if one is None else _figure(one / by):>12}" for one in values)
            yield f"  {f'{metric}, {unit}':<46}  {node:<{width}}  {role:<{kind}}{cells}"


def _figure(value: float) -> str:
    """Whole, or with two places where it is small."""
    return f"{value:,.0f}" if value.is_integer() or abs(value) >= 1000 else f"{value:,.2f}"


def trend(alarm: str, series: Series, worst: str) -> Iterator[str]:
    """How long it lasts, for what fills up or runs out."""
    bounds = {"memory": (_MEMORY, 100), "cpu-credits": ("CPUCreditBalance", 0)}
    metric, bound = bounds.get(alarm, ("", 0))
    values = series[metric, worst] if metric else {}
    if 0 in values and 1 in values and (values[0] - values[1]) * (bound - values[0]) > 0:
        left = (bound - values[0]) / (values[0] - values[1])
        yield f"At the last hour's rate {metric} is {bound} in {left:.1f} hours"


def _answers(client: Client, prefix: str, question: str) -> list[dict[str, Any]]:
    """What each node's Redis answers, by the function that may log in, or why it is not known."""
    name, functions = f"{prefix}-health", client("lambda", config=PATIENT)
    asked = {"ask": question}
    try:
        answer = invoke(functions, name, command="look", answers_with="group", event=asked)
    except Answer as reason:  # the fix is shown all the same
        return [{"name": "", "figures": {}, "problem": str(reason)}]
    why = f"Redis was not asked: the log of {name}-login says why"
    return answer.get("answers") or [{"name": "", "figures": {}, "problem": why}]


def _asked(answers: Sequence[Mapping[str, Any]], question: str) -> Iterator[str]:
    """One column per node, one row per figure or address."""
    for each in (one for one in answers if "problem" in one):
        yield f"{each['name']}: {each['problem']}".removeprefix(": ")
    answered = [one for one in answers if "problem" not in one]
    for start in range(0, len(answered), COLUMNS):
        nodes = answered[start : start + COLUMNS]
        widths = [max(len(each["name"]), 12) + 2 for each in nodes]
        for head, key in ((f"Redis, {question}", "name"), ("", "role")):
            cells = (f"{each[key]:>{width}}" for each, width in zip(nodes, widths, strict=True))
            yield f"{head:<38}" + "".join(cells)
        for name in dict.fromkeys(name for each in nodes for name in each["figures"]):
            of_bytes = name.startswith(("used_", "max", "mem_")) and "ratio" not in name
            unit, by = (", MiB", 2**20) if of_bytes else ("", 1)
            values = (each["figures"].get(name) for each in nodes)
            cells = (
                f"{'-' if one is None else _figure(one / by):>{width}}"
                for one, width in zip(values, widths, strict=True)
            )
            yield f"  {name + unit:<36}" + "".join(cells)


def busiest(answers: Sequence[Mapping[str, Any]]) -> tuple[str, float, str]:
    """The address with the most connections to one node, how many, and the node."""
    counts = [
        (address, count, str(each["name"]))
        for each in answers
        for address, count in each["figures"].items()
        if not address.endswith("addresses")
    ]
    return max(counts, key=lambda one: one[1], default=("", 0.0, ""))


def instances(settings: Settings, answers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """How many instances are connected, beside how many the settings plan."""
    planned = settings.application
    addresses = max((each["figures"].get("addresses", 0) for each in answers), default=0)
    address, count, node = busiest(answers)
    if address:
        connected = f"{addresses:.0f} addresses are connected, the health check's own included"
        plan = f"{planned.instances} x {planned.pool_size} connections"
        yield f"Instances: {connected}. Planned are {plan}"
        yield f"Most connections: {address} has {count:.0f} on {node}"


def _slow(logs: Any, log_group: str, now: datetime) -> Iterator[str]:
    """The slow log of an hour by the command's first word: arguments are keys of users."""
    since = int((now - timedelta(hours=1)).timestamp() * 1000)
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=log_group, startTime=since, PaginationConfig={"MaxItems": MOST_PAGES * 1000}
    )
    count, longest = Counter[str](), dict[str, float]()
    try:
        for page in pages:
            for event in page.get("events", []):
                entry = _entry(event.get("message", ""))
                command = str(entry.get("Command", "?")).split(" ")[0].upper()
                count[command] += 1
                took = float(entry.get("Duration (us)", 0)) / 1000
                longest[command] = max(longest.get(command, 0), took)
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


main = command(
    "look",
    _look,
    takes=lambda given: len(given) == 2 and given[1] in LOOKS,
    usage="name an environment and one of the alarms of nodes, for example\n"
    f"  make look ENV=production ALARM=memory\nAlarms: {', '.join(LOOKS)}. The others have their "
    "command in docs/runbook.md.",
    interrupted="nothing was changed.",
)
