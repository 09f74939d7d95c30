"""Log delivery as it was asked for. The rehearsal keeps it and delivers no log."""

from typing import Any

from emulator.elasticache.errors import invalid_combination
from emulator.elasticache.wire import Params

Logs = dict[str, dict[str, Any]]


def read(held: Logs, requests: list[Params]) -> Logs:
    """What is delivered after these requests. Raises InvalidParameterCombination."""
    found = dict(held)
    for request in requests:
        if request.get("Enabled") is False:
            found.pop(request["LogType"], None)
        else:
            shown = ("LogType", "DestinationType", "DestinationDetails", "LogFormat")
            found[request["LogType"]] = {key: request[key] for key in shown} | {"Status": "active"}
    targets = [str(entry["DestinationDetails"]) for entry in found.values()]
    if len(set(targets)) < len(targets):
        raise invalid_combination("slow-log and engine-log cannot go to the same destination.")
    return found
