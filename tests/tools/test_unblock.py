"""``make unblock``: what is given back, and the exit status."""

import subprocess
from typing import Any

import pytest

from tests.support import ROOT
from tools import unblock
from vibewell_redis import RateLimiter, Settings


@pytest.fixture
def limiter(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> RateLimiter:
    """Of production, whose settings lead to a memory."""
    url = f"memory://{tmp_path.name.replace('_', '-')}"
    settings = Settings.from_environment({"REDIS_URL": url})
    monkeypatch.setattr(unblock, "session", lambda _: None)
    monkeypatch.setattr(Settings, "from_parameter_store", lambda *_: settings)
    return RateLimiter.from_settings(settings)


def test_a_blocked_user_is_let_in_again(
    limiter: RateLimiter, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [bool(limiter.hit("mfa", user="42")) for _ in range(6)][-1] is False
    assert unblock.main(["production", "mfa", "user=42", "ip="]) == 0
    assert limiter.test("mfa", user="42").windows[0].remaining == 5
    assert "user 42 may use all of mfa again" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["production", "mfaa", "user=42"], 1, "there is no tier 'mfaa'"),
        (["production", "mfa", "ip=", "user="], 2, "make unblock ENV=staging"),
        (["production"], 2, "make unblock ENV=staging"),
    ],
)
def test_a_mistake_is_one_message(
    limiter: RateLimiter,
    arguments: list[str],
    status: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del limiter
    assert unblock.main(arguments) == status
    assert said in capsys.readouterr().err


def test_the_user_is_not_the_one_who_is_logged_in_at_the_terminal() -> None:
    command = ["make", "-n", "unblock", "ENV=production", "TIER=mfa"]
    lines = [
        subprocess.run(
            [*command, *more], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
            env={"PATH": "/usr/bin:/bin", "USER": "operator"},
        ).stdout
        for more in ([], ["USER=42"])
    ]  # fmt: skip
    assert "operator" not in lines[0]
    assert '"user=42"' in lines[1]
