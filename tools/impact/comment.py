"""Puts reports under a pull request, each in place of the one before: ``make comment``.

usage: comment.py FOLDER PULL-REQUEST

FOLDER holds a file review-ENVIRONMENT.md for each environment. The change under review made these
files, so their names are checked and go into no command. GITHUB_TOKEN, GITHUB_REPOSITORY and
GITHUB_API_URL come from the workflow. Nothing but Python is needed: the job that may write to the
repository installs nothing.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

AUTHOR = "github-actions[bot]"  # whom the workflow's own token writes as
_PAGE, _PAGES = 100, 30  # comments a page, and the most pages that are looked through
_LONGEST = 65_536  # characters that GitHub takes in a comment
_CUT = "\n\n… it is longer than a comment may be: the rest is in the run's summary."
_FENCE = re.compile(r"^(?:~{3,}|`{3})", re.MULTILINE)
_CLOSING = 50  # characters that closing a fence and its fold takes
_PATIENCE = 30  # seconds
_NAME = re.compile(r"review-([a-z][a-z0-9]{1,19})\.md")  # an environment's, as the settings allow


class CannotCommentError(Exception):
    """Why, and what to do."""


def main(arguments: list[str]) -> int:
    """0 when each comment says what its file says, 1 with the reason, 2 for usage."""
    if len(arguments) != 2 or not arguments[1].isdecimal():
        print("comment: give the reviews' folder and a pull request's number", file=sys.stderr)
        return 2
    folder, pull_request = Path(arguments[0]), arguments[1]
    try:
        github = GitHub.from_workflow()
        for environment, review in _reviews(folder).items():
            print(github.say(environment, review, pull_request))
    except (OSError, UnicodeDecodeError, HTTPException, CannotCommentError) as reason:
        print(f"comment: {reason}", file=sys.stderr)
        return 1
    return 0


def _reviews(folder: Path) -> dict[str, str]:
    """Each environment's review. Raises CannotCommentError for any other file, or none."""
    found = {}
    for file in sorted(folder.iterdir()):
        if not (name := _NAME.fullmatch(file.name)):
            raise CannotCommentError(f"{file.name!r} is not the review of an environment")
        found[name[1]] = file.read_text(encoding="utf-8")
    if not found:
        raise CannotCommentError(f"there is no review in {folder}/")
    return found


class GitHub:
    """The comments of one repository's pull requests."""

    def __init__(self, api: str, repository: str, token: str) -> None:
        self._issues = f"{api}/repos/{repository}/issues"
        self._token = token

    @classmethod
    def from_workflow(cls) -> "GitHub":
        """As the job's environment says. Raises CannotCommentError if it does not."""
        names = ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN")
        missing = [name for name in names if not os.environ.get(name)]
        if missing:
            raise CannotCommentError(f"{', '.join(missing)} is not set. A workflow's job sets it.")
        return cls(*(os.environ[name] for name in names))

    def say(self, environment: str, review: str, pull_request: str) -> str:
        """Create or replace the comment of an environment; returns its address."""
        marker = f"<!-- review of {environment} -->"
        text = f"{marker}\n{review}"
        if len(text) > _LONGEST:
            text = _cut(text)
        there = self._written(marker, pull_request)
        if there is None:
            answer = self._ask("POST", f"{self._issues}/{pull_request}/comments", {"body": text})
        else:
            answer = self._ask("PATCH", f"{self._issues}/comments/{there}", {"body": text})
        return str(answer["html_url"])

    def _written(self, marker: str, pull_request: str) -> int | None:
        """The one that was written before; others may quote its marker, and are left alone."""
        for comment in self._comments(pull_request):
            body: str = comment["body"] or ""
            if comment["user"]["login"] == AUTHOR and body.startswith(marker):
                return int(comment["id"])
        return None

    def _comments(self, pull_request: str) -> Iterator[dict[str, Any]]:
        for page in range(1, _PAGES + 1):
            address = f"{self._issues}/{pull_request}/comments?per_page={_PAGE}&page={page}"
            comments = self._ask("GET", address)
            yield from comments
            if len(comments) < _PAGE:
                return

    def _ask(self, method: str, address: str, body: dict[str, str] | None = None) -> Any:
        request = Request(  # noqa: S310 - the address begins with the job's own GITHUB_API_URL
            address,
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "Content-Type": "application/json",
            },
        )
        try:
            with urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310 - as above
                return json.load(answer)
        except HTTPError as refusal:
            where = re.sub(r"\?.*", "", address)
            raise CannotCommentError(
                f"GitHub answered {refusal.code} to {method} {where}. The job needs the permission "
                "pull-requests: write."
            ) from None


def _cut(text: str) -> str:
    """As much as a comment may hold, with what is open in it closed."""
    kept = text[: _LONGEST - len(_CUT) - _CLOSING]
    fences = _FENCE.findall(kept)
    closed = f"\n{fences[-1]}" if len(fences) % 2 else ""
    if kept.count("<details>") > kept.count("</details>"):
        closed += "\n</details>"
    return kept + closed + _CUT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
