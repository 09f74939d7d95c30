"""Small stacks and functions on the embedded AWS."""

import io
import textwrap
import uuid
import zipfile
from collections.abc import Iterator

import pytest

from rehearsal.common.rehearsal import Clients, Rehearsal
from tests.emulator.aws.helpers import Look, Make, Stacks


@pytest.fixture
def aws(embedded_aws: Rehearsal) -> Clients:
    """Clients of the embedded AWS."""
    return embedded_aws.aws


@pytest.fixture
def stacks(aws: Clients) -> Iterator[Stacks]:
    """Stacks that are gone after the test."""
    stacks = Stacks(aws)
    yield stacks
    stacks.clean_up()


@pytest.fixture
def look(embedded_aws: Rehearsal) -> Look:
    """What the embedded AWS shows under /_rehearsal/."""
    return embedded_aws.ask


@pytest.fixture
def function(aws: Clients) -> Make:
    """Makes a function of the given code, with a role of its own; returns its ARN."""

    def make(code: str, *, allowed_to: str | None = None) -> str:
        name = f"test-{uuid.uuid4().hex[:8]}"
        role = aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("handler.py", textwrap.dedent(code))
        created = aws("lambda").create_function(
            FunctionName=name,
            Role=role["Arn"],
            Runtime="python3.12",
            Handler="handler.handle",
            Timeout=30,
            Code={"ZipFile": archive.getvalue()},
        )
        if allowed_to:
            aws("lambda").add_permission(
                FunctionName=name,
                StatementId="allowed",
                Action="lambda:InvokeFunction",
                Principal=allowed_to,
            )
        return str(created["FunctionArn"])

    return make
