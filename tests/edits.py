"""What users change in a copy of this project: each edit alone leaves legal files.

Where an edit needs other look-ups, cdk.context.json is as `make synth` would have left it.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

from rehearsal.checkout import Checkout

ACCOUNT, REGION = "210987654321", "eu-west-1"
PAGERDUTY = '"shop/pagerduty"'
_EXAMPLE, _EXAMPLE_REGION = "111122223333", "us-east-1"


class Copy:
    """A checkout that may be edited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = sorted((folder / "environments").glob("*.toml"))
        self._look_ups = folder / "cdk.context.json"

    def set(self, environment: str = "production", /, **values: str | None) -> None:
        """Write values as TOML into an environment's lines; None takes a line away."""
        checkout = Checkout(self.folder, environment)
        for key, value in values.items():
            if value is None:
                checkout.remove(key)
            else:
                checkout.set(key, value)

    def add(self, table: str, line: str) -> None:
        """A line below the header of a table of production."""
        file = self.folder / "environments" / "production.toml"
        text, headers = re.subn(
            rf"(?m)^(\[{re.escape(table)}\].*)$", rf"\1\n{line}", file.read_text()
        )
        assert headers == 1, table
        file.write_text(text)

    def look_up(self, *replaced: tuple[str, str]) -> None:
        """The look-ups that are there, and the same with these replacements."""
        known = json.loads(self._look_ups.read_text())
        text = json.dumps(known)
        for before, after in replaced:
            text = text.replace(before, after)
        self._look_ups.write_text(json.dumps(known | json.loads(text), indent=2) + "\n")


def five_values(copy: Copy) -> None:
    copy.set(
        account=f'"{ACCOUNT}"',
        application_security_group_name='"shop-web"',
        slack_workspace_id='"T0SHOP00001"',
        slack_channel_id='"C0SHOP00001"',
        pagerduty_secret_name=PAGERDUTY,
    )
    copy.look_up((_EXAMPLE, ACCOUNT), ("vibewell-production-app-sg", "shop-web"))


def another_account_and_region(copy: Copy) -> None:
    for file in copy.files:
        text = file.read_text().replace(_EXAMPLE, ACCOUNT).replace(_EXAMPLE_REGION, REGION)
        file.write_text(re.sub(r'"([TC])0EXAMPLE', r'"\g<1>0SHOP', text))
    for environment in ("production", "staging"):
        copy.set(environment, pagerduty_secret_name=PAGERDUTY)
    copy.look_up((_EXAMPLE, ACCOUNT), (_EXAMPLE_REGION, REGION))


def larger_nodes(copy: Copy) -> None:
    """As the warning of `make synth` says, and what synth then says."""
    copy.set(node_type='"cache.m6g.large"', cpu_credit_balance=None)


def other_limits(copy: Copy) -> None:
    copy.set(
        general="{ requests = 600, seconds = 30 }",
        mfa="{ requests = 3, seconds = 300 }",
        memory_percent="{ warning = 60, critical = 80 }",
        connections="{ warning = 900, critical = 4000 }",
        replication_lag_ms="{ warning = 250, critical = 1000 }",
        timeout_ms="2000",
        max_reconnect_attempts="3",
        instances="30",
        snapshot_window='"04:00-05:30"',
        snapshot_retention_days="21",
        maintenance_window='"mon:22:00-tue:00:00"',
        timeout="600",
        start_hour="12",
        day_of_month="3",
        hour="11",
    )


def a_second_environment(copy: Copy) -> None:
    """Production once more, beside itself in its network."""
    text = (copy.folder / "environments" / "production.toml").read_text()
    (copy.folder / "environments" / "shop.toml").write_text(text)
    copy.set(
        "shop",
        name='"shop"',
        replication_group_id='"vibewell-redis-shop"',
        subnet_group_name='"vibewell-shop-private-subnets"',
        security_group_name='"vibewell-redis-shop-sg"',
        parameter_group_name='"vibewell-redis-shop-params"',
        slack_channel_name='"#vibewell-shop-alerts"',
    )


def isolated_subnets(copy: Copy) -> None:
    copy.set(subnets='"isolated"')
    copy.look_up(('"Private"', '"Isolated"'))


def a_network_of_its_own(copy: Copy) -> None:
    copy.set(
        kind='"own"',
        subnets=None,
        application_security_group_name='"vibewell-production-app-sg"\n'
        'cidr = "10.30.0.0/20"\nzones = ["us-east-1a", "us-east-1b", "us-east-1c"]\nendpoints = []',
    )


def no_endpoints(copy: Copy) -> None:
    """Of ours, since the VPC has them."""
    copy.set(endpoints="[]")
    copy.add("rotation", 'endpoint_security_group_id = "sg-0123456789abcdef0"')


EDITS: dict[str, Callable[[Copy], None]] = {
    "the five values": five_values,
    "another account and Region": another_account_and_region,
    "m6g.large": larger_nodes,
    "three replicas": lambda copy: copy.set(replicas="3"),
    "other limits": other_limits,
    "Valkey": lambda copy: copy.set(engine='"valkey-8.0"'),
    "cluster mode": lambda copy: copy.set(cluster_mode="true", shards="3"),
    "a second environment": a_second_environment,
    "staging removed": lambda copy: (copy.folder / "environments" / "staging.toml").unlink(),
    "no PagerDuty": lambda copy: copy.set(pagerduty_secret_name=None),
    "isolated subnets": isolated_subnets,
    "a network of its own": a_network_of_its_own,
    "endpoints = []": no_endpoints,
}
