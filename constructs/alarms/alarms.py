"""The alarms on every node of a replication group (§3.1)."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs import Construct
from constructs.alarms.metrics import NAMESPACE, NODE_ID, AlarmSpec, Figure, Panel, Severity
from constructs.alarms.notifications import AlarmNotifications
from constructs.common.permissions import place
from environments.schema import PROJECT, Settings
from environments.topology import Topology

_COMPARISON = {"above": "GreaterThanThreshold", "below": "LessThanThreshold"}


class RedisAlarms(Construct):
    """Each alarm watches all nodes, whichever is the primary."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        specs: Sequence[AlarmSpec],
        notifications: AlarmNotifications,
    ) -> None:
        """``specs`` are all alarms of the environment."""
        super().__init__(scope, construct_id)
        here, prefix, topology = place(self), settings.prefix, settings.redis.topology
        self.arns: list[str] = []
        for spec in specs:
            topic = notifications.topic_arns[spec.severity]
            for suffix, members in spec.figure.parts(topology):
                name = f"{spec.name}-{spec.severity}{suffix}"
                cloudwatch.CfnAlarm(
                    self,
                    "".join(word.title() for word in name.split("-")),
                    alarm_name=f"{prefix}-{name}",
                    alarm_description=f"{spec.description} First: {spec.first} "
                    f"{self._where(spec, prefix, topology.group_id, members)}"
                    f"Runbook: {settings.notifications.runbook_url}#{spec.runbook or spec.name}",
                    comparison_operator=_COMPARISON[spec.comparison],
                    threshold=spec.threshold,
                    evaluation_periods=spec.evaluation_periods or spec.datapoints_to_alarm,
                    datapoints_to_alarm=spec.datapoints_to_alarm,
                    treat_missing_data=spec.treat_missing_data,
                    metrics=spec.figure.queries(members, spec.period),
                    alarm_actions=[topic],
                    ok_actions=[topic] if spec.clears else [],
                )
                self.arns.append(here.arn("cloudwatch", f"alarm:{prefix}-{name}"))

    def _where(self, spec: AlarmSpec, prefix: str, group_id: str, members: Sequence[str]) -> str:
        """The command that shows node and cause, the nodes and the dashboard, in few characters."""
        if not isinstance(spec.figure, Figure):
            return ""
        last = f" to {members[-1].removeprefix(group_id)}" if len(members) > 1 else ""
        return (
            f"make look ENV={prefix.removeprefix(f'{PROJECT}-')} ALARM={spec.name}. "
            f"Nodes {members[0]}{last}. https://{place(self).region}.console.aws.amazon.com"
            f"/cloudwatch/home#dashboards:name={prefix} "
        )


WIDTH, HEIGHT, COLUMNS, STATES_HEIGHT = 12, 6, 2, 3
# Source: CloudWatch API reference, "Dashboard Body Structure and Syntax", alarm status widget.
ALARMS_PER_WIDGET = 100

# What each graph shows: metric, statistic, and the axis's label.
_GRAPHS: dict[Panel, tuple[tuple[tuple[str, str], ...], str]] = {
    Panel.MEMORY: ((("DatabaseMemoryUsagePercentage", "Maximum"),), "percent"),
    Panel.CPU: ((("EngineCPUUtilization", "Average"), ("CPUUtilization", "Average")), "percent"),
    Panel.NETWORK: ((("NetworkBytesIn", "Sum"), ("NetworkBytesOut", "Sum")), "bytes per minute"),
    Panel.CONNECTIONS: ((("CurrConnections", "Maximum"),), "connections"),
    Panel.HITS: ((("CacheHits", "Sum"), ("CacheMisses", "Sum")), "reads per minute"),
    Panel.LAG: ((("ReplicationLag", "Maximum"),), "seconds"),
    Panel.EVICTIONS: ((("Evictions", "Sum"),), "keys per minute"),
    Panel.LOGINS: ((("AuthenticationFailures", "Sum"),), "logins per minute"),
    Panel.CREDITS: ((("CPUCreditBalance", "Minimum"),), "credits"),
    Panel.SWAP: ((("SwapUsage", "Maximum"),), "bytes"),
}

_COLOURS = {Severity.WARNING: "#ff7f0e", Severity.CRITICAL: "#d62728"}


def dashboard(
    scope: Construct, settings: Settings, specs: Sequence[AlarmSpec], alarm_arns: Sequence[str]
) -> None:
    """Alarm states on top, then one graph per panel with its thresholds, one line per node."""
    region, topology = place(scope).region, settings.redis.topology
    panels = [panel for panel in _GRAPHS if panel in {spec.panel for spec in specs}]
    widgets = [
        *_states(alarm_arns),
        *(
            _graph(panel, place, [spec for spec in specs if spec.panel == panel], topology, region)
            for place, panel in enumerate(panels)
        ),
    ]
    cloudwatch.CfnDashboard(
        scope,
        "Dashboard",
        dashboard_name=settings.prefix,
        dashboard_body=json.dumps({"widgets": widgets}),
    )


def _states(alarm_arns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One row of widgets."""
    starts = range(0, len(alarm_arns), ALARMS_PER_WIDGET)
    parts = [list(alarm_arns[start : start + ALARMS_PER_WIDGET]) for start in starts]
    width = WIDTH * COLUMNS // len(parts)
    for number, arns in enumerate(parts):
        yield {
            "type": "alarm",
            "x": number * width,
            "y": 0,
            "width": width,
            "height": STATES_HEIGHT,
            "properties": {"title": "Alarms", "alarms": arns},
        }


def _graph(
    panel: Panel, place: int, specs: Sequence[AlarmSpec], topology: Topology, region: str
) -> dict[str, Any]:
    metrics, unit = _GRAPHS[panel]
    row, column = divmod(place, COLUMNS)
    lines = [
        _line(metric, statistic, member, several=len(metrics) > 1)
        for metric, statistic in metrics
        for member in topology.members
    ]
    return {
        "type": "metric",
        "x": column * WIDTH,
        "y": STATES_HEIGHT + row * HEIGHT,
        "width": WIDTH,
        "height": HEIGHT,
        "properties": {
            "title": panel,
            "region": region,
            "view": "timeSeries",
            "period": 60,
            "yAxis": {"left": {"min": 0, "label": unit, "showUnits": False}},
            "metrics": lines if topology.in_full else list(_shortened(lines)),
            "annotations": {
                "horizontal": [
                    {
                        "label": f"{spec.name} {spec.severity}",
                        "value": spec.threshold,
                        "color": _COLOURS[spec.severity],
                    }
                    for spec in specs
                    if spec.drawn
                ]
            },
        },
    }


def _line(metric: str, statistic: str, member: str, *, several: bool) -> list[Any]:
    label = f"{member} {metric}" if several else member
    dimensions = ["CacheClusterId", member, "CacheNodeId", NODE_ID]
    return [NAMESPACE, metric, *dimensions, {"stat": statistic, "label": label}]


def _shortened(lines: Sequence[list[Any]]) -> Iterator[list[Any]]:
    """The same lines: a dot takes the value from the line before (the syntax's own short form)."""
    yield lines[0]
    for before, line in pairwise(lines):
        yield ["." if one == other else one for one, other in zip(line, before, strict=True)]
