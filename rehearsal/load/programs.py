"""Processes of the load test, the application's instances among them; each ends with it."""

import http.client
import os
import platform
import select
import signal
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Self

from emulator.clean_environment import run_command
from emulator.engines import processor
from emulator.nodes.waiting import until
from environments.load import load
from rehearsal.common.errors import RehearsalError
from rehearsal.load.context import Stage
from rehearsal.load.plan import Plan, Tier

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-benchmarks" / "bin" / "python"
_GRACE = 10.0  # seconds until a process that was asked to end is killed


class Program:
    """`python -m <words>` in the trials' environment; what it complains of is in a file.

    As a context it is ended, first kindly. `variables` are all that it sees of the environment.
    With `cores` it runs on those alone.
    """

    def __init__(
        self,
        name: str,
        words: list[str],
        variables: Mapping[str, str],
        folder: Path,
        cores: Collection[int] = (),
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", str(PYTHON), "-m", *words],
                cwd=ROOT,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": f"{ROOT}:{ROOT}/client",
                    **variables,
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        if cores:
            os.sched_setaffinity(self._process.pid, cores)

    def __enter__(self) -> Self:
        """The program itself."""
        return self

    def __exit__(self, *raised: object) -> None:
        """End it, whatever happened."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_GRACE if raised[0] is None else 1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, by itself, before so many seconds are over."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def say(self, line: str) -> None:
        """Write a line to its standard input. Raises RehearsalError if it has ended."""
        pipe = self._process.stdin
        try:
            if pipe is None:
                raise BrokenPipeError
            pipe.write(line + "\n")
            pipe.flush()
        except BrokenPipeError:
            raise RehearsalError(self.last_words()) from None

    def hear(self, seconds: float) -> str:
        """The next line that it prints. Raises RehearsalError if there is none in time."""
        pipe = self._process.stdout
        line = ""
        if pipe is not None and select.select([pipe], [], [], seconds)[0]:
            line = pipe.readline()
        if not line:
            raise RehearsalError(self.last_words())
        return line.strip()

    def wait(self, seconds: float) -> None:
        """Wait for its end. Raises RehearsalError if it does not end well, or in time."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise RehearsalError(f"{self.name} did not end in {seconds:g} s") from None
        if code:
            raise RehearsalError(self.last_words())

    def last_words(self) -> str:
        """What it said last, for an error's text."""
        said = self.log.read_text(errors="replace").strip().splitlines()
        return f"{self.name}: {said[-1] if said else 'it ended, or fell silent, without a word'}"


_IN_THE_TRIALS = ("locust", "starlette", "uvicorn", "redis", "hiredis", "uvloop", "httptools")


def shared_out() -> tuple[set[int], set[int]]:
    """The application's cores and the generator's, so that neither pays for the other.

    The generator has the last one alone; on a single core both are empty: they share it.
    """
    there = sorted(os.sched_getaffinity(0))
    return set(there[:-1]), set(there[-1:] if there[1:] else ())


def machine() -> dict[str, str]:
    """Cores, memory, kernel and versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": f"{os.cpu_count()}, {processor()}",
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "Python": f"{platform.python_version()}, redis {version('redis')}",
    } | _versions()


def _versions() -> dict[str, str]:
    ask = "import sys;from importlib.metadata import version as v;print(*map(v,sys.argv[1:]))"
    told = run_command([str(PYTHON), "-c", ask, *_IN_THE_TRIALS], seconds=120, check=True)
    return dict(zip(_IN_THE_TRIALS, told.stdout.split(), strict=True))


EXAMPLE = "example.app:create"
_HEALTH = "/healthz"
PATHS = {
    "general": "/",
    "auth": "/login",
    "sensitive": "/search",
    "admin": "/admin",
    "mfa": "/mfa",
    "financial": "/payments",
}
_READY = 120.0  # seconds
# The trusted proxies: the generator plays the load balancer.
_LOOPBACK = "127.0.0.0/8"


@dataclass(frozen=True)
class Instances:
    """Running programs, and the port that each listens on."""

    programs: list[Program]
    ports: list[int]

    @property
    def urls(self) -> list[str]:
        """Where each is."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]


@contextmanager
def instances(stage: Stage, plan: Plan, application: str = EXAMPLE) -> Iterator[Instances]:
    """Start them, wait until they answer, end them. Raises RehearsalError if one does not."""
    variables = settings(stage, plan)
    with ExitStack() as running:
        programs = [
            running.enter_context(
                Program(
                    f"application-{number}",
                    ["rehearsal.load.serve", application],
                    variables,
                    stage.folder,
                    shared_out()[0],
                )
            )
            for number in range(1, plan.instances + 1)
        ]
        for program in programs:
            program.say(stage.given.token)
        ports = [int(program.hear(_READY)) for program in programs]
        for program, port in zip(programs, ports, strict=True):
            until(partial(_answers, program, port), _READY, f"{program.name} answers")
        yield Instances(programs, ports)


def settings(stage: Stage, plan: Plan) -> dict[str, str]:
    """What production publishes for its applications, but for the token and where Redis is."""
    application = load("production").application
    limits = {f"RATE_LIMIT_{tier.upper()}": f"{n},{s}" for tier, (n, s) in plan.tiers.items()}
    return limits | {
        "REDIS_ENABLED": "true",
        "REDIS_URL": stage.given.primary_url,
        "REDIS_TLS": "true",
        "REDIS_TIMEOUT": str(application.timeout_ms),
        "REDIS_MAX_RECONNECT_ATTEMPTS": str(application.max_reconnect_attempts),
        "REDIS_POOL_SIZE": str(application.pool_size),
        "REDIS_POOL_IDLE_SECONDS": str(application.pool_idle_seconds),
        "REDIS_INSTANCES": str(plan.instances),
        "RATE_LIMIT_DEADLINE_MS": str(plan.deadline_ms),
        "SSL_CERT_FILE": str(stage.given.ca_file),
        "TRUSTED_PROXIES": _LOOPBACK,
    }


def production_tiers() -> dict[str, Tier]:
    """The limits of production's plan tiers, each its shortest window."""
    limits = load("production").application.rate_limits
    windows = {name: getattr(limits, name)[0] for name in type(limits).model_fields}
    return {name: (window.requests, window.seconds) for name, window in windows.items()}


def _answers(program: Program, port: int) -> bool:
    if not program.running:
        raise RehearsalError(program.last_words())
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", _HEALTH)
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()
