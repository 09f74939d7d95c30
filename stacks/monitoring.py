"""Alarms, reviews and notifications. Nothing here holds data: it can be created again."""

from constructs import Construct
from constructs.alarms.alarms import RedisAlarms, dashboard
from constructs.alarms.catalog import every_alarm
from constructs.alarms.metrics import Severity
from constructs.alarms.notifications import AlarmNotifications
from constructs.events.events import EventReports
from constructs.reviews.configuration_review import configuration_review
from constructs.reviews.metric_reviews import metric_reviews, update_reviews
from constructs.reviews.review import ReportStore, Shared, watch_reviews
from constructs.servers.server_values import server_rule_arn, watch_servers
from environments.schema import Settings
from stacks.data import DataStack
from stacks.environment_stack import EnvironmentStack
from stacks.operations import OperationsStack


class MonitoringStack(EnvironmentStack):
    """Alarms, the dashboard, reviews, ElastiCache's events, and the topics that reach people."""

    def __init__(
        self, scope: Construct, *, settings: Settings, data: DataStack, operations: OperationsStack
    ) -> None:
        """``operations`` is deployed first, so that its metrics are there for their alarms."""
        super().__init__(
            scope,
            "monitoring",
            settings=settings,
            description=f"Redis of {settings.environment.name}: alarms, dashboard, notifications",
        )
        # Metrics are named by node and group, so alarms import nothing: only the order is fixed.
        # The review of the configuration imports what operations imports of data already, and the
        # recovery test's secret.
        self.add_stack_dependency(operations)
        specs = every_alarm(settings)
        notifications = AlarmNotifications(self, "Notifications", settings=settings)
        tagged = settings.application.server_tag is not None
        reports = EventReports(
            self,
            "Events",
            settings=settings,
            notifications=notifications,
            rules=[server_rule_arn(self, settings.prefix)] if tagged else [],
        )
        if tagged:
            watch_servers(Construct(self, "Servers"), settings.prefix, reports)
        shared = Shared(
            settings=settings,
            store=ReportStore(self, "Reports", key=notifications.key),
            notifications=notifications,
        )
        tokens = [data.token, operations.recovery_token]
        reviews = metric_reviews(Construct(self, "Metrics"), shared, specs)
        scope = Construct(self, "Configuration")
        reviews.append(configuration_review(scope, shared, data.key, tokens, data.parameters))
        reviews += update_reviews(Construct(self, "Updates"), shared)
        watch_reviews(Construct(self, "ReviewWatch"), shared, reviews)
        alarms = RedisAlarms(
            self, "Alarms", settings=settings, specs=specs, notifications=notifications
        )
        dashboard(Construct(self, "Dashboard"), settings, specs, alarms.arns)
        region = settings.environment.region
        self.outputs(
            WarningTopic=notifications.topic_arns[Severity.WARNING],
            CriticalTopic=notifications.topic_arns[Severity.CRITICAL],
            DashboardAddress=f"https://{region}.console.aws.amazon.com/cloudwatch/home"
            f"?region={region}#dashboards/dashboard/{settings.prefix}",
        )
