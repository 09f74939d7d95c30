"""Titles and units of the measures, by the names of their alarms."""

NAMES = {
    "cpu-credits": ("CPU credits", ""),
    "engine-cpu": ("Engine CPU", "%"),
    "event-errors": ("Events not passed on", ""),
    "events-unread": ("Events unread", ""),
    "evictions": ("Evictions", "keys"),
    "health-failed": ("Health checks failed", ""),
    "health-login": ("Health logins failed", ""),
    "hit-rate": ("Hit rate", "%"),
    "host-cpu": ("Host CPU", "%"),
    "memory": ("Memory", "%"),
    "network-allowance": ("Packets over allowance", ""),
    "network-in": ("Network in", "Mbit/s"),
    "network-out": ("Network out", "Mbit/s"),
    "old-token": ("Old token not retired", "hours"),
    "replication-lag": ("Replication lag", "ms"),
    "rotation-unfinished": ("Rotation unfinished", "hours"),
    "serious-event": ("Serious events", ""),
    "swap": ("Swap", "MiB"),
    "token-age": ("Token age", "days"),
}


def shown(name: str) -> tuple[str, str]:
    """Title and unit; a figure that nobody named is called as its alarm is."""
    return NAMES.get(name, (name.replace("-", " ").capitalize(), ""))
