"""The shell on a kept rehearsal, opened by somebody whose own environment leads to AWS."""

import json
import os
import sys
from pathlib import Path

import pytest

from emulator.clean_environment import ACCOUNT, ROOT, run_command
from rehearsal.common.rehearsal import Rehearsal

LOOPBACK = """
import boto3
for service in ("elasticache", "s3", "sqs", "sts"):
    print(boto3.client(service).meta.endpoint_url)
"""
COMMANDS = {
    "aws sts get-caller-identity": ACCOUNT,
    "aws sqs list-queues": "vibewell-redis-production-events-unread",
    f"python -c '{LOOPBACK}' | sort -u": "http://127.0.0.1:",
    "env | grep ^AWS_": "AWS_ENDPOINT_URL=http://127.0.0.1:",
    "make health ENV=production": "checks passed",
    "make look ENV=production ALARM=refused-logins": "Token: ",
    "make stacks ENV=production": "vibewell-redis-production-data",
    "minutes": "No alarm on nodes fires.",
    "redis-cli --version": "redis-cli 6.2",
}


@pytest.fixture
def hostile(tmp_path: Path) -> dict[str, str]:
    """A profile whose credentials come from a program that would leave a trace, and endpoints."""
    config = tmp_path / "config"
    trace = tmp_path / "asked"
    config.write_text(
        f"[profile owner]\nregion = eu-west-1\ncredential_process = touch {trace}\n"
        "services = theirs\n[services theirs]\nsqs =\n  endpoint_url = http://192.0.2.1\n"
    )
    return os.environ | {
        "AWS_PROFILE": "owner",
        "AWS_DEFAULT_PROFILE": "owner",
        "AWS_CONFIG_FILE": str(config),
        "AWS_SESSION_TOKEN": "theirs",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://192.0.2.1",
        "AWS_ENDPOINT_URL_SQS": "http://192.0.2.1",
        "AWS_ENDPOINT_URL_STS": "http://192.0.2.1",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "MAKEFLAGS": "--dry-run",
    }


@pytest.mark.plan("8")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_the_shell_reaches_the_rehearsal_and_nothing_else(
    command: str, deployed: Rehearsal, hostile: dict[str, str]
) -> None:
    shell = deployed.shell()
    done = run_command([shell, "-c", command], environment=hostile)
    assert done.returncode == 0, done.stdout + done.stderr
    assert COMMANDS[command] in done.stdout
    if "boto3" in command:
        assert done.stdout.split() == [deployed.embedded_aws.endpoint]
    if command.startswith("env"):  # with these alone no service of AWS's is reached
        ours = deployed.embedded_aws.environment.items()
        assert {*done.stdout.split()} == {f"{k}={v}" for k, v in ours if k.startswith("AWS_")}
    assert not (Path(hostile["AWS_CONFIG_FILE"]).with_name("asked")).exists()


def test_the_shell_of_the_kept_rehearsal_is_opened(deployed: Rehearsal) -> None:
    deployed.keep()
    kept = deployed.folder / "kept.json"
    try:
        module = [sys.executable, "-m", "rehearsal.lifecycle", "--shell"]
        done = run_command([*module, "-c", 'pwd; echo "$AWS_ENDPOINT_URL"'], ROOT)
    finally:
        pid = json.loads(kept.read_text())["pid"]
        kept.unlink()
    assert pid == deployed.embedded_aws.pid
    assert done.stdout.split() == [str(deployed.checkout.folder), deployed.embedded_aws.endpoint]
