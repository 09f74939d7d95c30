"""The limiter for threads where threads are something else: under gevent's monkey-patching."""

import json
import os
import subprocess
from collections.abc import Callable

from emulator.fixtures import Nodes
from tests.client.conftest import variables
from tests.support import ROOT
from vibewell_redis import Settings

GREENLETS = """
from gevent import monkey
for part in ("socket", "ssl", "thread", "time", "select"):
    getattr(monkey, f"patch_{part}")()  # each part searches all installed packages: seconds
import json, sys, time, gevent
from vibewell_redis import RateLimiter, Settings
settings = Settings.from_environment(json.loads(sys.stdin.read()))
limiters = [RateLimiter.from_settings(settings, deadline=5, prefix=f"greenlets{n}") for n in (1, 2)]
ticks = []
def tick():
    while True:
        ticks.append(time.monotonic())
        gevent.sleep(0.01)
ticking = gevent.spawn(tick)
def work(number):
    for turn in range(20):
        for limiter in limiters:
            yield limiter.hit("general", user=f"{number}:{turn}").source
jobs = [gevent.spawn(lambda number=number: list(work(number))) for number in range(20)]
gevent.joinall(jobs, timeout=20, raise_error=True)
with gevent.Timeout(0.001, False):
    while True:
        limiters[0].hit("general", user="ended")
print(json.dumps([
    sorted({source for job in jobs for source in job.value}), len(ticks) > 3,
    limiters[0].hit("general", user="later").source,
]))
"""


def test_greenlets_share_a_limiter_and_others_go_on(
    settings: Callable[..., Settings], nodes: Nodes
) -> None:
    settings()
    done = subprocess.run(
        [ROOT / ".venv-trials/bin/python", "-c", GREENLETS],
        input=json.dumps(variables(nodes.primary_url, nodes.token)),
        env={"PYTHONPATH": str(ROOT / "client"), "SSL_CERT_FILE": os.environ["SSL_CERT_FILE"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["redis"], True, "redis"]
