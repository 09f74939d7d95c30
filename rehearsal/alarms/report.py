"""The table that says of each alarm how it was driven."""

from collections.abc import Iterable, Mapping

from rehearsal.alarms.table import Drive

_HEAD = (
    "alarm",
    "minutes",
    "really",
    "published by each node alone",
    "no node publishes",
    "notified",
)
_NAMES = {"slack": "Slack", "pagerduty": "PagerDuty"}


def table(drives: Iterable[Drive], minutes: Mapping[str, int]) -> str:
    """One line an alarm; `minutes` is how long each took to speak, on CloudWatch's clock."""
    rows = [_HEAD, *(_row(drive, minutes[drive.name]) for drive in drives)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def _row(drive: Drive, minutes: int) -> tuple[str, ...]:
    return (
        drive.name,
        str(minutes),
        drive.real.words if drive.real else "-",
        _published(drive),
        drive.silent,
        ", ".join(_NAMES[service] for service in drive.services),
    )


def _published(drive: Drive) -> str:
    if not drive.beyond:
        return "nothing: its metrics are held back"
    return "; or ".join(
        ", ".join(f"{metric} {value:.10g}" for metric, value in values.items())
        for values in drive.beyond
    )
