"""Alarms, reviews and notifications. Nothing here holds data: it can be created again."""

from constructs import Construct
from constructs.alarms.alarms import RedisAlarms, RedisDashboard
from constructs.alarms.catalog import every_alarm
from constructs.alarms.metrics import Severity
from constructs.alarms.notifications import AlarmNotifications
from constructs.events.events import EventReports
from constructs.reviews.configuration_review import ConfigurationReview
from constructs.reviews.metric_reviews import MetricReviews, UpdateReviews
from constructs.reviews.review import ReportStore, ReviewSurroundings, ReviewWatch
from constructs.servers.server_values import ServerWatch, server_rule_arn
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
            ServerWatch(self, "Servers", prefix=settings.prefix, reports=reports)
        surroundings = ReviewSurroundings(
            settings=settings,
            store=ReportStore(self, "Reports", key=notifications.key),
            notifications=notifications,
        )
        metrics = MetricReviews(self, "Metrics", surroundings=surroundings, specs=specs)
        configuration = ConfigurationReview(
            self,
            "Configuration",
            surroundings=surroundings,
            key=data.key,
            tokens=[data.token, operations.recovery_token],
            parameters=data.parameters,
        )
        updates = UpdateReviews(self, "Updates", surroundings=surroundings)
        others = (metrics.monthly, configuration.review, updates.security, updates.monthly)
        ReviewWatch(
            self, "ReviewWatch", surroundings=surroundings, reviews=[metrics.weekly, *others]
        )
        alarms = RedisAlarms(
            self, "Alarms", settings=settings, specs=specs, notifications=notifications
        )
        RedisDashboard(self, "Dashboard", settings=settings, specs=specs, alarms=alarms)
        region = settings.environment.region
        self.outputs(
            WarningTopic=notifications.topic_arns[Severity.WARNING],
            CriticalTopic=notifications.topic_arns[Severity.CRITICAL],
            DashboardAddress=f"https://{region}.console.aws.amazon.com/cloudwatch/home"
            f"?region={region}#dashboards/dashboard/{settings.prefix}",
        )
