"""A short proof on the deployed production, which is left as it was found."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.rotation.function import Function, Times
from rehearsal.rotation.secret import Secret
from rehearsal.rotation.steps import RotationProof
from rehearsal.rotation.turn import Turn
from tests.emulator.aws.helpers import Stacks

STACK = "vibewell-redis-production-data"

Broken = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def secret(deployed: Rehearsal) -> Secret:
    return Secret(deployed)


@pytest.fixture
def function(deployed: Rehearsal, secret: Secret) -> Iterator[Function]:
    """The function, with its own times after the test, and nothing left of a rotation."""
    found = Function(deployed, secret.arn)
    yield found
    times = Times(client_cache=1, retire_after=3)
    found.compress(times)
    turn = Turn(deployed, secret, found, times)
    # What a broken function sent is not given its ten minutes.
    deployed.aws("secretsmanager").untag_resource(SecretId=secret.arn, TagKeys=["redis-token:sent"])
    turn.settle()
    turn.expect_accepted(secret.current(), True, "AWSCURRENT's token")
    found.restore()


@pytest.fixture
def broken(deployed: Rehearsal, function: Function) -> Broken:
    """Deploys the function with pieces of its files replaced: each is a file, the old, the new."""
    package = deployed.checkout.folder / "build" / "functions" / "rotation"

    def upload(changed: dict[str, str]) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            for path in sorted(package.rglob("*.py")):
                name = str(path.relative_to(package))
                zipped.writestr(name, changed.get(name) or path.read_bytes())
        lambda_ = deployed.aws("lambda")
        lambda_.update_function_code(FunctionName=function.name, ZipFile=archive.getvalue())
        lambda_.get_waiter("function_updated_v2").wait(
            FunctionName=function.name, WaiterConfig={"Delay": 1, "MaxAttempts": 180}
        )

    @contextmanager
    def change(*pieces: tuple[str, str, str]) -> Iterator[None]:
        texts: dict[str, str] = {}
        for file, old, new in pieces:
            text = texts.get(file) or (package / file).read_text()
            assert text.count(old) == 1, f"{file} is another one than this test was written for"
            texts[file] = text.replace(old, new)
        upload(texts)
        try:
            yield
        finally:
            upload({})

    return change


@pytest.fixture
def retention_changed(deployed: Rehearsal) -> Iterator[Callable[[Rehearsal], str]]:
    """A deployment, as a step of a proof, that changes one property of the group."""
    template = deployed.cdk.template(STACK)

    def update(days_more: int) -> str:
        changed = json.loads(json.dumps(template))
        (group,) = (
            one["Properties"]
            for one in changed["Resources"].values()
            if one["Type"] == "AWS::ElastiCache::ReplicationGroup"
        )
        group["SnapshotRetentionLimit"] += days_more
        deployed.aws("cloudformation").update_stack(
            StackName=STACK,
            TemplateBody=json.dumps(changed),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        )
        return Stacks(deployed.aws).settled(STACK)

    yield lambda _rehearsal: update(1)
    assert update(0) == "UPDATE_COMPLETE"


def perform(proof: RotationProof, rehearsal: Rehearsal) -> str:
    """Do every act of a proof; returns all that they say."""
    with proof:
        return "\n".join(act(rehearsal) for _, act in proof.steps)
