"""The client package: its connections go to the right server, its keys have one form."""

import json
import os
import re
import secrets
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from redis.crc import key_slot

from emulator.clean_environment import ROOT, run_command
from emulator.nodes.context import Authority
from rehearsal.security.hostile_client import CANARY, VALUES
from rehearsal.security.target import Address, BreachError, NotHereError, Target, Wire, logged_in

_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # OpenSSL's own variables
SECONDS = 60  # the longest that one may take


def run_program(program: Sequence[str], authority: Path | None, said: str = "") -> str:
    """Its output; `said` is its standard input, where a token is not seen. Raises BreachError.

    It trusts this authority alone or, without one, the system's. It is ended, and
    subprocess.TimeoutExpired raised, after SECONDS.
    """
    trust = {name: os.environ[name] for name in _TRUST if name in os.environ}
    if authority is not None:
        nowhere = authority.parent / "no-others"
        trust = {"SSL_CERT_FILE": str(authority), "SSL_CERT_DIR": str(nowhere)}
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "client"), "LANG": "C.UTF-8"}
    done = run_command(program, environment=base | trust, stdin=said, seconds=SECONDS)
    if done.returncode:
        raise BreachError(f"it ended the application: {done.stderr.strip()[-500:]}")
    return done.stdout


_HOST = "127.0.0.1"
_PATIENCE = 30.0  # seconds
_PIECE = 4096  # bytes


class Disguise(NamedTuple):
    """What an impostor shows; `good` is no disguise: a client must go on, or it refuses all."""

    words: str
    context: ssl.SSLContext
    good: bool = False


def disguises(folder: Path) -> tuple[Path, list[Disguise]]:
    """The authority that the client is to trust, and the certificates to meet it with."""

    def made(name: str) -> Path:
        (folder / name).mkdir()
        return folder / name

    def shown(issuer: Authority, name: str, address: str = _HOST, days: int = 0) -> ssl.SSLContext:
        identity = issuer.issue(made(name), [address], begins_in=days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate, identity.key)
        return context

    trusted, foreign = Authority(made("trusted")), Authority(made("foreign"))
    return trusted.file, [
        Disguise("a good certificate", shown(trusted, "good"), good=True),
        Disguise("a foreign authority's", shown(foreign, "strange")),
        Disguise("another address's", shown(trusted, "other", "127.0.0.2")),
        Disguise("an expired one", shown(trusted, "expired", days=-365)),
        Disguise("one of next year", shown(trusted, "early", days=365)),
    ]


@contextmanager
def impostor(context: ssl.SSLContext) -> Iterator[tuple[Address, list[bytes]]]:
    """Listens on loopback and shakes hands; of each client that comes what it sent first."""
    met: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            plain.settimeout(_PATIENCE)
            words = b""
            with plain, suppress(OSError), context.wrap_socket(plain, server_side=True) as secure:
                words = secure.recv(_PIECE)
            met.append(words)

    with socket.create_server((_HOST, 0)) as listening:
        thread = threading.Thread(target=serve, name="impostor")
        thread.start()
        try:
            yield Address(_HOST, listening.getsockname()[1]), met
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(_PATIENCE)


_HALVES = 2  # event loops and threads have connections of their own
_PROGRAM = (sys.executable, "-m", "rehearsal.security.hostile_client")


def impostors_refused(_target: Target, program: Sequence[str] = _PROGRAM) -> str:
    """A process of its own, which trusts one authority, logs in at impostors: none may receive it.

    `program` is called with the addresses, as host:port.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_ones:
        authority, worn = disguises(Path(folder))
        impostors = [open_ones.enter_context(impostor(one.context)) for one in worn]
        run_program([*program, *(str(address) for address, _ in impostors)], authority)
    for disguise, (_, met) in zip(worn, impostors, strict=True):
        if len(met) < _HALVES:
            raise BreachError(f"a client never came to the server with {disguise.words}")
        if disguise.good and not all(met):
            raise BreachError("a client refuses a good certificate: this proves nothing")
        if not disguise.good and any(met):
            raise BreachError(f"the client logs in at a server that shows {disguise.words}")
    kinds = ", ".join(disguise.words for disguise in worn if not disguise.good)
    return f"the client package meets {kinds}: no byte sent"


_CANARY_SECONDS = str(2 * SECONDS)
_TIERS, _KINDS = ("general", "auth"), ("user", "ip")
# The limiter's script and its connection, our own looking on, and what nodes do by themselves.
_EXPECTED = {
    *("evalsha", "eval", "script", "time", "get", "getrange", "set", "append", "strlen", "pexpire"),
    *("auth", "hello", "client", "ping", "info", "scan", "mget"),
    *("replconf", "psync"),
}
_EXPECTED_ERRORS = {"NOSCRIPT"}


class _Seen(NamedTuple):
    """The state of the server: its keys, and how often each command ran and each error came."""

    keys: frozenset[str]
    commands: dict[str, int]
    errors: dict[str, int]


def harmless(target: Target, program: Sequence[str] = _PROGRAM) -> str:
    """Hostile identifiers through the client package, beside keys that must stay as they are.

    `program` is started as an application would be.
    """
    if target.token is None:
        raise NotHereError("no token was given")
    prefix = f"sectest_{secrets.token_hex(4)}"
    canaries = {name: secrets.token_hex(4) + "-" for name in _canaries(prefix)}
    with logged_in(target, target.primary) as wire:
        for name, value in canaries.items():
            wire("SET", name, value, "EX", _CANARY_SECONDS)
        before = _look(wire) if target.ours else None
        decisions = _attack(target, program, prefix)
        after = _look(wire) if target.ours else None
        if wire("MGET", *canaries) != list(canaries.values()):
            raise BreachError("a key that no identifier names was changed")
        wire("DEL", *canaries)
        found = f"{len(VALUES)} identifiers, {decisions} decisions: other keys untouched"
        if before is None or after is None:
            return f"{found} (commands are not counted: others send some too)"
        # The limiter tries with one key of its own whether it is let in.
        made = after.keys - before.keys - {f"{{{prefix}}}:trial"}
        _judge_keys(made, prefix)
        _judge_commands(before, after)
        wire("UNLINK", *made)
        return f"{found}; {len(made)} keys of one form in one slot, no other command ran"


def _canaries(prefix: str) -> list[str]:
    ends = [f"{tier}:{kind}:{CANARY}" for tier in _TIERS for kind in _KINDS]
    return [f"{prefix}:{CANARY}", *(f"{{{prefix}}}:{end}" for end in ends)]


def _attack(target: Target, program: Sequence[str], prefix: str) -> int:
    host, port = target.primary
    target_of = {"host": host, "port": port, "token": target.token, "prefix": prefix}
    answer = json.loads(run_program(program, target.authority, json.dumps(target_of)))
    if answer["wrong"] is not None:
        raise BreachError(answer["wrong"])
    return int(answer["decisions"])


def _judge_keys(made: frozenset[str], prefix: str) -> None:
    # No space, no control character, no brace, nothing beyond ASCII.
    form = re.compile(
        rf"\{{{prefix}\}}:({'|'.join(_TIERS)}):({'|'.join(_KINDS)}):[!-z|~]{{1,64}}", re.ASCII
    )
    for key in made:
        if not form.fullmatch(key):
            raise BreachError(f"a key of another form was made: {key[:80]!r}")
    due = len(VALUES) * len(_TIERS) * len(_KINDS)
    if len(made) != due:
        raise BreachError(f"{due} counters have {len(made)} keys: some share one")
    slots = {key_slot(key.encode()) for key in made}
    if len(slots) != 1:
        raise BreachError(f"the keys of one limiter lie in {len(slots)} slots")


def _judge_commands(before: _Seen, after: _Seen) -> None:
    commands = _risen(before.commands, after.commands) - _EXPECTED
    if commands:
        raise BreachError(f"a command ran that the limiter never sends: {', '.join(commands)}")
    errors = _risen(before.errors, after.errors) - _EXPECTED_ERRORS
    if errors:
        raise BreachError(f"the server answered with an error: {', '.join(errors)}")


def _risen(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name, count in after.items() if count != before.get(name, 0)}


def _look(wire: Wire) -> _Seen:
    keys: set[str] = set()
    cursor = ""
    while cursor != "0":
        cursor, page = wire("SCAN", cursor or "0", "COUNT", "1000")
        keys.update(page)
    commands, errors = (_counts(wire, section) for section in ("commandstats", "errorstats"))
    return _Seen(frozenset(keys), commands, errors)


def _counts(wire: Wire, section: str) -> dict[str, int]:
    """Of each line the sum of its whole numbers but times: calls, rejected and failed calls."""
    found = {}
    for line in str(wire("INFO", section)).splitlines():
        name, colon, figures = line.partition(":")
        if colon:
            pairs = (figure.split("=") for figure in figures.split(","))
            counts = [int(number) for key, number in pairs if "usec" not in key]
            found[name.partition("_")[2]] = sum(counts)
    return found
