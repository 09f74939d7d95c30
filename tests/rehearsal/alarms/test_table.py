"""What the scenario drives follows from the settings."""

from environments.schema import Settings
from rehearsal.alarms.table import drives
from tests.support import Document
from tests.variants import ABSENT, LARGE, SINGLE, changed


def test_other_settings_have_other_alarms(production: Settings, document: Document) -> None:
    change = {**LARGE, **SINGLE, "notifications.pagerduty_secret_name": ABSENT}
    found = drives(Settings.model_validate(changed(document, change)))
    assert {one.name for one in drives(production)} - {one.name for one in found} == {
        "cpu-credits-warning",
        "replication-lag-critical",
        "replication-lag-warning",
    }
    assert {service for one in found for service in one.services} == {"slack"}


def test_other_thresholds_are_driven_at_their_own(document: Document) -> None:
    change = {"alarms.connections": {"warning": 2000, "critical": 4000}}
    found = drives(Settings.model_validate(changed(document, change)))
    (warning,) = (one for one in found if one.name == "connections-warning")
    assert (warning.within, warning.beyond) == (
        ({"CurrConnections": 2000},),
        ({"CurrConnections": 2001},),
    )
    assert warning.real is None, "more connections than one machine holds"
