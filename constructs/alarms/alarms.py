"""The alarms on every node of a replication group (§3.1)."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs import Construct
from constructs.alarms.alarm_specs import AlarmSpec
from constructs.alarms.metrics import Figure
from constructs.alarms.notifications import AlarmNotifications
from constructs.common.arns import place
from environments.schema import PROJECT
from environments.topology import Topology

_COMPARISON = {"above": "GreaterThanThreshold", "below": "LessThanThreshold"}


class RedisAlarms(Construct):
    """Each alarm watches all nodes, whichever is the primary."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        prefix: str,
        specs: Sequence[AlarmSpec],
        topology: Topology,
        notifications: AlarmNotifications,
        runbook_url: str,
    ) -> None:
        """``prefix`` begins every alarm's name; ``runbook_url#section`` ends its description."""
        super().__init__(scope, construct_id)
        here = place(self)
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
                    f"Runbook: {runbook_url}#{spec.runbook or spec.name}",
                    comparison_operator=_COMPARISON[spec.beyond],
                    threshold=spec.threshold,
                    evaluation_periods=spec.among or spec.periods,
                    datapoints_to_alarm=spec.periods,
                    treat_missing_data=spec.missing,
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
