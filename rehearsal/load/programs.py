"""Processes of the load test, the application's instances among them; each ends with it."""

import http.client
import os
import platform
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from emulator.clean_environment import ROOT, run_command
from emulator.engines import processor
from emulator.nodes.waiting import until
from environments.load import load
from rehearsal.common.errors import RehearsalError
from rehearsal.common.program import Program
from rehearsal.load.context import Stage
from rehearsal.load.plan import Plan, Tier

PYTHON = ROOT / ".venv-benchmarks" / "bin" / "python"
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


def program(
    name: str,
    words: Sequence[str],
    variables: Mapping[str, str],
    folder: Path,
    cores: Collection[int] = (),
) -> Program:
    """`python -m <words>` in the environment of the load test's own."""
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT}/client"}
    command = [str(PYTHON), "-m", *words]
    return Program(name, command, {**base, **variables}, folder, cores=cores)


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
                program(
                    f"application-{number}",
                    ["rehearsal.load.serve", application],
                    variables,
                    stage.folder,
                    shared_out()[0],
                )
            )
            for number in range(1, plan.instances + 1)
        ]
        for one in programs:
            one.say(stage.given.token)
        ports = [int(one.hear()) for one in programs]
        for one, port in zip(programs, ports, strict=True):
            until(partial(_answers, one, port), _READY, f"{one.name} answers")
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
