"""Is what was asked for what is there? One file a part, over the AWS API and TLS."""

from collections.abc import Callable

from rehearsal.common.checks import (
    access,
    events,
    health,
    logins,
    monitoring,
    replication_group,
    reviews,
    settings,
)
from rehearsal.common.rehearsal import Rehearsal

Check = Callable[[Rehearsal], str]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("the group is as the template asks", replication_group.check),
    ("only the application reaches it", access.check),
    ("logins over TLS", logins.check),
    ("the application's settings", settings.check),
    ("alarms and whom they reach", monitoring.check),
    ("a failover is read in the channel", events.check),
    ("every review, its report and message", reviews.check),
    ("the deployment's own health check", health.check),
)
