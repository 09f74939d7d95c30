"""What `make scale` writes and refuses, and that no older revision takes it back."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from environments import load as settings_files
from environments.schema import Settings
from shared.versions import CURRENT, PENDING
from tests.lambda_rotation.model.fake_aws import ServiceError, fake_service
from tests.stacks.test_attached import ATTACHED
from tests.support import PLAN, Document, Synth
from tests.tools.test_deploy_guard import REST, Account, account
from tests.variants import LARGE, changed
from tools import scale
from tools.assembly import Stack
from tools.change_sets.record import Prepared, Record
from tools.command import Answer
from tools.deploy_guard import check_scaled

__all__ = ["account"]
pytestmark = pytest.mark.plan("1")

CHANGE = {"ResourceType": scale.GROUP, "LogicalResourceId": "Redis", "Action": "Modify"}
BEFORE = {"Redis": {"Type": scale.GROUP, "Properties": {"CacheNodeType": "t", "Engine": "redis"}}}


def size(kind: str = "m", **others: str) -> Document:
    properties = {"CacheNodeType": kind, "Engine": "redis", **others}
    return {"Redis": {"Type": scale.GROUP, "Properties": properties}}


def test_the_change_has_all_that_depends_on_the_node_type(production: Settings) -> None:
    assert scale.changes(production, "cache.m6g.large", "3") == {
        "redis.node_type": "cache.m6g.large",
        "redis.replicas": 3,
        "alarms.cpu_credit_balance": None,
    }
    assert scale.changes(production, "", "3") == {"redis.replicas": 3}


@pytest.mark.parametrize(
    ("change", "kind", "replicas", "says"),
    [
        (ATTACHED, "cache.m6g.large", "", "belongs to somebody else"),
        ({}, "cache.m6g.lagre", "", 'NODE_TYPE: "cache.m6g.lagre".*Write "cache.m6g.large"'),
        ({}, "", "three", "REPLICAS=three is no number"),
    ],
)
def test_what_is_no_such_change_is_refused(
    change: Document, kind: str, replicas: str, says: str, document: Document
) -> None:
    settings = Settings.model_validate(changed(document, change))
    with pytest.raises(Answer, match=says):
        scale.changes(settings, kind, replicas)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"redis.node_type": "cache.t3.small"}, "is smaller"),
        ({"redis.replicas": 1}, "is smaller"),
        (
            {**LARGE, "redis.node_type": "cache.r6gd.xlarge", "redis.data_tiering": True},
            "differs from cache.t3.medium in data tiering",
        ),
    ],
)
def test_what_cannot_be_had_in_a_hurry_is_refused(
    change: Document, says: str, document: Document, production: Settings
) -> None:
    after = Settings.model_validate(changed(document, {"alarms.cpu_credit_balance": 57, **change}))
    with pytest.raises(Answer, match=says):
        scale.refuse_smaller(production, after)


def test_price_and_interruption_are_shown(document: Document, production: Settings) -> None:
    larger = Settings.model_validate(changed(document, LARGE))
    now, then, interruption = scale.said(production, larger)
    assert "3 nodes of cache.t3.medium, 2.32 GiB each, $148.92" in now
    assert "3 nodes of cache.m6g.large, 4.79 GiB each, $326.31" in then
    assert "writes are refused for some seconds" in interruption
    more = Settings.model_validate(changed(document, {"redis.replicas": 3}))
    assert list(scale.said(production, more))[2].startswith("Interruption: none")


@pytest.mark.parametrize(
    ("group", "user", "label", "says"),
    [
        ("snapshotting", "active", None, "vibewell-redis is snapshotting"),
        ("available", "modifying", None, "is being rotated"),
        ("available", "active", PENDING, "is being rotated"),
    ],
)
def test_a_rotation_or_a_backup_is_waited_for_and_a_token_to_be_retired_is_not(
    group: str, user: str, label: str | None, says: str, account: Account, production: Settings
) -> None:
    account.put(CURRENT)  # an hour ago: the token before is retired in a day
    account.moved(hours=1)
    scale.require_quiet(production, client_of(account))
    account.group, account.user = {"Status": group}, REST | {"Status": user}
    if label:
        account.put(label)
    with pytest.raises(Answer, match=says):
        scale.require_quiet(production, client_of(account))


def client_of(account: Account) -> Callable[..., Any]:
    """Clients of an account in which no stack is being changed."""

    def refuse(*_: object) -> Document:
        raise ServiceError("does not exist")

    def client(service: str, **_: object) -> Any:
        if service != "cloudformation":
            return account.client(service)
        fake = fake_service(service)
        fake.answer = refuse
        return fake.client

    return client


class Prepared_:  # noqa: N801 - in the place of Preparation
    """One change set of the data stack, with these changes."""

    def __init__(self, *found: Document) -> None:
        self.found = {"vibewell-redis-production-data": list(found)}
        self.withdrawn = 0

    def of(self, environment: str, stacks: list[Stack]) -> Record:
        arn = "arn" if self.found[stacks[0].name] else None
        return Record(environment, (Prepared(stacks[0].name, arn, ""),))

    def withdraw(self, _record: Record) -> None:
        self.withdrawn += 1


def templates(monkeypatch: pytest.MonkeyPatch, after: Document) -> None:
    """What is deployed, and what the checkout synthesises."""
    data = Stack("vibewell-redis-production-data", {"Resources": after}, {}, [])
    monkeypatch.setattr(scale, "read", lambda _: {data.name: data})
    monkeypatch.setattr(scale, "template", lambda *_: {"Resources": BEFORE})


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: Account) -> Path:
    """Production's file in a folder of its own, on an account at rest."""
    folder = tmp_path / "environments"
    folder.mkdir()
    copy = folder / "production.toml"
    copy.write_text((PLAN / "environments" / "production.toml").read_text())
    monkeypatch.setattr(settings_files, "FOLDER", folder)
    monkeypatch.chdir(tmp_path)

    class Session:
        client = staticmethod(client_of(account))

    monkeypatch.setattr(scale, "session", lambda *_: Session)
    done: CompletedProcess[str] = CompletedProcess("cdk", 0)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: done)
    templates(monkeypatch, size())
    return copy


@pytest.mark.parametrize(
    ("after", "found", "status", "says"),
    [
        (size(), [CHANGE], 0, "Nothing was changed"),
        (size(Engine="valkey"), [CHANGE], 1, "would also change Redis"),
        ({"Redis": size()["Redis"] | {"DeletionPolicy": "Delete"}}, [CHANGE], 1, "DeletionPolicy"),
        (size() | {"More": {"Type": "AWS::SNS::Topic"}}, [CHANGE], 1, "AWS::SNS::Topic"),
        ({}, [CHANGE], 1, "would also change Redis"),
        (size(), [], 1, "finds no change"),
    ],
)
def test_unconfirmed_or_with_another_change_the_file_is_put_back(
    after: Document,
    found: list[Document],
    status: int,
    says: str,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, preparation = file.read_text(), Prepared_(*found)
    templates(monkeypatch, after)
    monkeypatch.setattr(scale, "Preparation", lambda *_: preparation)
    monkeypatch.setattr(scale, "execute", lambda *_: pytest.fail("it was executed"))
    assert scale.main(["production", "cache.m6g.large", "", "staging", "cdk"]) == status
    printed = capsys.readouterr()
    assert says in printed.out + printed.err
    assert file.read_text() == before
    assert preparation.withdrawn == (status == 0)


def test_a_revision_from_before_it_is_not_deployed(
    document: Document, synth: Synth, production: Settings
) -> None:
    bodies = {}
    for name, moment in (("old", None), ("new", "2026-11-30T10:00:00Z")):
        made = {"environment.name": name, **({"redis.scaled": moment} if moment else {})}
        stacks = synth([Settings.model_validate(changed(document, made))])
        bodies[name] = stacks[f"vibewell-redis-{name}-data"].body
    check_scaled(production, bodies["old"], bodies["new"])
    check_scaled(production, bodies["new"], bodies["new"])
    with pytest.raises(Answer, match='scaled = "2026-11-30T10:00:00Z"'):
        check_scaled(production, bodies["new"], bodies["old"])


@pytest.mark.parametrize("arguments", [[], ["production", "", "", ""], ["", "a", "", "", "cdk"]])
def test_a_command_that_says_too_little_is_usage(arguments: list[str]) -> None:
    assert scale.main(arguments) == 2
