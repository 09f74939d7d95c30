"""Brute force: how long it would take, and who hears it."""

import math
import string
import time

from environments.load import load
from rehearsal.alarms.steps import Drill
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.security.outcome import BreachError, NotHereError
from rehearsal.security.target import Target
from rehearsal.security.tokens import guess, refusals
from rehearsal.security.wire import RefusedError, Wire, packed

GUESSES = 40  # at an endpoint that others use
_GUESSES_OF_OURS = 5_000
_AT_ONCE = 1_000
_FEWEST_BITS = 128  # NIST SP 800-57: out of reach beyond 2030
_YEAR = 365.25 * 24 * 3600  # seconds
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits)


def hopeless(target: Target) -> str:
    """How long half of all tokens take at the speed of this server; a weak token is a breach."""
    bits, whose = 64 * math.log2(62), "the deployment's tokens have"
    if target.token is not None:
        bits, whose = strength(target.token), "the token has"
    if bits < _FEWEST_BITS:
        raise BreachError(f"the token has {bits:.0f} bits at most, fewer than {_FEWEST_BITS}")
    rate = _guesses_a_second(target)
    years = math.log10(2) * (bits - 1) - math.log10(rate * _YEAR)
    return (
        f"{rate:,.0f} guesses/s on one connection take 10^{years:.0f} years: "
        f"{whose} {bits:.0f} bits"
    )


def strength(token: str) -> float:
    """Bits that a token of this length and these characters has at most."""
    alphabet = sum(len(kind) for kind in _CLASSES if set(kind) & set(token))
    # Of characters drawn at random few are the same: one that repeats itself counts four times.
    return min(len(token), len(set(token)) * 4) * math.log2(max(alphabet, 1))


def heard(target: Target) -> str:
    """Redis closes no connection and bars nobody: the alarm on refused logins must go off."""
    if not target.ours:
        raise NotHereError("the alarm is CloudWatch's: it should be in ALARM by now, so look there")
    limit = load("production").alarms.refused_logins_per_minute
    if target.rehearsal is not None:
        return _alarm(target, target.rehearsal, limit)
    before = refusals(target)
    _guesses_a_second(target, limit)
    count = refusals(target) - before
    if count < limit:
        raise BreachError(f"{limit} guesses, and {count} counted: the alarm would stay silent")
    return f"{limit} guesses count {count}: the alarm's {limit} a minute are reached"


def _alarm(target: Target, rehearsal: Rehearsal, limit: int) -> str:
    rehearsal.ask("metrics")
    _guesses_a_second(target, limit)
    count = sum(
        one["value"] for one in rehearsal.ask("metrics") if one["name"] == "AuthenticationFailures"
    )
    if count < limit:
        raise BreachError(f"{limit} guesses, and AuthenticationFailures rose by {count:g}")
    drill = Drill(["refused-logins-warning"])
    drill.begin(rehearsal)
    drill.loads(rehearsal)
    return f"{limit} guesses, AuthenticationFailures +{count:g}: in ALARM, Slack notified, then OK"


def _guesses_a_second(target: Target, guesses: int | None = None) -> float:
    left = guesses or (_GUESSES_OF_OURS if target.ours else GUESSES)
    batches = [min(_AT_ONCE, left - done) for done in range(0, left, _AT_ONCE)]
    texts = [b"".join(packed("AUTH", guess()) for _ in range(size)) for size in batches]
    began = time.perf_counter()
    with Wire(target.primary, target.trust) as wire:
        for size, text in zip(batches, texts, strict=True):
            wire.send(text)
            for _ in range(size):
                try:
                    wire.reply()
                except RefusedError as refusal:
                    if str(refusal).startswith("WRONGPASS"):
                        continue
                    raise BreachError(f"{target.primary} answers a guess: {refusal}") from None
                raise BreachError(f"{target.primary} took a guess")
    return left / (time.perf_counter() - began)
