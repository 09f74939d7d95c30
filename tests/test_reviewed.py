"""`make snapshots` writes what differs from the plan, and no resource's identity over another."""

from pathlib import Path

import pytest

from environments.schema import EXAMPLE_ACCOUNT
from tests.live.comparison import Reviewed, lost
from tests.support import Document


def test_a_difference_fails_until_it_is_renewed_and_has_a_file_while_it_is_one(
    tmp_path: Path,
) -> None:
    strict, renewing = (Reviewed(renew=renew, folder=tmp_path / "r") for renew in (False, True))
    strict.check("a", "plan", "plan")
    with pytest.raises(pytest.fail.Exception, match=r"run make snapshots(?s:.*)\-plan\n\+own"):
        strict.check("a", "own", "plan")
    renewing.check("a", "own", "plan")
    strict.check("a", "own", "plan")
    with pytest.raises(pytest.fail.Exception, match="run make snapshots"):
        strict.check("a", "plan", "plan")
    renewing.check("a", "plan", "plan")
    assert list((tmp_path / "r").iterdir()) == []


def test_what_is_of_an_environment_that_is_gone_is_taken_away(tmp_path: Path) -> None:
    strict, renewing = (Reviewed(renew=renew, folder=tmp_path) for renew in (False, True))
    renewing.check("kept", "own", "")
    renewing.check("gone", "own", "")
    with pytest.raises(pytest.fail.Exception, match="gone is of no environment"):
        strict.only({"kept"})
    renewing.only({"kept"})
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


def pins(account: str, region: str = "us-east-1", **resources: str) -> Document:
    return {"account": account, "region": region, "stacks": {"data": resources}}


@pytest.mark.parametrize(
    ("before", "found", "gone"),
    [
        (pins("1", key="a"), pins("1", key="a", more="b"), []),
        (pins("1", key="a"), pins("1", key="b"), ["data: key"]),
        (pins("1", key="a"), pins("1"), ["data: key"]),
        (pins("1", key="a"), {**pins("1"), "stacks": {}}, ["data: key"]),
        # It is in another place, where there is nothing yet.
        (pins("1", key="a"), pins("2", key="b"), []),
        (pins("1", key="a"), pins("1", "eu-west-1", key="b"), []),
        # Nothing was written down, or nothing can be deployed.
        ({}, pins("1", key="b"), []),
        (pins(EXAMPLE_ACCOUNT, key="a"), pins(EXAMPLE_ACCOUNT, key="b"), []),
    ],
)
def test_what_would_be_lost_is_what_an_account_has(
    before: Document, found: Document, gone: list[str]
) -> None:
    assert lost(before, found) == gone
