"""What tests share."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from environments.schema import Settings
from tools.assembly import Stack

ROOT = Path(__file__).parent.parent
LIVE = ROOT / "environments"  # the user's own files
PLAN = ROOT / "tests" / "plan"  # the plan's literal settings, laid out as in a checkout
MAKEFILES = "\n\n".join(file.read_text() for file in (ROOT / "Makefile", *ROOT.glob("*/*.mk")))
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILES, re.MULTILINE))  # the commands of make
_BECOMES = "x" * 80  # what a reference is at deployment: an ARN, or a generated name

Document = dict[str, Any]
Stacks = dict[str, Stack]
Synth = Callable[[Iterable[Settings]], Stacks]
SynthChanged = Callable[[dict[str, Any]], Stacks]


def as_lambda_measures(variables: Document) -> str:
    """A function's variables as the text whose length Lambda limits: one JSON document of all.

    So the quotes within a variable count twice ("String measured", in
    github-aws-runners/terraform-aws-github-runner#3594).
    """
    text = json.dumps(variables, separators=(",", ":"))
    return re.sub(r'\{"(Ref|Fn::GetAtt)":[^}]*\}', json.dumps(_BECOMES), text)


class Refusing:
    """A client of which AWS refuses every call, with words that must not be repeated."""

    def __init__(self, code: str = "AccessDenied") -> None:
        self._error = {"Code": code, "Message": "hush"}

    def __getattr__(self, operation: str) -> Callable[..., None]:
        def refuse(**_: object) -> None:
            raise ClientError({"Error": self._error}, operation)

        refuse.__name__ = operation
        return refuse


def schema_of(kind: str) -> Document:
    """AWS's schema of a type of resource, from cfn-lint, which takes seconds to import."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    return dict(PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema)


class Answering:
    """A client that answers each operation with a document, or with what a function makes of it."""

    def __init__(self, **answers: Any) -> None:
        self.asked: list[tuple[str, Document]] = []
        self._answers = answers

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation not in self._answers:
            raise AttributeError(operation)
        answer = self._answers[operation]

        def call(**asked: Any) -> Any:
            self.asked.append((operation, asked))
            return answer(**asked) if callable(answer) else answer

        call.__name__ = operation
        return call


def pages_of_one(
    name: str, found: Sequence[Document], key: str = "NextToken"
) -> Callable[..., Document]:
    """An operation's answers in pages of one; ``key`` holds the next page's token."""

    def page(**asked: str) -> Document:
        at = int(asked.get(key, 0))
        following = {key: str(at + 1)} if at + 1 < len(found) else {}
        return {name: list(found[at : at + 1]), **following}

    return page


@pytest.fixture(autouse=True)
def credentials_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call can leave this machine under somebody's name."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
