"""The copy that is deployed, and the checkout that is not touched."""

import shutil
from pathlib import Path

import pytest

from emulator.clean_environment import ACCOUNT, REGION
from environments.load import load
from environments.schema import Settings
from rehearsal.common.checkout import Checkout
from tests.edits import EDITS, OWN_ENDPOINTS, Copy
from tests.support import PLAN
from tests.variants import DURABLE, Change


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy:
    """Somebody's settings, which every checkout is made with."""
    shutil.copytree(PLAN, tmp_path / "theirs")
    monkeypatch.setattr("environments.load.FOLDER", tmp_path / "theirs" / "environments")
    return Copy(tmp_path / "theirs")


def rehearsed(theirs: Copy, name: str) -> tuple[Settings, list[str]]:
    checkout = Checkout(theirs.folder.with_name("checkout"), name)
    checkout.make()
    return load(name, checkout.folder / "environments"), checkout.instead


def test_a_rehearsal_is_where_the_embedded_aws_is(theirs: Copy) -> None:
    """In its Region, with endpoints in place of those that the user's VPC has."""
    EDITS["another account and Region"](theirs)
    theirs.change(OWN_ENDPOINTS, "development")
    settings, instead = rehearsed(theirs, "development")
    assert (settings.environment.account, settings.environment.region) == (ACCOUNT, REGION)
    assert settings.rotation.endpoints == ("elasticache",), "secretsmanager is the network's own"
    assert settings.rotation.endpoint_security_group_id is None
    assert instead == ["endpoints of the deployment's own"]


@pytest.mark.parametrize(
    ("change", "engine"), [({"redis.engine": "redis-7.1"}, "redis-7.0"), (DURABLE, "valkey-8.0")]
)
def test_an_engine_that_no_rehearsal_has_is_replaced_by_one_that_is_named(
    theirs: Copy, change: Change, engine: str
) -> None:
    theirs.change(change)
    settings, instead = rehearsed(theirs, "production")
    assert settings.redis.engine.name == engine
    assert instead == [f"{engine} in place of {change['redis.engine']}"]
