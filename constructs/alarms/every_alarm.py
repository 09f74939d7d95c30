"""All alarms of an environment: the monitoring stack makes them, the health check counts them."""

from constructs.alarms.alarm_specs import AlarmSpec, alarm_specs
from constructs.delivery.delivery_alarms import delivery_alarm_specs
from constructs.events.event_alarms import event_alarm_specs
from constructs.health.health_alarms import health_alarm_specs
from constructs.recovery.recovery_alarms import recovery_alarm_specs
from constructs.reviews.review_alarms import review_alarm_specs
from constructs.rotation.rotation_alarms import rotation_alarm_specs
from environments.schema import Settings


def every_alarm(settings: Settings) -> list[AlarmSpec]:
    """The group's, rotation's, health check's, backups', events', topics' and reviews'."""
    return [
        *alarm_specs(settings),
        *rotation_alarm_specs(settings.rotation),
        *health_alarm_specs(),
        *recovery_alarm_specs(settings),
        *event_alarm_specs(settings.prefix),
        *delivery_alarm_specs(settings.prefix),
        *review_alarm_specs(),
    ]
