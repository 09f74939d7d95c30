"""The application's instances, each a uvicorn of its own that all users share."""

import http.client
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from emulator.nodes.waiting import until
from environments.load import load
from rehearsal.common.errors import RehearsalError
from rehearsal.load.context import Stage
from rehearsal.load.machine import shared_out
from rehearsal.load.plan import Plan, Tier
from rehearsal.load.programs import Program

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
