"""An environment without anything of the user's AWS in it."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from emulator.errors import EmulatorError

ROOT = Path(__file__).resolve().parent.parent
# The example account of AWS's documentation is 111122223333, which the settings refuse to deploy.
ACCOUNT = "444455556666"
REGION = "us-east-1"


def require_loopback(endpoint: str) -> None:
    """EmulatorError unless the address is on this machine: a rehearsal never reaches AWS."""
    host = urlsplit(endpoint).hostname or ""
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise EmulatorError(
            f"the AWS endpoint is {endpoint}, not a loopback address: a rehearsal only talks to "
            "the embedded AWS on this machine"
        )


def clean_environment(home: Path, endpoint: str) -> dict[str, str]:
    """Variables for every process of a rehearsal, made from nothing.

    No variable of the caller's is passed on but PATH and the language; `home` replaces the
    user's home folder, so that no credential, profile or cache of the CDK's is read or written.
    """
    require_loopback(endpoint)
    for folder in ("tmp", "cdk"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    nothing = home / "no-aws-settings"
    nothing.touch()
    return {
        "PATH": f"{ROOT / '.venv/bin'}:{ROOT / 'node_modules/.bin'}:{os.environ['PATH']}",
        "JSII_NODE": str(ROOT / ".venv/bin/node"),
        "NODE_OPTIONS": f'--require "{ROOT / "emulator/short_pauses.cjs"}"',
        # What Node compiled and jsii unpacked is worth keeping from one rehearsal to the next.
        "NODE_COMPILE_CACHE": str(ROOT / "build/node-compiled"),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(ROOT / "build/jsii-packages"),
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "CDK_HOME": str(home / "cdk"),
        # The command line would else report to AWS and ask it for news.
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "AWS_CONFIG_FILE": str(nothing),
        "AWS_SHARED_CREDENTIALS_FILE": str(nothing),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # ministack takes a key of twelve digits for the account that it belongs to.
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
    }


def run_command(
    command: Sequence[str | Path],
    folder: Path = ROOT,
    *,
    environment: Mapping[str, str] | None = None,
    stdin: str | None = None,
    seconds: float = 240,
    check: bool = False,
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, without a terminal, and keep what it prints.

    `stdin` is its standard input. It is killed, and subprocess.TimeoutExpired raised, after
    `seconds`; with `check` a status other than 0 is subprocess.CalledProcessError.
    """
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=check,
    )
