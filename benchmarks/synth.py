"""How long synth takes, as a ratio to the floor: the same imports and one KMS key.

Machines are noisy, so the candidates take turns and only ratios within one run are compared.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from tools.context import ROOT, committed

ROUNDS = 7

# name -> (module or script, extra context, CDK's own template validation, most times the floor)
CANDIDATES: dict[str, tuple[list[str], dict[str, str], bool, float | None]] = {
    "floor: one KMS key": (["-m", "benchmarks.floor_app"], {}, False, None),
    "one environment": (["app.py"], {"env": "production"}, False, 2.0),
    "all environments": (["app.py"], {}, False, 3.5),
    "all environments, validated": (["app.py"], {}, True, None),
}


def main() -> int:
    """Print the table; the exit status is 1 if a bound is missed."""
    seconds: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    for round_number in range(ROUNDS + 1):
        for name, (command, context, validated, _) in CANDIDATES.items():
            taken = _run(command, context, validated=validated)
            if round_number:  # the first round warms caches
                seconds[name].append(taken)
        print(f"\rround {round_number} of {ROUNDS}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    floors = seconds["floor: one KMS key"]
    missed = False
    print(f"{'':30} {'seconds':>8} {'x floor':>8} {'bound':>6}")
    for name, (*_, bound) in CANDIDATES.items():
        ratio = statistics.median(
            taken / floor for taken, floor in zip(seconds[name], floors, strict=True)
        )
        late = bound is not None and ratio > bound
        missed = missed or late
        median = statistics.median(seconds[name])
        limit = "" if bound is None else f"{bound:.1f}"
        print(f"{name:30} {median:8.2f} {ratio:8.2f} {limit:>6}{'  MISSED' if late else ''}")
    return int(missed)


def _run(command: list[str], context: dict[str, str], *, validated: bool) -> float:
    with tempfile.TemporaryDirectory() as output:
        environment = os.environ | {"CDK_CONTEXT_JSON": json.dumps(committed() | context)}
        environment["CDK_OUTDIR"] = output
        environment.pop("CDK_VALIDATION", None)
        # With it every run would compile the library again, and the floor would hide the app.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        if not validated:
            environment["CDK_VALIDATION"] = "false"
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-O", *command],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            timeout=120,
        )
        return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
