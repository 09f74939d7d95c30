"""The command line's pauses are shortened on a rehearsal, and nothing else of it."""

import json
import subprocess

import pytest

from emulator.clean_environment import ROOT, clean_environment

# How long each timer was set for, in milliseconds; it is cleared before it fires.
PROGRAM = """
const told = {};
const tell = (name, timer) => { told[name] = timer._idleTimeout; clearTimeout(timer); };
new Promise((done) => tell("a look at a stack again", setTimeout(done, 5000)));
new Promise((done) => tell("another pause", setTimeout(done, 3000)));
tell("a timeout", setTimeout(() => {}, 5000));
told.promisified = typeof require("node:util").promisify(setTimeout)(0).then;
console.log(JSON.stringify(told));
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    environment = clean_environment(tmp_path_factory.mktemp("home"), "http://127.0.0.1:1")
    done = subprocess.run(
        [ROOT / ".venv/bin/node", "-e", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_stack_is_looked_at_again_at_once(told: dict[str, object]) -> None:
    assert told["a look at a stack again"] == 100


def test_no_timeout_and_no_other_pause_is_shortened(told: dict[str, object]) -> None:
    assert (told["a timeout"], told["another pause"]) == (5000, 3000)
    assert told["promisified"] == "function"
