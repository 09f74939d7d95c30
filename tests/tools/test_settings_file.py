"""An environment's file is changed as a person would: a value, and nothing around it."""

import tomllib

import pytest

from environments.load import SettingsError
from tests.support import PLAN
from tools import settings_file

TEXT = (PLAN / "environments" / "production.toml").read_text()


def test_a_value_changes_and_every_other_line_with_its_comment_stays() -> None:
    changes = {
        "redis.replicas": 3,
        "alarms.cpu_credit_balance": None,
        "redis.attached.address": "a",
    }
    after = settings_file.edited(TEXT, changes)
    before = set(TEXT.splitlines())
    assert {line.split()[0] for line in before - set(after.splitlines())} == {
        "replicas",
        "cpu_credit_balance",
    }
    assert set(after.splitlines()) - before == {
        "replicas = 3                             # §2.1",
        "[redis.attached]",
        'address = "a"',
    }
    assert tomllib.loads(after)["redis"]["attached"] == {"address": "a"}


def test_the_same_value_in_another_spelling_is_no_change() -> None:
    document = tomllib.loads(TEXT)
    assert settings_file.differing(
        document, {"redis.parameters.timeout": "300", "redis.parameters.hz": "20"}
    ) == {"redis.parameters.hz": 20}


def test_a_text_that_the_settings_refuse_is_refused_by_the_files_name() -> None:
    with pytest.raises(SettingsError, match=r"^environments/production.toml: redis.replicas: 9 "):
        settings_file.checked("production", settings_file.edited(TEXT, {"redis.replicas": 9}))
