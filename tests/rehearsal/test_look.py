"""Each `make look` on a deployment: it says what was planted, and nothing that names a user."""

import json
import re
import time

import pytest

from rehearsal.common import commands
from rehearsal.common.deployed import Deployed
from rehearsal.common.rehearsal import Rehearsal
from tools.look import LOOKS

pytestmark = pytest.mark.plan("8")

SLOW = "/vibewell/production/redis/slow-log"
CONNECTIONS = 12
NAMES = ("user:ann", "anns-laptop")


def planted(rehearsal: Rehearsal) -> None:
    """A slow command, as ElastiCache writes it, with a user's key."""
    logs, stream = rehearsal.aws("logs"), f"look-{time.time_ns()}"
    logs.create_log_stream(logGroupName=SLOW, logStreamName=stream)
    entry = {
        "CacheClusterId": "vibewell-redis-001",
        "Timestamp": int(time.time()),
        "Duration (us)": 25_000,
        "Command": f"KEYS {NAMES[0]}* ... (1 more arguments)",
        "ClientAddress": "10.0.0.1:5",
        "ClientName": NAMES[1],
    }
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName=SLOW,
        logStreamName=stream,
        logEvents=[{"timestamp": now, "message": json.dumps(entry)}],
    )


@pytest.mark.parametrize("alarm", LOOKS)
def test_it_shows_node_figures_cause_fix_and_no_name(alarm: str, deployed: Rehearsal) -> None:
    here = Deployed.of(deployed)
    planted(deployed)
    held = [here.connect() for _ in range(CONNECTIONS)]
    try:
        for redis in held:
            redis.client_setname(NAMES[1])
            redis.set(NAMES[0], "1", ex=60)
        said = commands.printed(deployed, commands.module("tools.look", "production", alarm))
    finally:
        for redis in held:
            redis.close()
    shown = ("Node: vibewell-redis-00", "1 h ago", "Events of a day:", "Fix: ", "Done when: ")
    for words in (*shown, "Dashboard: ", f"Alarm: vibewell-redis-production-{alarm}-", "replica  "):
        assert words in said
    assert not any(secret in said for secret in (*NAMES, here.token))
    look = LOOKS[alarm]
    if look.question:
        names, roles = re.findall(rf"^Redis, {look.question} +(.*)\n +(.*)$", said, re.M)[0]
        assert names.split() == sorted(here.nodes)
        assert sorted(roles.split()) == ["primary", "replica", "replica"]
    if look.question == "clients":
        counts = re.findall(r"^  127\.\S+((?: +[\d-]+)+)$", said, re.M)
        assert max(int(one) for row in counts for one in row.split() if one != "-") >= CONNECTIONS
        assert re.search(r"\d addresses are connected.*Planned are 40 x 20 connections", said)
    if alarm == "connections":
        assert re.search(r"Fix: .*`aws ec2 reboot-instances .*Values=127\.", said)
    if look.question == "memory":
        assert "used_memory_dataset" in said
    if look.slow:
        assert "KEYS " in said
        assert "25 ms at most" in said
