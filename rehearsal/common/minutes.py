"""`minutes` in a kept rehearsal's shell: ten minutes of CloudWatch, with figures to practise on.

usage: minutes [METRIC=VALUE ...], for example minutes SwapUsage=100000000

What the nodes measure is published for each of the last ten minutes; the given figures are the
first node's. Then the alarms on nodes are evaluated, and those that fire are printed.
"""

import json
import os
import sys
import time
from typing import Any
from urllib.request import urlopen

import boto3

from emulator.cloudwatch.evaluation import State
from emulator.cloudwatch.evaluator import MINUTE, Evaluator
from emulator.cloudwatch.publisher import NAMESPACE, Publisher

_MINUTES = 10


def of_nodes(cloudwatch: Any) -> Evaluator:
    """Of the alarms on nodes: our functions' schedules do not run by themselves here."""
    found = Evaluator(cloudwatch).alarms()
    ours = [a.name for a in found if {s.namespace for s in a.stats.values()} == {NAMESPACE}]
    return Evaluator(cloudwatch, ours)


def main(group: str, figures: list[str]) -> int:
    """Publish and evaluate; 2 for what is no figure."""
    try:
        given = {name: float(value) for name, value in (one.split("=") for one in figures)}
    except ValueError:
        print("minutes: write METRIC=NUMBER, for example SwapUsage=100000000", file=sys.stderr)
        return 2
    cloudwatch, cache = boto3.client("cloudwatch"), boto3.client("elasticache")
    (found,) = cache.describe_replication_groups(ReplicationGroupId=group)["ReplicationGroups"]
    with urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/_rehearsal/metrics") as answer:  # noqa: S310 - ours
        read = json.load(answer)
    publisher = Publisher(cloudwatch, lambda: read, group)
    publisher.instead = {(found["MemberClusters"][0], name): one for name, one in given.items()}
    now = int(time.time()) // MINUTE * MINUTE
    for number in range(_MINUTES):
        publisher.publish(now - number * MINUTE)
    states = of_nodes(cloudwatch).evaluate(now + MINUTE)
    firing = [name for name, state in sorted(states.items()) if state is State.ALARM]
    print("\n".join(firing) if firing else "No alarm on nodes fires.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
