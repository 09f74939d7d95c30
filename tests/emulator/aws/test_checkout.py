"""The copy that is deployed, and the checkout that is not touched."""

import shutil
from pathlib import Path

import pytest

from emulator.clean_environment import ACCOUNT, REGION
from environments.load import load
from environments.schema import Settings
from rehearsal.common.checkout import Checkout
from rehearsal.common.errors import RehearsalError
from tests.edits import EDITS, OWN_ENDPOINTS, Copy
from tests.support import PLAN
from tests.variants import DURABLE, Change


@pytest.fixture
def copy(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path / "checkout", "production")
    checkout.make()
    return checkout


@pytest.mark.parametrize(
    ("key", "value"),
    [("alarm.kind", 1), ("redis.engine.kind", 1), ("engine", None), ("alarms.kind", None)],
)
def test_a_table_or_a_removed_key_that_is_not_there_is_an_error(
    copy: Checkout, key: str, value: object
) -> None:
    before = copy.file.read_text()
    with pytest.raises(RehearsalError, match=rf"production\.toml: {key}: .* is not there"):
        copy.set(key, value)
    assert copy.file.read_text() == before


def test_a_key_is_set_and_removed_in_its_own_table_alone(copy: Checkout) -> None:
    before = copy.settings
    copy.set("redis.extra_commands", ["keys"])
    assert copy.settings == before | {"redis": before["redis"] | {"extra_commands": ["keys"]}}
    copy.set("redis.extra_commands", None)
    assert copy.settings == before


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
