"""Nothing is left behind, however a rehearsal ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from emulator.engines import ROOT, obtain
from emulator.nodes.waiting import until

PROGRAM = """
import json, sys, signal
from pathlib import Path
from emulator.engines import obtain
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group
from emulator.nodes.spec import GroupSpec
# In the background of a shell a program is started with it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
with NodeContext(Path(sys.argv[1])) as node_context:
    group = Group(GroupSpec("left", obtain("redis", "6.2"), replicas=1), node_context)
    try:
        print(json.dumps({
            "addresses": [*group.endpoints.names, *(node.address for node in group.members)],
            "pids": [node.server.pid for node in group.shards[0].nodes],
        }), flush=True)
        sys.stdin.read()
    finally:
        group.stop()
"""


@contextmanager
def rehearsal(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    obtain("redis", "6.2")
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        left = json.loads(process.stdout.readline())
        assert (len(left["pids"]), len(left["addresses"])) == (2, 4), "a primary and a replica"
        yield process, left
    finally:
        process.kill()
        process.communicate()


def listens(address: str) -> bool:
    with socket.socket() as client:
        return client.connect_ex((address, 6379)) == 0


def runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_process_and_no_listener_survives_its_rehearsal(
    number: signal.Signals, tmp_path: Path
) -> None:
    with rehearsal(tmp_path) as (process, left):
        assert all(listens(address) for address in left["addresses"])
        assert all(runs(pid) for pid in left["pids"])
        os.kill(process.pid, number)
        process.wait(timeout=180)
        until(lambda: not any(map(runs, left["pids"])), 60, "servers gone")
        until(lambda: not any(map(listens, left["addresses"])), 60, "addresses free")


def test_two_rehearsals_run_at_once(tmp_path: Path) -> None:
    with rehearsal(tmp_path / "one") as (_, first), rehearsal(tmp_path / "two") as (_, second):
        assert set(first["addresses"]).isdisjoint(second["addresses"])
        assert all(listens(address) for address in first["addresses"] + second["addresses"])
