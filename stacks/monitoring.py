"""What watches the group and whom it tells. Nothing here holds data: it can be made anew."""

import aws_cdk as cdk

from constructs import Construct
from constructs.alarm_specs import alarm_specs
from constructs.alarms import RedisAlarms
from constructs.dashboard import RedisDashboard
from constructs.notifications import AlarmNotifications
from constructs.recovery_alarms import recovery_alarm_specs
from constructs.replication_group import RedisReplicationGroup
from constructs.rotation_alarms import rotation_alarm_specs
from environments.schema import Settings
from stacks.environment_stack import EnvironmentStack


class MonitoringStack(EnvironmentStack):
    """Alarms on every node, the dashboard, and the topics that reach Slack and PagerDuty."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        replication_group: RedisReplicationGroup,
        operations: cdk.Stack,
    ) -> None:
        """``operations`` is deployed first, so that its metrics are there for their alarms."""
        super().__init__(
            scope,
            "monitoring",
            settings=settings,
            description=f"Redis of {settings.environment.name}: alarms, dashboard, notifications",
        )
        # Metrics are named by node and group, so nothing is imported: only the order is fixed.
        self.add_stack_dependency(operations)
        specs = [
            *alarm_specs(settings),
            *rotation_alarm_specs(settings.rotation),
            *recovery_alarm_specs(settings),
        ]
        notifications = AlarmNotifications(
            self, "Notifications", prefix=settings.prefix, settings=settings.notifications
        )
        alarms = RedisAlarms(
            self,
            "Alarms",
            prefix=settings.prefix,
            specs=specs,
            topology=replication_group.topology,
            notifications=notifications,
            runbook_url=settings.notifications.runbook_url,
        )
        RedisDashboard(
            self,
            "Dashboard",
            name=settings.prefix,
            specs=specs,
            topology=replication_group.topology,
            alarms=alarms,
        )
