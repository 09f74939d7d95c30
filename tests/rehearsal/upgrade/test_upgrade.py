"""Production upgraded from Redis 6.2 to Valkey 8.0 by one line, and builds that must not pass."""

from contextlib import ExitStack

import pytest

from rehearsal.common import commands, stacks
from rehearsal.common.deployed import Deployed, token
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.upgrade import engine
from rehearsal.upgrade.engine import check_data, identity, require_nothing_replaced, require_same
from rehearsal.upgrade.steps import Beside, to_engine

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type
DATA = "vibewell-redis-production-data"
OLD, NEW = "redis-6.2", "valkey-8.0"
PATIENCE = 120.0  # seconds without Redis, on however busy a machine

pytestmark = pytest.mark.plan("7.1")


@pytest.fixture(scope="module")
def said(replaced: Rehearsal) -> dict[str, str]:
    """What each step of the upgrade found; how long it interrupts, make rehearse-upgrade says."""
    with ExitStack() as context:
        steps = Beside(context).steps("upgrade", to_engine(NEW), longest_gap=PATIENCE)
        return {label: step(replaced) for label, step in steps}


def test_a_build_with_another_key_is_not_deployed(replaced: Rehearsal) -> None:
    (file,) = replaced.checkout.folder.glob(f"cdk.out/{DATA}.template.json")
    before = file.read_text()
    resources = replaced.cdk.template(DATA)["Resources"]
    (key,) = (name for name, one in resources.items() if "KMS::Key" in one["Type"])
    file.write_text(before.replace(key, "AnotherKey"))
    try:
        with pytest.raises(RehearsalError, match=r"would replace or delete(.|\n)*AWS::KMS::Key"):
            require_nothing_replaced(replaced)
    finally:
        file.write_text(before)


def test_one_line_changes_the_engine_and_loses_nothing(
    replaced: Rehearsal, said: dict[str, str]
) -> None:
    assert said["upgrade"].startswith(f"{OLD} -> {NEW} on every node")
    assert "its own parameter group, the old is gone" in said["upgrade"]
    assert engine.running(replaced) == NEW
    assert "and the token" in said["nothing that holds something was replaced"]
    assert "as they were written" in said["the data is there"]
    assert "18 users have what they had left" in said["the applications' own account"]
    assert "checks passed" in said["the deployment's own health check"]


@pytest.mark.usefixtures("said")
def test_the_way_back_is_refused_before_aws_is_asked(replaced: Rehearsal) -> None:
    replaced.checkout.set("redis.engine", OLD)
    try:
        said = commands.printed(replaced, commands.guard(replaced), fails=True)
    finally:
        replaced.checkout.set("redis.engine", NEW)
    assert said.startswith(
        f"deploy: environments/production.toml asks for {OLD}, which is older than what "
        f"vibewell-redis runs: {NEW}."
    )
    assert 'Write engine = "valkey-8.0"' in said
    assert commands.printed(replaced, commands.guard(replaced)) == ""


@pytest.mark.usefixtures("said")
def test_one_lost_key_fails_the_scenario(replaced: Rehearsal) -> None:
    check_data(replaced)
    with Deployed.of(replaced).connect() as redis:
        before = redis.get("upgrade-proof:text:7")
        redis.delete("upgrade-proof:text:7")
        with pytest.raises(RehearsalError, match=r"lost data: upgrade-proof:text:7 is None"):
            check_data(replaced)
        redis.set("upgrade-proof:text:7", before)
        redis.persist("upgrade-proof:expiring")
    with pytest.raises(RehearsalError, match=r"expiring has -1 s to live"):
        check_data(replaced)


@pytest.mark.usefixtures("said")
def test_a_build_that_writes_another_token_fails_the_scenario(replaced: Rehearsal) -> None:
    before = identity(replaced)
    assert token(replaced) not in repr(before)

    def shorter(resources: stacks.Resources) -> None:
        (secret,) = (one for one in resources.values() if one["Type"] == SECRET)
        secret["Properties"]["GenerateSecretString"]["PasswordLength"] = 63

    stacks.update(replaced, DATA, shorter)
    with pytest.raises(RehearsalError, match="lost or replaced the token"):
        require_same(before, identity(replaced))
