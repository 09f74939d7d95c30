"""What applications install: the wheel has all that the package needs, and nothing else."""

import json
import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from flit_core import buildapi

from emulator.clean_environment import run_command
from emulator.fixtures import Nodes
from tests.client.conftest import MakeSettings, Start, variables
from tests.support import ROOT

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


def test_greenlets_share_a_limiter_and_others_go_on(settings: MakeSettings, nodes: Nodes) -> None:
    settings()
    done = run_command(
        [ROOT / ".venv-benchmarks/bin/python", "-c", GREENLETS],
        environment={
            "PYTHONPATH": str(ROOT / "client"),
            "SSL_CERT_FILE": os.environ["SSL_CERT_FILE"],
        },
        stdin=json.dumps(variables(nodes.primary_url, nodes.token)),
        seconds=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["redis"], True, "redis"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as place:
        place.chdir(ROOT / "client")
        return folder / str(buildapi.build_wheel(str(folder)))


def test_the_wheel_holds_the_package_its_script_and_its_types_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    folder = ROOT / "client" / "vibewell_redis"
    files = {
        str(path.relative_to(ROOT / "client"))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == files
    assert "vibewell_redis/scripts/sliding_window.lua" in names
    assert "vibewell_redis/py.typed" in names


def test_a_bundle_without_the_script_says_how_to_add_it(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "vibewell_redis/scripts/sliding_window.lua").unlink()
    done = run_command(
        [sys.executable, "-c", "import vibewell_redis.asyncio"],
        environment={"PYTHONPATH": str(tmp_path)},
        seconds=60,
    )
    assert "with --collect-data vibewell_redis" in done.stderr.splitlines()[-1]


def test_it_is_imported_without_the_aws_sdk() -> None:
    program = (
        "import sys; import vibewell_redis, vibewell_redis.asyncio, vibewell_redis.asgi;"
        "sys.exit(sum(name in sys.modules for name in ('boto3', 'botocore')))"
    )
    environment = {"PYTHONPATH": str(ROOT / "client")}
    assert not run_command([sys.executable, "-c", program], environment=environment).returncode


# What the wheel runs under. Those that are there as wheels for every platform of the tests.
SERVERS = [
    *("gunicorn==23.0.0", "pyuwsgi==2.0.30.post1", "gevent==26.9.0", "celery==5.7.0"),
    *("redis==8.1.0", "hiredis==3.5.0"),
]
WSGI = """
from vibewell_redis import RateLimiter, Settings
from vibewell_redis.wsgi import RateLimitMiddleware
limiter = RateLimiter.from_settings(Settings.from_environment(), deadline=5)
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"yes"]
application = RateLimitMiddleware(app, limiter=limiter, tiers=lambda _: "mfa")
assert limiter.hit("general", user="before the fork").source == "redis"
"""
CELERY = """
from celery import Celery
from vibewell_redis import RateLimiter, Settings
app = Celery("tasks", broker="filesystem://", backend="file://results")
app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue"}
limiter = RateLimiter.from_settings(Settings.from_environment(), deadline=5)
@app.task
def export(number):
    decision = limiter.hit("mfa", user="alice")
    return [bool(decision), decision.source]
"""
ASK = """
from limited import export
print([one.get(timeout=60) for one in [export.delay(n) for n in range(8)]])
"""


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel and what serves it, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    uv = str(Path(sys.executable).with_name("uv"))
    python = ["--python", str(folder / "bin/python"), "--only-binary", ":all:"]
    for command in (["venv", str(folder)], ["pip", "install", *python, str(wheel), *SERVERS]):
        subprocess.run([uv, *command], check=True, timeout=600, capture_output=True)
    return folder / "bin"


@contextmanager
def running(
    start: Start, tmp_path: Path, command: list[str | Path], module: str
) -> Iterator[dict[str, str]]:
    """A program of such an environment in a folder with this module, on nodes of its own."""
    (tmp_path / "limited.py").write_text(module)
    for folder in ("queue", "results"):
        (tmp_path / folder).mkdir()
    group = start(replicas=0)
    url = f"rediss://{group.endpoints.primary}:{group.spec.port}"
    environment = variables(url, group.passwords[-1], SSL_CERT_FILE=os.environ["SSL_CERT_FILE"])
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            list(map(str, command)), cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
        try:
            yield environment
        except BaseException:
            print((tmp_path / "log").read_text())
            raise
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.mark.long
@pytest.mark.parametrize(
    "server",
    [
        "gunicorn --workers 2 --bind {at} limited",
        "gunicorn --workers 2 --preload --bind {at} limited",
        "gunicorn --workers 2 --worker-class gevent --bind {at} limited",
        "gunicorn --workers 2 --threads 4 --bind {at} limited",
        "uwsgi --master --die-on-term --processes 2 --http-socket {at} --module limited",
        "uwsgi --master --die-on-term --enable-threads --threads 4 --http-socket {at} -w limited",
    ],
)
def test_the_wheel_limits_under_every_server(
    start: Start, programs: Path, tmp_path: Path, server: str
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{free.getsockname()[1]}"
    name, *options = server.format(at=at).split()
    with running(start, tmp_path, [programs / name, *options], WSGI):
        until, answers = time.monotonic() + 60, list[int]()
        while len(answers) < 9:
            try:
                answers.append(requests.get(f"http://{at}/", timeout=30).status_code)
            except requests.ConnectionError:
                assert time.monotonic() < until, "it does not serve"
                time.sleep(0.1)  # the server does not say when it listens
    assert answers == [200] * 5 + [429] * 4


@pytest.mark.long
@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent"])
def test_the_wheel_limits_celery(start: Start, programs: Path, tmp_path: Path, pool: str) -> None:
    command: list[str | Path] = [programs / "celery", *f"-A limited worker -P {pool} -c 2".split()]
    with running(start, tmp_path, command, CELERY) as environment:
        asked: list[str | Path] = [programs / "python", "-c", ASK]
        done = run_command(asked, tmp_path, environment=environment, seconds=120)
    # What a process knows to be full it denies from memory.
    denied, admitted = done.stdout.count("[False, "), done.stdout.count("[True, 'redis']")
    assert (denied, admitted, "fallback" in done.stdout) == (3, 5, False), done.stderr
