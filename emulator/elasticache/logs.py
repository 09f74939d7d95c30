"""Log delivery as it was asked for. The rehearsal keeps it and delivers no log."""

from typing import Any

from emulator.elasticache.errors import invalid_combination, invalid_value
from emulator.elasticache.versions import Version
from emulator.elasticache.wire import Params

Logs = dict[str, dict[str, Any]]

# The first version that has each log (user guide, "Log delivery").
SINCE = {"slow-log": (0, 6, 0), "engine-log": (0, 6, 2)}
DESTINATIONS = {
    "cloudwatch-logs": ("CloudWatchLogsDetails", "LogGroup"),
    "kinesis-firehose": ("KinesisFirehoseDetails", "DeliveryStream"),
}


def read(held: Logs, requests: list[Params], version: Version) -> Logs:
    """What is delivered after these requests. Raises InvalidParameterValue or ...Combination."""
    found = dict(held)
    for request in requests:
        kind = request.get("LogType")
        if kind not in SINCE:
            raise invalid_value(f"Invalid log type: {kind}.")
        if request.get("Enabled") is False:
            found.pop(kind, None)
            continue
        if version.rank < SINCE[kind]:
            raise invalid_combination(f"{kind} is not supported for version {version.text}.")
        found[kind] = _configuration(kind, request)
    targets = [_target(entry) for entry in found.values()]
    if len(set(targets)) < len(targets):
        raise invalid_combination("slow-log and engine-log cannot go to the same destination.")
    return found


def _configuration(kind: str, request: Params) -> dict[str, Any]:
    destination = request.get("DestinationType")
    if destination not in DESTINATIONS:
        raise invalid_value(f"Invalid destination type: {destination}.")
    form = request.get("LogFormat")
    if form not in ("json", "text"):
        raise invalid_value(f"Invalid log format: {form}.")
    part, name = DESTINATIONS[destination]
    details = request.get("DestinationDetails") or {}
    target = (details.get(part) or {}).get(name)
    if target is None:
        raise invalid_value(f"{destination} needs DestinationDetails with {part}.")
    return {
        "LogType": kind,
        "DestinationType": destination,
        "DestinationDetails": {part: {name: target}},
        "LogFormat": form,
        "Status": "active",
    }


def _target(entry: dict[str, Any]) -> str:
    part, name = DESTINATIONS[entry["DestinationType"]]
    return str(entry["DestinationDetails"][part][name])
