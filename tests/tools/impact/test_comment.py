"""A review under a pull request: one an environment, written anew in place."""

import json
import re
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tools.impact.comment import AUTHOR, main

TOKEN = "ghs_never-shown"  # noqa: S105 - of nobody
COMMENTS = "/repos/vibewell/redis/issues/7/comments"


class FakeGitHub(ThreadingHTTPServer):
    """The part of GitHub's issue comments that is used; every request must carry the token."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.forbids = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, author: str, body: str) -> dict[str, Any]:
        number = len(self.comments) + 1
        comment = {
            "id": number,
            "user": {"login": author},
            "body": body,
            "html_url": f"https://github.example/7#{number}",
        }
        self.comments.append(comment)
        return comment


class Handler(BaseHTTPRequestHandler):
    server: FakeGitHub

    def do_GET(self) -> None:
        asked = re.fullmatch(re.escape(COMMENTS) + r"\?per_page=(\d+)&page=(\d+)", self.path)
        assert asked
        size, page = int(asked[1]), int(asked[2])
        self.answer(200, self.server.comments[size * (page - 1) : size * page])

    def do_POST(self) -> None:
        assert self.path == COMMENTS
        self.answer(201, self.server.add(AUTHOR, self.body()))

    def do_PATCH(self) -> None:
        found = re.fullmatch(r"/repos/vibewell/redis/issues/comments/(\d+)", self.path)
        assert found
        comment = self.server.comments[int(found[1]) - 1]
        comment["body"] = self.body()
        self.answer(200, comment)

    def body(self) -> str:
        text = self.rfile.read(int(self.headers["Content-Length"]))
        said: str = json.loads(text)["body"]
        return said

    def answer(self, status: int, document: Any) -> None:
        self.server.asked.append(self.command)
        refused = self.server.forbids or self.headers["Authorization"] != f"Bearer {TOKEN}"
        self.send_response(403 if refused else status)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *_arguments: Any) -> None:
        """Tests read what was asked, not a log."""


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    server = FakeGitHub()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("GITHUB_API_URL", server.address)
    monkeypatch.setenv("GITHUB_REPOSITORY", "vibewell/redis")
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(timeout=120)
        server.server_close()


@pytest.fixture
def review(tmp_path: Path) -> Path:
    file = tmp_path / "review.md"
    file.write_text("**1 resource changes**\n")
    return file


def say(environment: str, file: Path) -> int:
    folder = file.parent / environment
    folder.mkdir(exist_ok=True)
    shutil.copy(file, folder / f"review-{environment}.md")
    return main([str(folder), "7"])


@pytest.mark.plan("2.4")
def test_a_second_review_takes_the_place_of_the_first(github: FakeGitHub, review: Path) -> None:
    assert say("production", review) == 0
    review.write_text("**2 resources change**\n")
    assert say("production", review) == 0
    (comment,) = github.comments
    assert comment["body"] == "<!-- review of production -->\n**2 resources change**\n"
    assert github.asked == ["GET", "POST", "GET", "PATCH"]


@pytest.mark.plan("2.4")
def test_each_environment_has_a_comment_of_its_own(github: FakeGitHub, review: Path) -> None:
    assert say("staging", review) == 0
    shutil.copy(review, review.parent / "staging" / "review-production.md")
    assert main([str(review.parent / "staging"), "7"]) == 0
    assert [re.findall(r"of (\w+)", comment["body"])[0] for comment in github.comments] == [
        "staging",
        "production",
    ]


@pytest.mark.plan("2.4")
def test_what_people_write_is_never_overwritten(github: FakeGitHub, review: Path) -> None:
    github.add("somebody", "<!-- review of production -->\nmine")
    github.add(AUTHOR, "I quote: <!-- review of production -->")
    assert say("production", review) == 0
    assert [comment["body"].splitlines()[-1] for comment in github.comments] == [
        "mine",
        "I quote: <!-- review of production -->",
        "**1 resource changes**",
    ]


@pytest.mark.plan("2.4")
def test_the_comment_is_found_behind_a_long_discussion(github: FakeGitHub, review: Path) -> None:
    for number in range(250):
        github.add("somebody", str(number))
    assert say("production", review) == 0
    github.add("somebody", "the last word")
    assert say("production", review) == 0
    assert len(github.comments) == 252
    assert github.asked == ["GET", "GET", "GET", "POST", "GET", "GET", "GET", "PATCH"]


@pytest.mark.parametrize("fence", ["", "<details>\n~~~~~~~~~~~~\n"])
def test_a_report_that_is_too_long_is_cut_and_says_so(
    github: FakeGitHub, review: Path, fence: str
) -> None:
    review.write_text(fence + "x" * 70_000)
    assert say("production", review) == 0
    (comment,) = github.comments
    assert 65_000 < len(comment["body"]) <= 65_536
    assert comment["body"].endswith("the rest is in the run's summary.")
    assert ("\n~~~~~~~~~~~~\n</details>\n\n" in comment["body"]) is bool(fence)


def test_a_refusal_says_which_permission_is_missing(
    github: FakeGitHub, review: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    github.forbids = True
    assert say("production", review) == 1
    told = capsys.readouterr()
    assert "403 to GET" in told.err
    assert "pull-requests: write" in told.err
    assert TOKEN not in told.out + told.err


@pytest.mark.usefixtures("github")
@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_API_URL"])
def test_outside_a_workflow_it_says_what_is_not_set(
    review: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.delenv(name)
    assert say("production", review) == 1
    assert capsys.readouterr().err == f"comment: {name} is not set. A workflow's job sets it.\n"


@pytest.mark.parametrize("arguments", [[], ["reviews"], ["reviews", "7;x"]])
def test_a_wrong_call_is_told_how(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "give the reviews' folder" in capsys.readouterr().err


def test_a_folder_without_a_review_is_named(
    github: FakeGitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none"), "7"]) == 1
    assert "none" in capsys.readouterr().err
    assert main([str(tmp_path), "7"]) == 1
    assert "there is no review in" in capsys.readouterr().err
    assert github.asked == []


@pytest.mark.parametrize("name", ["review-$(id).md", "review-a b.md", "x.md", "review-.md"])
def test_a_name_that_no_environment_can_have_is_refused(
    github: FakeGitHub, review: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    say("staging", review)
    shutil.copy(review, review.parent / "staging" / name)
    assert main([str(review.parent / "staging"), "7"]) == 1
    assert "is not the review of an environment" in capsys.readouterr().err
    assert len(github.comments) == 1
