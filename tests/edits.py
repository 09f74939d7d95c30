"""What users change in a copy of this project: each edit alone leaves legal files.

Where an edit needs other look-ups, cdk.context.json is as `make synth` would leave it.
"""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import tomli_w

from tests.support import Document
from tests.variants import ABSENT, LARGE, REAL, SHARDED, Change, changed

ACCOUNT, REGION = "210987654321", "eu-west-1"
_EXAMPLE = "111122223333"
FIVE_VALUES = REAL | {
    "environment.account": ACCOUNT,
    "network.vpc.application_security_group_name": "shop-web",
}
OWN_ENDPOINTS = {
    "rotation.endpoints": [],
    "rotation.endpoint_security_group_id": "sg-0123456789abcdef0",
}


class Copy:
    """A checkout that may be edited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.look_ups = folder / "cdk.context.json"

    def file(self, environment: str) -> Path:
        return self.folder / "environments" / f"{environment}.toml"

    def document(self, environment: str) -> Document:
        return tomllib.loads(self.file(environment).read_text())

    def change(self, change: Change, environment: str = "production", to: str = "") -> None:
        """Write the changed file of an environment, or another environment's beside it."""
        document = changed(self.document(environment), change)
        self.file(to or environment).write_text(tomli_w.dumps(document))

    def look_up(self, *replaced: tuple[str, str]) -> None:
        """The look-ups that are there, and the same with these replacements."""
        known = json.loads(self.look_ups.read_text())
        text = json.dumps(known)
        for before, after in replaced:
            text = text.replace(before, after)
        self.look_ups.write_text(json.dumps(known | json.loads(text), indent=2) + "\n")


def five_values(copy: Copy) -> None:
    copy.change(FIVE_VALUES)
    copy.look_up((_EXAMPLE, ACCOUNT), ("vibewell-production-app-sg", "shop-web"))


def another_account_and_region(copy: Copy) -> None:
    there = {"environment.account": ACCOUNT, "environment.region": REGION}
    for number, name in enumerate(("production", "staging", "development")):
        wanted = {
            key: REAL[key] for key in REAL if key.rpartition(".")[2] in str(copy.document(name))
        }
        channel = {"notifications.slack_channel_id": f"C1234567{number}"}
        copy.change(wanted | channel | there, name)
    copy.change({"network.vpc.zones": [f"{REGION}a", f"{REGION}b"]}, "development")
    copy.look_up((_EXAMPLE, ACCOUNT), ("us-east-1", REGION))


def isolated_subnets(copy: Copy) -> None:
    for name in ("production", "staging"):
        copy.change({"network.vpc.subnets": "isolated"}, name)
    copy.look_up(('"Private"', '"Isolated"'))


def _change(change: Change) -> Callable[[Copy], None]:
    return lambda copy: copy.change(change)


EDITS: dict[str, Callable[[Copy], None]] = {
    "the five values": five_values,
    "another account and Region": another_account_and_region,
    # As the warning of `make synth` says, and what synth then asks for.
    "m6g.large": _change(LARGE),
    "three replicas": _change({"redis.replicas": 3}),
    "other limits": _change(
        {
            "application.rate_limits.general": {"requests": 600, "seconds": 30},
            "application.rate_limits.mfa": {"requests": 3, "seconds": 300},
            "application.timeout_ms": 2000,
            "application.instances": 30,
            "alarms.memory_percent": {"warning": 60, "critical": 80},
            "alarms.connections": {"warning": 900, "critical": 4000},
            "alarms.replication_lag_ms": {"warning": 250, "critical": 1000},
            "redis.parameters.timeout": 600,
            "redis.snapshot_window": "04:00-05:30",
            "redis.snapshot_retention_days": 21,
            "redis.maintenance_window": "mon:22:00-tue:00:00",
            "rotation.start_hour": 12,
            "recovery.time_objective_minutes": 45,
        }
    ),
    "Valkey": _change({"redis.engine": "valkey-8.0"}),
    # As the other warning says. No rehearsal has it: it takes 7.0 and says so.
    "Redis 7.1": _change({"redis.engine": "redis-7.1"}),
    "cluster mode": _change(SHARDED),
    "a second environment": lambda copy: copy.change(
        {
            "environment.name": "shop",
            "network.subnet_group_name": "vibewell-shop-private-subnets",
            "network.security_group_name": "vibewell-redis-shop-sg",
            "redis.replication_group_id": "vibewell-redis-shop",
            "redis.parameter_group_name": "vibewell-redis-shop-params",
            "application.server_tag.value": "shop",
            "notifications.slack_channel_name": "#vibewell-shop-alerts",
            "notifications.slack_channel_id": "C0123456789",
        },
        to="shop",
    ),
    "staging removed": lambda copy: copy.file("staging").unlink(),
    "no PagerDuty": _change({"notifications.pagerduty_secret_name": ABSENT}),
    "isolated subnets": isolated_subnets,
    "a network of its own": _change(
        {
            "network.vpc": {
                "kind": "own",
                "vpc_name": "vibewell-production-vpc",
                "application_security_group_name": "vibewell-production-app-sg",
                "cidr": "10.30.0.0/20",
                "zones": ["us-east-1a", "us-east-1b", "us-east-1c"],
                "endpoints": [],
            }
        }
    ),
    "endpoints = []": _change(OWN_ENDPOINTS),
}
