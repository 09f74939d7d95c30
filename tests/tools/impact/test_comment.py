"""A review under a pull request: one for each environment, written again in place."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.impact.comment import AUTHOR, main

# The part of gh api that is used, as gh 2.23 was seen to answer; what else it is asked fails.
GH = f"""#!{sys.executable}
import json, os, re, sys
from pathlib import Path
file = Path(os.environ["COMMENTS"])
there = json.loads(file.read_text())
comments = "repos/vibewell/redis/issues/7/comments"
jq = ".[] | {{id, login: .user.login, body}}"
everything = ["--paginate", comments + "?per_page=100", "--jq", jq]
match sys.argv[1:]:
    case ["api", *_] if not os.environ.get("GITHUB_TOKEN"):
        sys.exit("gh: To get started with GitHub CLI, please run: gh auth login")
    case ["api", *asked] if asked == everything:
        print("\\n".join(json.dumps(one) for one in there))
        sys.exit()
    case ["api", "--method", "POST", where, *_] if where == comments:
        there.append({{"id": len(there), "login": "{AUTHOR}"}})
        written = there[-1]
    case ["api", "--method", "PATCH", where, *_] if where.startswith(comments.replace("/7/", "/")):
        written = there[int(where.rpartition("/")[2])]
    case other:
        sys.exit(f"gh: unknown: {{other}}")
assert sys.argv[5:] == ["--field", "body=@-", "--jq", ".html_url"]
written["body"] = sys.stdin.read()
file.write_text(json.dumps(there))
print("https://github.example/7#" + str(written["id"]))
"""
Say = Callable[..., int]

pytestmark = pytest.mark.plan("2.4")


@pytest.fixture
def comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What is under the pull request; somebody wrote before, and a bot quotes."""
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    marker = "<!-- review of production -->"
    there: list[dict[str, Any]] = [
        {"login": "somebody", "body": f"{marker}\nmine"},
        {"login": AUTHOR, "body": f"I quote: {marker}"},
        {"login": AUTHOR, "body": None},
    ]
    file = tmp_path / "comments.json"
    file.write_text(json.dumps([{"id": number, **one} for number, one in enumerate(there)]))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("COMMENTS", str(file))
    monkeypatch.setenv("GITHUB_REPOSITORY", "vibewell/redis")
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_never-shown")

    def found() -> list[str]:
        now = json.loads(file.read_text())
        assert [{"id": one, **each} for one, each in enumerate(there)] == now[:3]
        return [one["body"] for one in now[3:]]

    return found


@pytest.fixture
def say(tmp_path: Path) -> Say:
    def run(**reviews: str) -> int:
        folder = tmp_path / "reviews"
        folder.mkdir(exist_ok=True)
        for name, text in reviews.items():
            (folder / f"review-{name}.md").write_text(text)
        return main([str(folder), "7"])

    return run


def test_each_environment_has_one_comment_and_a_second_review_takes_its_place(
    comments: Callable[[], list[str]], say: Say
) -> None:
    assert say(production="**1 resource changes**\n") == 0
    assert say(production="**2 resources change**\n", staging="é\n") == 0
    assert say() == 0
    assert comments() == [
        "<!-- review of production -->\n**2 resources change**\n",
        "<!-- review of staging -->\né\n",
    ]


def test_a_report_that_is_too_long_is_cut_and_says_so_where_it_begins(
    comments: Callable[[], list[str]], say: Say
) -> None:
    assert say(production="x" * 70_000) == 0
    (text,) = comments()
    assert len(text) == 65_536
    assert text.splitlines()[1].endswith("the rest is in the run's summary.**")


def test_a_refusal_is_one_message_with_what_it_needs(
    comments: Callable[[], list[str]],
    say: Say,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY")
    assert say(production="x") == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("comment: gh api ")
    assert "It needs GITHUB_TOKEN and GITHUB_REPOSITORY" in printed.err
    assert "ghs_never-shown" not in printed.out + printed.err
    assert comments() == []


@pytest.mark.usefixtures("comments")
@pytest.mark.parametrize("name", ["review-$(id).md", "review-a b.md", "x.md", "review-.md", ""])
def test_a_name_that_no_environment_can_have_is_refused(
    say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = tmp_path / "reviews"
    folder.mkdir()
    if name:
        (folder / name).write_text("x")
    assert say() == 1
    wrong = "is not the review of an environment" if name else "there is no review in"
    assert wrong in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["reviews"], ["reviews", "7;x"]])
def test_a_wrong_call_ends_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "give the reviews' folder" in capsys.readouterr().err
