"""Every `aws …` of the documents is run by the AWS command line, word for word, on a rehearsal."""

import re
import secrets
import shlex
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from emulator.clean_environment import ACCOUNT, run_command
from environments.access import access_string, user_group_id, user_id
from rehearsal.common.checkout import PAGERDUTY_SECRET
from rehearsal.common.deployed import Deployed, create_group, token
from rehearsal.common.errors import eventually
from rehearsal.common.rehearsal import Rehearsal, only, resources
from rehearsal.recovery import Backups, Machine
from rehearsal.stack_states import FAILED, in_state
from tests.rehearsal.conftest import Created
from tests.support import ROOT

TYPED = (
    "runbook",
    *(f"operate/{page}" for page in ("operations", "disaster-recovery", "rotation")),
    *("reference/data-protection", "operate/stack-states"),
)

_BLOCK = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(aws [^`]+)`")


@dataclass(frozen=True)
class Typed:
    """What a person copies at once: a block of lines, or one command in a sentence."""

    document: str
    section: str
    text: str

    def __str__(self) -> str:
        words = re.findall(r"aws ([a-z0-9]+ [a-z-]+)", self.text)
        return f"{self.document}#{self.section} {words[0]}"


def typed() -> list[Typed]:
    """Every one that has an ``aws`` command, in the documents' order."""
    return [found for name in TYPED for found in _of(ROOT / "docs" / f"{name}.md")]


def _of(document: Path) -> Iterator[Typed]:
    for part in re.split(r"^#+ ", document.read_text(), flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        section = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        blocks = [block for block in _BLOCK.findall(text) if re.search(r"\baws ", block)]
        inline = [" ".join(line.split()) for line in _INLINE.findall(_BLOCK.sub("", text))]
        for found in (*blocks, *inline):
            yield Typed(document.stem, section, found)


TOO_WIDE = "arn:aws:iam::aws:policy/AdministratorAccess"
LEFT_OVER = "vibewell-redis-recovery-0000"
GROUP = "vibewell-redis"


def old_snapshot(rehearsal: Rehearsal) -> str:
    """A copy that is not needed any more."""
    newest = Backups(rehearsal).names("system")[-1]
    rehearsal.aws("elasticache").copy_snapshot(
        SourceSnapshotName=newest, TargetSnapshotName="too-old"
    )
    return "too-old"


def left_over(rehearsal: Rehearsal) -> str:
    """A group as a recovery test may leave one."""
    create_group(rehearsal, LEFT_OVER)
    return LEFT_OVER


def secret(rehearsal: Rehearsal) -> str:
    """The one that clients read."""
    return only(rehearsal, "AWS::SecretsManager::Secret", "-data").physical_id


def version(rehearsal: Rehearsal) -> str:
    """Another version, which holds the token that opens Redis."""
    made = rehearsal.aws("secretsmanager").put_secret_value(
        SecretId=secret(rehearsal), SecretString=token(rehearsal), VersionStages=["SPARE"]
    )
    return str(made["VersionId"])


def key(rehearsal: Rehearsal) -> str:
    """The data stack's."""
    return only(rehearsal, "AWS::KMS::Key", "-data").physical_id


def receipt_handle(rehearsal: Rehearsal) -> str:
    """Of an event without a message."""
    queues = rehearsal.aws("sqs")
    queue = queues.get_queue_url(QueueName="vibewell-redis-production-events-unread")["QueueUrl"]
    queues.send_message(QueueUrl=queue, MessageBody="{}")
    (message,) = queues.receive_message(QueueUrl=queue)["Messages"]
    return str(message["ReceiptHandle"])


def role(rehearsal: Rehearsal) -> str:
    """The health check's, with a policy that somebody attached by hand."""
    found = rehearsal.aws("lambda").get_function(FunctionName="vibewell-redis-production-health")
    name = str(found["Configuration"]["Role"]).rpartition("/")[2]
    rehearsal.aws("iam").attach_role_policy(RoleName=name, PolicyArn=TOO_WIDE)
    return name


def left_over_bucket(rehearsal: Rehearsal) -> str:
    """An empty one."""
    name = f"left-over-{uuid.uuid4().hex[:8]}"
    rehearsal.aws("s3").create_bucket(Bucket=name)
    return name


def other_user(rehearsal: Rehearsal) -> str:
    """Another user `default`, which somebody put into the user group in our user's place."""
    cache, name = rehearsal.aws("elasticache"), f"other-{uuid.uuid4().hex[:8]}"
    cache.create_user(
        UserId=name,
        UserName="default",
        Engine="redis",
        AccessString="on ~* +@all",
        Passwords=[secrets.token_hex(16)],
    )
    group, ours = user_group_id(GROUP), user_id(GROUP)
    cache.modify_user_group(UserGroupId=group, UserIdsToAdd=[name], UserIdsToRemove=[ours])

    def there() -> bool:
        (found,) = cache.describe_user_groups(UserGroupId=group)["UserGroups"]
        return bool(found["Status"] == "active")

    eventually(there, f"{name} in {group}", PATIENCE)
    return name


VALUES: dict[str, Callable[[Rehearsal], str]] = {
    "access string": lambda _: access_string([]),
    "account": lambda _: ACCOUNT,
    "address": lambda _: "10.0.0.7",
    "alarm": lambda it: it.aws("cloudwatch").describe_alarms()["MetricAlarms"][0]["AlarmName"],
    "association": lambda it: only(it, "AWS::SSM::Association").physical_id,
    "bucket": lambda _: "exported-snapshots",
    "execution": lambda it: Machine(it).start(),
    "key": key,
    "half deleted stack": partial(in_state, status="DELETE_FAILED"),
    "left over bucket": left_over_bucket,
    "left over group": left_over,
    "left over key": lambda it: str(it.aws("kms").create_key()["KeyMetadata"]["KeyId"]),
    "logical id": lambda _: FAILED,
    "log group": lambda _: "/aws/lambda/vibewell-redis-production-health",
    "old snapshot": old_snapshot,
    "other user": other_user,
    "parameter": lambda _: "timeout",
    "parameter group": lambda it: only(it, "AWS::ElastiCache::ParameterGroup").physical_id,
    "pagerduty secret": lambda _: PAGERDUTY_SECRET,
    "paused creation": partial(in_state, status="CREATE_FAILED"),
    "paused update": partial(in_state, status="UPDATE_FAILED"),
    "policy": lambda _: TOO_WIDE,
    "present version": lambda it: it.aws("secretsmanager").get_secret_value(SecretId=secret(it))[
        "VersionId"
    ],
    "primary address": lambda it: Deployed.of(it).published[0],
    "receipt handle": receipt_handle,
    "role": role,
    "secret": secret,
    "server": lambda _: "i-0123456789abcdef0",
    "snapshot": lambda it: Backups(it).names("system")[-1],
    "stack": lambda it: str(it.cdk.stacks[0]),
    "stack in review": partial(in_state, status="REVIEW_IN_PROGRESS"),
    "stack that failed": partial(in_state, status="ROLLBACK_COMPLETE"),
    "stack that is updated": partial(in_state, status="UPDATE_IN_PROGRESS"),
    "stack whose rollback failed": partial(in_state, status="ROLLBACK_FAILED"),
    "stuck stack": partial(in_state, status="UPDATE_ROLLBACK_FAILED"),
    "topic": lambda it: next(
        one.physical_id
        for one in resources(it, "AWS::SNS::Topic")
        if one.physical_id.endswith("-warning")
    ),
    "value": lambda _: "300",
    "version": version,
}


# make has tests of its own, and cdk destroy a rehearsal.
PRELUDE = """
make() { :; }
node() { :; }
"""
COMMAND_LINE = Path(__file__).with_name("command_line.py")
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
def rehearsal(created: Created) -> Iterator[Rehearsal]:
    """With a daily snapshot; the commands change it."""
    Backups(created.rehearsal).take()
    yield created.rehearsal
    created.rehearsal.ask("release")  # else the server's end waits for the update that is held


@pytest.fixture(scope="module")
def prelude(rehearsal: Rehearsal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`aws` is the command line in one process, in the environment of the rehearsal's shell."""
    path = tmp_path_factory.mktemp("aws") / "socket"
    server = f"exec {ROOT / '.venv-cli/bin/python'} {COMMAND_LINE} {path}"
    command = [str(rehearsal.shell()), "-c", server]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        endpoint = f"--endpoint-url {rehearsal.embedded_aws.endpoint}"
        yield f'{PRELUDE}aws() {{ python -IS {COMMAND_LINE} {path} {endpoint} "$@"; }}\n'
        process.kill()


@pytest.mark.plan("8")
@pytest.mark.parametrize("command", typed(), ids=str)
def test_what_the_document_says_works_as_it_stands(
    rehearsal: Rehearsal, command: Typed, tmp_path: Path, prelude: str
) -> None:
    settle(rehearsal)
    lose_what_it_brings_back(rehearsal, command.text)
    text = filled(rehearsal, command.text.replace(ONLY_VERSION_2, ""))
    done = run_command(
        [rehearsal.shell(), "-euo", "pipefail", "-c", f"cd {tmp_path}\n{prelude}{text}"],
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

    def at_rest() -> bool:
        groups = cache.describe_replication_groups()["ReplicationGroups"]
        return all(group["Status"] == "available" for group in groups)

    eventually(at_rest, "the groups at rest", PATIENCE)
