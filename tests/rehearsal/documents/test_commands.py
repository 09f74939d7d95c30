"""Every `aws …` of the documents is run by the AWS command line, word for word, on a rehearsal."""

import re
import shlex
from pathlib import Path

import pytest

from emulator.clean_environment import run_command
from emulator.nodes.waiting import wait_until
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.recovery import Backups
from tests.rehearsal.conftest import Created
from tests.rehearsal.documents.commands import Typed, typed
from tests.rehearsal.documents.placeholders import VALUES, key, secret

# make has tests of its own, and cdk destroy a rehearsal.
PRELUDE = """
make() { :; }
node() { :; }
"""
# Version 1 takes a payload as it is, and does not know version 2's word for it.
ONLY_VERSION_2 = " --cli-binary-format raw-in-base64-out"
# What the embedded AWS cannot do: the command line has taken each option, and this is the answer.
NOT_HERE = {
    "aws ssm send-command": "InvalidInstanceId",  # no server is there
    "aws ec2 reboot-instances": "InvalidInstanceID",  # nor a server of the application
    "aws logs associate-kms-key": "Unknown action: AssociateKmsKey",
    "aws ssm start-associations-once": "Unknown action: StartAssociationsOnce",
    "aws elasticache copy-snapshot --source-snapshot-name <snapshot>": "NotRehearsed",
    # It follows cdk destroy, which is not run here.
    "aws cloudformation update-termination-protection --no-enable-termination-protection "
    "--stack-name vibewell-redis-production-data": "InvalidUserGroupState",
    # The command for cluster mode, and production is without.
    "aws elasticache create-snapshot --replication-group-id": "InvalidParameterCombination",
}
PATIENCE = 300  # seconds


@pytest.fixture(scope="module")
def rehearsal(created: Created) -> Rehearsal:
    """With a daily snapshot; the commands change it."""
    Backups(created.rehearsal).take()
    return created.rehearsal


@pytest.mark.plan("8")
@pytest.mark.parametrize("command", typed(), ids=str)
def test_what_the_document_says_works_as_it_stands(
    rehearsal: Rehearsal, command: Typed, tmp_path: Path
) -> None:
    settle(rehearsal)
    lose_what_it_brings_back(rehearsal, command.text)
    text = filled(rehearsal, command.text.replace(ONLY_VERSION_2, ""))
    done = run_command(
        [rehearsal.shell(), "-euo", "pipefail", "-c", f"cd {tmp_path}\n{PRELUDE}{text}"],
        seconds=PATIENCE,
    )
    refusals = [says for words, says in NOT_HERE.items() if command.text.startswith(words)]
    if refusals:
        assert refusals[0] in done.stderr
    else:
        assert done.returncode == 0, f"{text}\n{done.stderr}"
    # Another group of the account, whose id begins alike and whose snapshots are newer.
    assert "vibewell-redis-staging" not in done.stdout


def filled(rehearsal: Rehearsal, text: str) -> str:
    """With a value for each word in angle brackets."""
    values = {
        name: shlex.quote(VALUES[name](rehearsal))
        for name in sorted(set(re.findall(r"<([a-z ]+)>", text)))
    }
    return re.sub(r"<([a-z ]+)>", lambda found: values[found[1]], text)


def lose_what_it_brings_back(rehearsal: Rehearsal, text: str) -> None:
    """A command that brings something back needs it to be lost, and one that tries it to be old."""
    if text.startswith("aws secretsmanager restore-secret"):
        rehearsal.aws("secretsmanager").delete_secret(SecretId=secret(rehearsal))
    if text.startswith("aws kms cancel-key-deletion"):
        kms, name = rehearsal.aws("kms"), key(rehearsal)
        kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=7)
    if "AWSPREVIOUS" in text:
        secrets, name = rehearsal.aws("secretsmanager"), secret(rehearsal)
        value = secrets.get_secret_value(SecretId=name)["SecretString"]
        secrets.put_secret_value(SecretId=name, SecretString=value)


def settle(rehearsal: Rehearsal) -> None:
    """No command of ElastiCache is taken while the group is busy with the one before."""
    cache = rehearsal.aws("elasticache")

    def at_rest() -> bool | None:
        groups = cache.describe_replication_groups()["ReplicationGroups"]
        return all(group["Status"] == "available" for group in groups) or None

    wait_until(at_rest, seconds=PATIENCE, what="the groups at rest")
