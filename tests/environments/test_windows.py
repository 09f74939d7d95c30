"""Windows repeat every day or week, and overlap across midnight and the week's end."""

import pytest

from environments.windows import maintenance_window, snapshot_window


@pytest.mark.parametrize(
    ("snapshot", "maintenance", "overlap"),
    [
        ("02:00-03:00", "sun:03:00-sun:05:00", False),
        ("03:00-04:00", "sun:03:00-sun:05:00", True),
        ("04:59-05:59", "sun:03:00-sun:05:00", True),
        ("05:00-06:00", "sun:03:00-sun:05:00", False),
        ("23:30-00:30", "mon:00:00-mon:01:00", True),  # Sunday's backup runs into Monday
        ("23:30-00:30", "mon:00:30-mon:01:30", False),
        ("00:00-01:00", "sun:23:30-mon:00:30", True),  # the week ends inside maintenance
        ("22:30-23:30", "sun:23:30-mon:00:30", False),
        ("12:00-11:00", "wed:11:00-wed:12:00", False),  # 23 hours, and the one that is left
        ("12:00-11:01", "wed:11:00-wed:12:00", True),
    ],
)
def test_windows_overlap_when_they_share_a_minute(
    snapshot: str, maintenance: str, overlap: bool
) -> None:
    assert snapshot_window(snapshot).overlaps(maintenance_window(maintenance)) is overlap
    assert maintenance_window(maintenance).overlaps(snapshot_window(snapshot)) is overlap
