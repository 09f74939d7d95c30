"""One run: nodes, application, users, two losses, and all that was measured."""

import http.client
import json
import logging
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from emulator.bare_nodes import Nodes, started
from emulator.clean_environment import ROOT
from emulator.nodes.node import Node
from emulator.nodes.waiting import until
from environments.load import load
from rehearsal.common.errors import RehearsalError
from rehearsal.common.program import Program
from rehearsal.common.rehearsal import instead_of_the_users
from rehearsal.load.outcome import Asked, Holding, Loss, Outcome, Sample, held
from rehearsal.load.plan import Answer, Key, Order, Plan, Tier, clients
from rehearsal.load.sockets import open_at
from vibewell_redis import RateLimiter, Settings, tls

PYTHON = ROOT / ".venv-benchmarks" / "bin" / "python"
EXAMPLE = "example.app:create"
PATHS = {
    "general": "/",
    "auth": "/login",
    "sensitive": "/search",
    "admin": "/admin",
    "mfa": "/mfa",
    "financial": "/payments",
}
CHARTS = ROOT / "build" / "loadtest.html"  # locust's own: rates and times as the users saw them
_LOCUSTFILE = Path(__file__).with_name("locustfile.py")
# Longer than any request waits: what was sent is answered and written down.
_STOP = 12  # seconds
_OTHER_FILES = 100
_READY = 120.0  # seconds
_LATE = 180.0  # seconds that the generator may take to end
_EVERY = 0.25  # seconds between two looks at the generator
_GONE = 30.0  # seconds
_WHOLE = 120.0  # seconds until the node is replaced
_ANSWERS = 10.0  # seconds

Say = Callable[[str], None]
Prepare = Callable[[Nodes], None]


def production_tiers() -> dict[str, Tier]:
    """The limits of production's plan tiers, each its shortest window."""
    limits = load("production").application.rate_limits
    windows = {name: getattr(limits, name)[0] for name in type(limits).model_fields}
    return {name: (window.requests, window.seconds) for name, window in windows.items()}


def run(
    plan: Plan,
    say: Say = print,
    *,
    application: str = EXAMPLE,
    prepare: Prepare = lambda _nodes: None,
) -> Outcome:
    """Everything that it starts has ended when it returns. Raises RehearsalError, TimeoutError.

    `prepare` may change the nodes before anybody comes, and `application` be another one: so that
    every judgement can be seen to fail.
    """
    with ExitStack() as context:
        folder = Path(context.enter_context(TemporaryDirectory(prefix="loadtest-")))
        nodes = context.enter_context(started(folder / "nodes"))
        prepare(nodes)
        ports = context.enter_context(_instances(nodes, plan, folder, application))
        say(f"  3 nodes and {plan.instances} instances of the application run")
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        records = folder / "records"
        order = Order(plan, time.monotonic(), urls, PATHS, str(records))
        generator = context.enter_context(_generator(order, folder))
        samples = context.enter_context(_sampled(order.begin, ports, generator.pid))
        wait = partial(_wait, generator, order)
        wait(plan.replica_lost)
        replica = _lose(nodes, order, nodes.group.shards[0].replicas[0], say)
        wait(plan.primary_lost)
        asked: list[Asked] = []
        safe = _replicated(nodes, order.begin)
        ask = lambda: asked.extend(_asked(nodes, order))  # noqa: E731
        primary = _lose(nodes, order, _primary(nodes), say, silence=plan.silence, promoted=ask)
        wait(plan.end)
        generator.output(_LATE)
        answers = [Answer(*json.loads(line)) for line in records.read_text().splitlines()]
        return Outcome(
            plan=plan,
            answers=sorted(answers),
            samples=[one for one in samples if one.at < plan.end],
            replica=replica,
            primary=replace(primary, replicated_until=safe),
            asked=asked,
        )


def _wait(generator: Program, order: Order, due: float) -> None:
    while (now := time.monotonic() - order.begin) < due:
        if not generator.running:
            if due < order.plan.end:
                raise RehearsalError(generator.last_words())
            return
        time.sleep(min(_EVERY, due - now))


def _program(
    name: str, words: Sequence[str], variables: dict[str, str], folder: Path, cores: set[int]
) -> Program:
    """`python -m <words>` in the environment of the benchmarks."""
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT}/client"}
    return Program(name, [str(PYTHON), "-m", *words], base | variables, folder, cores=cores)


def _shared_out() -> tuple[set[int], set[int]]:
    """The application's cores and the generator's, so that neither pays for the other.

    The generator has the last one alone; on a single core both are empty: they share it.
    """
    there = sorted(os.sched_getaffinity(0))
    return set(there[:-1]), set(there[-1:] if there[1:] else ())


def _generator(order: Order, folder: Path) -> Program:
    """Started; it ends by itself when the plan does.

    Raises RehearsalError if this machine lets no process hold as many connections.
    """
    plan = order.plan
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < plan.users + _OTHER_FILES:
        raise RehearsalError(
            f"a process may open {most} files here, and {plan.users} users need "
            f"{plan.users + _OTHER_FILES}: raise the hard limit of ulimit -n"
        )
    words = [
        *("locust", "--locustfile", str(_LOCUSTFILE), "--headless", "--only-summary"),
        *("--host", order.urls[0], "--users", str(plan.users)),
        *("--spawn-rate", f"{plan.spawn_rate:g}", "--run-time", f"{plan.end:g}s"),
        *("--stop-timeout", str(_STOP), "--loglevel", "WARNING"),
        *("--html", str(CHARTS)),
        # Refused and failed requests are judged here, not there.
        *("--exit-code-on-error", "0"),
    ]
    return _program("generator", words, {"LOAD": order.text()}, folder, _shared_out()[1])


@contextmanager
def _instances(nodes: Nodes, plan: Plan, folder: Path, application: str) -> Iterator[list[int]]:
    """The ports of the application's instances. Raises RehearsalError if one does not answer."""
    words, variables = ["rehearsal.load.serve", application], _settings(nodes, plan)
    with ExitStack() as running:
        programs = []
        for number in range(1, plan.instances + 1):
            one = _program(f"application-{number}", words, variables, folder, _shared_out()[0])
            programs.append(running.enter_context(one))
            one.write_line(nodes.token)
        ports = [int(one.read_line()) for one in programs]
        for one, port in zip(programs, ports, strict=True):
            until(partial(_answers, one, port), _READY, f"{one.name} answers")
        yield ports


def _answers(program: Program, port: int) -> bool:
    if not program.running:
        raise RehearsalError(program.last_words())
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def _settings(nodes: Nodes, plan: Plan) -> dict[str, str]:
    """What production publishes for its applications, but for the token and where Redis is."""
    application = load("production").application
    limits = {f"RATE_LIMIT_{tier.upper()}": f"{n},{s}" for tier, (n, s) in plan.tiers.items()}
    return limits | {
        "REDIS_ENABLED": "true",
        "REDIS_URL": nodes.primary_url,
        "REDIS_TLS": "true",
        "REDIS_TIMEOUT": str(application.timeout_ms),
        "REDIS_MAX_RECONNECT_ATTEMPTS": str(application.max_reconnect_attempts),
        "REDIS_POOL_SIZE": str(application.pool_size),
        "REDIS_POOL_IDLE_SECONDS": str(application.pool_idle_seconds),
        "REDIS_INSTANCES": str(plan.instances),
        "RATE_LIMIT_DEADLINE_MS": str(plan.deadline_ms),
        "SSL_CERT_FILE": str(nodes.ca_file),
        "TRUSTED_PROXIES": "127.0.0.0/8",  # the generator plays the load balancer
    }


def _primary(nodes: Nodes) -> Node:
    return nodes.group.shards[0].primary


def _connect(nodes: Nodes, node: Node) -> Redis:
    """A client at the node's own address, that tries nothing twice; replies are bytes."""
    host, port = node.at
    return Redis(
        *(host, port),
        password=nodes.token,
        ssl=True,
        ssl_ca_certs=str(nodes.ca_file),
        socket_timeout=_ANSWERS,
        retry=Retry(NoBackoff(), 0),
    )


def _role(nodes: Nodes, node: Node) -> str | None:
    """Whether it is "primary" or "replica"; None for one that is gone, or not in step."""
    if not node.alive:
        return None
    if node.server.info("replication").get("master_link_status", "up") != "up":
        return None
    return "primary" if node is _primary(nodes) else "replica"


def _replicated(nodes: Nodes, begin: float) -> float | None:
    """Until when every replica surely has all that was written; None if one has not."""
    replicas = len(nodes.group.shards[0].nodes) - 1
    with _connect(nodes, _primary(nodes)) as redis:
        now = time.monotonic() - begin
        redis.set("loadtest:written", "1", ex=60)
        return now if redis.wait(replicas, int(1000 * _ANSWERS) // 2) == replicas else None


def _lose(
    nodes: Nodes,
    order: Order,
    node: Node,
    say: Say,
    *,
    silence: float = 0.0,
    promoted: Callable[[], object] = lambda: None,
) -> Loss:
    """Kill a node, and call `promoted` when there is a primary.

    It answers no client for `silence` seconds before: a lost host is noticed only after a while.
    Raises TimeoutError if the group does not become whole again.
    """
    server, begin = node.server, order.begin
    before = time.monotonic() - begin
    if silence:
        os.kill(server.pid, signal.SIGSTOP)
        threading.Event().wait(silence)
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: not server.alive, _GONE, f"{node.name} is gone")
    gone = time.monotonic() - begin
    say(f"  {before:4.0f} s  {node.name} is lost{', the primary' if silence else ''}")
    until(lambda: _primary(nodes).alive, _GONE, "there is a primary")
    since = time.monotonic() - begin
    promoted()
    with _connect(nodes, _primary(nodes)) as primary:
        holding: Holding = held(primary, begin)
    until(lambda: _role(nodes, node) is not None, _WHOLE, f"{node.name} is replaced")
    whole = time.monotonic() - begin
    say(f"  {whole:4.0f} s  {node.name} is back: the group is whole")
    return Loss(node.name, before, gone, since, whole, holding, _role(nodes, node))


def _asked(nodes: Nodes, order: Order) -> Iterator[Asked]:
    """A client that remembers nothing asks for every greedy key, and counts nothing."""
    variables = _settings(nodes, order.plan) | {"REDIS_PASSWORD": nodes.token}
    greedy = [one for one in clients(order.plan) if one.tier]
    keys = {
        Key(str(one.tier), kind, getattr(one, kind)) for one in greedy for kind in ("user", "ip")
    }
    log = logging.getLogger("vibewell_redis")
    level = log.level
    log.setLevel(logging.ERROR)  # that Redis is away is expected
    with instead_of_the_users(os.environ | variables):
        tls.trust.cache_clear()
        limiter = RateLimiter.from_settings(Settings.from_environment())
        try:
            until(limiter.connect, _GONE, "the new primary answers a client")
            for key in sorted(keys):
                decision = limiter.test(key.tier, **{key.kind: key.value})
                now = time.monotonic() - order.begin
                yield Asked(now, key, decision.allowed, decision.source)
        finally:
            limiter.close()
            log.setLevel(level)
    tls.trust.cache_clear()


@contextmanager
def _sampled(begin: float, ports: list[int], generator: int) -> Iterator[list[Sample]]:
    """A look at the machine every second, as long as this lasts."""
    samples: list[Sample] = []
    over = threading.Event()

    def look() -> None:
        last = due = time.monotonic()
        used, ever = _used(), set[tuple[int, int]]()
        while not over.wait(max(0.0, due - time.monotonic())):
            due += 1.0
            now, before, used = time.monotonic(), used, _used()
            cores = {
                pid: (seconds - before.get(pid, seconds)) / (now - last)
                for pid, seconds in used.items()
            }
            last, machine = now, cores.pop(0)
            connected = {(port, remote) for port in ports for remote in open_at(port)}
            ever |= connected
            samples.append(
                Sample(
                    *(now - begin, len(connected), len(ever)),
                    cores.get(generator, 0.0),
                    cores.get(os.getpid(), 0.0),
                    max(0.0, machine - sum(cores.values())),
                )
            )

    thread = threading.Thread(target=look, name="sampler", daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join(_GONE)


def _used() -> dict[int, float]:
    """Processor seconds so far, of the machine (0) and of each process of ours."""
    busy = psutil.cpu_times()
    found = {0: busy.user + busy.nice + busy.system + busy.irq + busy.softirq}
    ours = psutil.Process()
    for one in (ours, *ours.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            found[one.pid] = times.user + times.system
    return found
