"""What the embedded AWS answers and refuses, held to AWS's own samples and botocore's models."""

import ast
import json
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError

from emulator.engines import ROOT
from rehearsal.common import commands
from rehearsal.common.account import remedied
from rehearsal.common.checks import CHECKS
from rehearsal.common.rehearsal import Clients, Rehearsal
from tests.emulator import sampled
from tests.rehearsal import by_hand


@cache
def words() -> set[str]:
    """Every text that our code has: the names of all fields that it reads are among them."""
    files = (path for root in ("lambda", "tools", "client") for path in (ROOT / root).rglob("*.py"))
    return {
        node.value
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_no_answer_has_a_field_for_our_code_that_awss_samples_lack(deployed: Rehearsal) -> None:
    for _, check in CHECKS:
        check(deployed)
    remedied(deployed)
    answered = deployed.ask("answers")
    assert len(answered) > 50
    unsampled = {
        field for name, paths in answered.items() for field in sampled.unsampled(name, paths)
    }
    names = {
        field: field.rpartition(".")[2].rpartition(" ")[2].rstrip("[]{}") for field in unsampled
    }
    assert not {field for field, name in names.items() if name in words()}


@pytest.mark.parametrize(
    ("service", "call", "given", "words"),
    [
        ("secretsmanager", "describe_secret", {"Nonsense": "secret"}, "Nonsense"),
        ("secretsmanager", "describe_secret", {"SecretId": ["secret"]}, "Invalid type"),
        ("lambda", "create_function", {"FunctionName": ["secret"]}, "Invalid type"),
        ("cloudformation", "describe_stacks", {"Nonsense": "secret"}, "Nonsense"),
        ("ec2", "describe_vpcs", {"MaxResults": "secret"}, "no integer"),
        ("elasticache", "describe_users", {"Filters.member.1.Of": "secret"}, "Filters.member.1.Of"),
        ("s3", "list_objects_v2", {"nonsense": "secret"}, "nonsense"),
        ("s3", "list_objects_v2", {"max-keys": "secret"}, "no integer"),
    ],
)
def test_a_member_that_the_model_lacks_or_has_otherwise_is_refused_and_not_repeated(
    aws: Clients, service: str, call: str, given: dict[str, Any], words: str
) -> None:
    client = aws(service)

    def spoil(params: dict[str, Any], **_: Any) -> None:
        if service == "s3":
            params["url"] += f"&{urlencode(given)}"
        elif isinstance(params["body"], dict):
            params["body"].update(given)
        else:
            params["body"] = json.dumps(json.loads(params["body"]) | given).encode()

    client.meta.events.register("before-call", spoil, "spoil")
    needed: dict[str, dict[str, object]] = {
        "describe_secret": {"SecretId": "x"},
        "list_objects_v2": {"Bucket": "x"},
        "create_function": {"FunctionName": "x", "Role": "arn:aws:iam::1:role/x", "Code": {}},
    }
    try:
        with pytest.raises(ClientError, match=words) as refused:
            getattr(client, call)(**needed.get(call, {}))
    finally:
        client.meta.events.unregister("before-call", unique_id="spoil")
    assert "secret" not in str(refused.value).replace("SecretId", "").replace("DescribeSecret", "")


PREFIX = "vibewell-redis-production"
SCHEDULED = '{"scheduled": true}'
READERS = [
    *((f"tools.{name}", "production") for name in ("health", "drift", "stacks", "preflight")),
    ("tools.impact", "production", "deployed"),
    ("tools.look", "production", "engine-cpu"),
    (f"function:{PREFIX}-rotation", '{"reconcile": true}'),
    (f"function:{PREFIX}-recovery", '{"watch": true}'),
    *(
        (f"function:{PREFIX}-{name}", SCHEDULED)
        for name in (
            *("health", "review-configuration", "review-capacity", "review-metrics"),
            "review-watch",
        )
    ),
]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def reader(deployed: Rehearsal, tmp_path: Path) -> Run:
    """Runs a reader on whole answers or on minimal ones."""

    def run(*command: str, minimal: bool) -> "subprocess.CompletedProcess[str]":
        fields = tmp_path / "fields.json"
        fields.write_text(json.dumps(sampled.minimal() if minimal else {}))
        module = str(ROOT / "tests/emulator/aws/minimal.py")
        python = commands.module(module, str(fields), *command)
        python.remove("-m")
        return commands.run(deployed, python)

    return run


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_a_reader_says_the_same_of_answers_with_no_field_that_one_sample_lacks(
    command: tuple[str, ...], reader: Run
) -> None:
    whole, minimal = (reader(*command, minimal=minimal) for minimal in (False, True))
    before, after = (re.sub(r"-?[\d.:]+(e-\d+)?", "#", run.stdout) for run in (whole, minimal))
    assert (minimal.returncode, after) == (whole.returncode, before), minimal.stderr


def test_what_was_changed_by_hand_is_found_in_minimal_answers_too(
    deployed: Rehearsal, reader: Run
) -> None:
    with by_hand.changed(deployed) as expected:
        said = reader(f"function:{PREFIX}-review-configuration", SCHEDULED, minimal=True)
    assert [says for says in expected if says not in said.stdout] == [], said.stderr
