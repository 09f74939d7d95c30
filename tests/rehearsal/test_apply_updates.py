"""`make apply-updates` on the deployed production: applied and waited for, or refused."""

import re
from collections.abc import Iterator

import pytest

from emulator.clean_environment import ACCOUNT
from environments.load import load
from environments.schema import Settings
from rehearsal.common.deployed import Deployed
from rehearsal.common.rehearsal import Rehearsal, instead_of_the_users, only
from tools import apply_updates, command

pytestmark = pytest.mark.plan("7.1")

PENDING = "AWSPENDING"


@pytest.fixture
def account(deployed: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsal]:
    """The embedded AWS is the one that boto3 finds, and answers are looked for more often."""
    monkeypatch.setattr(apply_updates, "LOOK_EVERY", 0.2)
    for module in (apply_updates, command):
        monkeypatch.setattr(module, "load", _of_the_rehearsal)
    with instead_of_the_users(deployed.embedded_aws.environment):
        yield deployed


def _of_the_rehearsal(name: str) -> Settings:
    settings = load(name)
    environment = settings.environment.model_copy(update={"account": ACCOUNT})
    return settings.model_copy(update={"environment": environment})


@pytest.fixture
def rotating(deployed: Rehearsal) -> Iterator[None]:
    """A rotation that has begun: a version with the service's label."""
    manager, secret = deployed.aws("secretsmanager"), only(deployed, SECRET, "-data").physical_id
    version = manager.put_secret_value(
        SecretId=secret, SecretString="x" * 64, VersionStages=[PENDING]
    )["VersionId"]
    yield
    manager.update_secret_version_stage(
        SecretId=secret, VersionStage=PENDING, RemoveFromVersionId=version
    )


SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type


def run_id(rehearsal: Rehearsal) -> str:
    with Deployed.of(rehearsal).connect() as redis:
        return str(redis.info("server")["run_id"])


def nodes_of(rehearsal: Rehearsal, *names: str) -> dict[str, str]:
    """How many nodes have these updates; other tests of the session publish some too."""
    actions = rehearsal.aws("elasticache").describe_update_actions()["UpdateActions"]
    found = {one["ServiceUpdateName"]: one["NodesUpdated"] for one in actions}
    return {name: found[name] for name in names}


def test_security_updates_at_once_the_others_by_the_month_and_the_data_stays(
    account: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, kind in (("patch", "security-update"), ("minor", "engine-update")):
        account.ask("publish_service_update", name=name, severity="important", kind=kind)
    with Deployed.of(account).connect() as redis:
        redis.set("apply-updates", "kept")
    before = run_id(account)

    assert apply_updates.main(["production", "--security"]) == 0
    told = capsys.readouterr().out
    assert re.search("✓ patch +security-update", told)
    assert "left: not a security update" in told
    assert "checks passed" in told
    assert nodes_of(account, "patch", "minor") == {"patch": "3/3", "minor": "0/3"}

    assert apply_updates.main(["production"]) == 0
    assert re.search("✓ minor +engine-update", capsys.readouterr().out)
    assert nodes_of(account, "patch", "minor") == {"patch": "3/3", "minor": "3/3"}

    assert run_id(account) != before
    with Deployed.of(account).connect() as redis:
        assert redis.get("apply-updates") == "kept"

    assert apply_updates.main(["production"]) == 0
    assert "no service update waits for this group" in capsys.readouterr().out


@pytest.mark.usefixtures("rotating")
def test_nothing_is_applied_while_the_token_is_rotated(
    account: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    account.ask("publish_service_update", name="later", severity="critical")
    assert apply_updates.main(["production"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("apply-updates: not while the token changes")
    assert "Try again in" in told
    assert nodes_of(account, "later") == {"later": "0/3"}
