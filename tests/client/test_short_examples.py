"""The short examples of each framework: limited, and at most 20 lines."""

import asyncio
import importlib
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emulator.clean_environment import run_command
from tests.client.test_routes import ask, ask_wsgi
from tests.support import ROOT

EXAMPLES = sorted((ROOT / "client/example/short").glob("[!_]*.py"))


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REDIS_URL", f"memory://{tmp_path.name.replace('_', '-')}")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_it_has_at_most_20_lines(example: Path) -> None:
    assert len(example.read_text().splitlines()) <= 20


def module(name: str) -> Any:
    return importlib.reload(importlib.import_module(f"example.short.{name}"))


def test_fastapi() -> None:
    app = module("with_fastapi").application

    async def use() -> list[int]:
        return [(await ask(app, "/code"))[0] for _ in range(6)]

    assert asyncio.run(use()) == [200] * 5 + [429]


def test_flask() -> None:
    app = module("with_flask").app
    answers = [ask_wsgi(app, "/code") for _ in range(6)]
    assert [answer[0] for answer in answers] == [200] * 5 + [429]
    assert all("ratelimit" in headers for _, headers, _ in answers)


def test_django() -> None:
    import django
    from django.conf import settings
    from django.urls import path

    urls: list[Any] = []
    settings.configure(ROOT_URLCONF=tuple(urls), ALLOWED_HOSTS=["*"], SECRET_KEY="x")  # noqa: S106
    django.setup()
    found = module("with_django")
    settings.ROOT_URLCONF = (path("code", found.code),)
    answers = [ask_wsgi(found.application, "/code") for _ in range(6)]
    assert [answer[0] for answer in answers] == [200] * 5 + [429]
    assert answers[5][1]["content-type"] == "application/problem+json"
    assert all("ratelimit" in headers for _, headers, _ in answers)


def test_celery() -> None:
    from celery.exceptions import Retry

    export = module("with_celery").export
    assert {export("7") for _ in range(10)} == {"exported 7"}
    with pytest.raises(Retry) as later:
        export.apply(["7"], throw=True)
    assert later.value.when > 50


def test_script(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("example.short.script")
    assert capsys.readouterr().out.split() == ["imported", "0", "imported", "1", "imported", "2"]


def test_the_fixtures_for_pytest(rate_limiter: Any, rate_limit_settings: Any) -> None:
    assert [bool(rate_limiter.hit("mfa", user="42")) for _ in range(6)] == [True] * 5 + [False]
    settings = rate_limit_settings(mfa="2,60", free="1,1;9,60")
    assert (str(settings.tiers["mfa"]), str(settings.tiers["free"])) == ("2,60", "1,1;9,60")


@pytest.mark.long
def test_pyright_finds_nothing_in_them(tmp_path: Path) -> None:
    npm, node = (str(Path(sys.executable).with_name(name)) for name in ("npm", "node"))
    package = ["--no-save", "--no-audit", "--no-fund", "--prefix", str(tmp_path), "pyright@1.1.414"]
    subprocess.run([npm, "install", *package], check=True, timeout=300, capture_output=True)
    pyright = [node, str(tmp_path / "node_modules/pyright/index.js"), "--pythonpath"]
    command = [*pyright, sys.executable, "example/short"]
    done = run_command(command, ROOT / "client", environment={}, seconds=300)
    assert done.stdout.splitlines()[-1] == "0 errors, 0 warnings, 0 informations", done.stdout
