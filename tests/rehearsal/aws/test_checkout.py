"""The copy that is deployed, and the checkout that is not touched."""

from pathlib import Path

import pytest

from rehearsal.checkout import Checkout
from rehearsal.clean_environment import ACCOUNT
from rehearsal.errors import RehearsalError
from rehearsal.rehearsal import Rehearsal
from tests.support import PLAN


@pytest.fixture
def copy(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path / "checkout", "production")
    made.make()
    return made


def test_the_copy_has_its_own_account_and_channels_and_the_original_keeps_its_own(
    copy: Checkout,
) -> None:
    assert copy.settings["environment"]["account"] == ACCOUNT
    assert copy.settings["notifications"]["slack_channel_id"] == "C0REHEARSAL"
    assert ACCOUNT not in (PLAN / "environments/production.toml").read_text()


def test_a_value_is_changed_in_its_line_and_the_comment_stays(copy: Checkout) -> None:
    copy.set("snapshot_retention_days", "9")
    assert copy.settings["redis"]["snapshot_retention_days"] == 9
    text = (copy.folder / "environments/production.toml").read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("snapshot_retention_days"))
    assert "# §" in line


def test_a_key_that_is_not_there_is_an_error(copy: Checkout) -> None:
    with pytest.raises(RehearsalError, match="0 lines that set no_such_key"):
        copy.set("no_such_key", "1")


def test_a_network_that_is_not_there_stops_the_synth(embedded_aws: Rehearsal) -> None:
    embedded_aws.checkout.make()
    embedded_aws.checkout.set("vpc_name", '"no-such-vpc"')
    with pytest.raises(RehearsalError, match="no-such-vpc"):
        embedded_aws.cdk.synth("production")
