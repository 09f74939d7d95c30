"""``make prove-on-aws`` runs whole against the emulator, and deletes what it made in any case."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from pytest_regressions.file_regression import FileRegressionFixture

from emulator.engines import ROOT
from rehearsal.common.rehearsal import Rehearsal, instead_of_the_users
from tests.emulator import sampled
from tools import prove_on_aws
from tools.answers import MissingFieldError
from tools.command import Answer
from tools.prove_on_aws import CHECKS, RECORDED, TABLE, lines, run, table

Prove = Callable[[Path], int]


@pytest.fixture
def prove(embedded_aws: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> Prove:
    """Runs the command's work on the embedded AWS; what it made is gone afterwards."""
    environment = embedded_aws.embedded_aws.environment
    monkeypatch.setenv("SSL_CERT_FILE", str(embedded_aws.authority))

    def on(out: Path) -> int:
        with instead_of_the_users(environment | {"SSL_CERT_FILE": str(embedded_aws.authority)}):
            return run(boto3.Session(), out, print, "run against the emulator", pause=0.1)

    return on


LISTS = {
    "elasticache": ("describe_replication_groups", "describe_users", "describe_user_groups"),
    "sns": ("list_topics",),
    "sqs": ("list_queues",),
    "cloudwatch": ("describe_alarms",),
}


def left(embedded_aws: Rehearsal) -> list[str]:
    cache = embedded_aws.aws("elasticache")
    answers = [getattr(embedded_aws.aws(of), call)() for of in LISTS for call in LISTS[of]]
    snapshots = cache.describe_snapshots(SnapshotSource="user")["Snapshots"]
    # The emulator's neighbour of each group has snapshots of its own, which stay.
    names = [one["SnapshotName"] for one in snapshots if "-staging" not in one["SnapshotName"]]
    return [str(one) for one in (*answers, *names) if re.search(r"scratch-[0-9a-f]{8}", str(one))]


def test_it_runs_whole_and_leaves_two_files_without_a_name_and_nothing_else(
    prove: Prove, embedded_aws: Rehearsal, tmp_path: Path
) -> None:
    assert prove(tmp_path) == 0
    page = (tmp_path / TABLE).read_text()
    passed = [line for line in CHECKS if "| pass: " in _row(page, line)]
    unknown = {"MAX over nodes ignores the primary"}  # nothing publishes metrics here
    assert CHECKS.keys() - set(passed) == unknown
    recorded = json.loads((tmp_path / RECORDED).read_text())
    assert "elasticache:DescribeReplicationGroups" in recorded
    for operation, samples in recorded.items():
        if not operation.startswith("elasticache:"):
            continue
        assert not {path for one in samples for path in sampled.unsampled(operation, one["fields"])}
    for text in (page, json.dumps(recorded)):
        assert not re.search(r"scratch-[0-9a-f]|444455556666", text)
    assert left(embedded_aws) == []


@pytest.mark.parametrize("fault", [KeyboardInterrupt, SystemExit])
def test_whatever_ends_it_everything_is_deleted(
    prove: Prove,
    embedded_aws: Rehearsal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: type[BaseException],
) -> None:
    def end(_scratch: Any) -> str:
        raise fault

    monkeypatch.setattr(prove_on_aws, "CHECKS", {"ModifyUser": end})
    with pytest.raises(fault):
        prove(tmp_path)
    assert left(embedded_aws) == []
    assert not list(tmp_path.iterdir()), "what another run has proven would be gone"


@pytest.mark.parametrize(
    "failure", [EndpointConnectionError(endpoint_url="https://aws"), MissingFieldError("no field")]
)
def test_a_deletion_that_fails_names_what_may_be_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failure: Exception
) -> None:
    def fail() -> None:
        raise failure

    monkeypatch.setattr(prove_on_aws, "CHECKS", {})
    monkeypatch.setattr(prove_on_aws.Scratch, "build", lambda it: it.undo.callback(fail))
    with pytest.raises(Answer, match=r"Look for what is left: .* scratch-[0-9a-f]{8}\."):
        run(boto3.Session(region_name="us-east-1"), tmp_path, print, "nowhere")


def _row(page: str, line: str) -> str:
    short = line.partition(":")[0]
    return next(row for row in page.splitlines() if row.startswith(f"| {short}"))


def test_each_check_proves_a_line_of_the_document_and_every_line_is_in_the_table() -> None:
    for start in CHECKS:
        assert [line for line in lines() if line.startswith(start)], start
    page = table({next(iter(CHECKS)): "pass: yes"}, "run on AWS")
    assert all(_row(page, line) for line in lines())
    assert page.count("| pass: yes |") == 1


def test_the_committed_table_is_of_a_run_on_aws_or_says_that_there_was_none(
    file_regression: FileRegressionFixture,
) -> None:
    if not (ROOT / RECORDED).exists():
        none_yet = table({}, "Not yet run on AWS, as of 2026-11-30")
        file_regression.check(none_yet, fullpath=ROOT / TABLE)  # make snapshots renews it
        assert "not yet run on AWS" in (ROOT / "README.md").read_text()
    assert "which is not AWS" not in (ROOT / TABLE).read_text()


def test_another_accounts_number_or_an_endpoint_begins_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = SimpleNamespace(environment=SimpleNamespace(account="1" * 12, region="us-east-1"))
    monkeypatch.setattr(prove_on_aws, "load", lambda _: settings)
    monkeypatch.setattr("builtins.input", lambda _: "2" * 12)
    with pytest.raises(Answer, match="that is not"):
        prove_on_aws._ask("sandbox", tmp_path)  # noqa: SLF001 - what main asks
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Answer, match="AWS_ENDPOINT_URL is set"):
        prove_on_aws._ask("sandbox", None)  # noqa: SLF001 - what main asks
