"""Puts reports under a pull request, each in place of the one before: ``make comment``.

usage: comment.py FOLDER PULL-REQUEST

FOLDER holds review-ENVIRONMENT.md for each environment. The change under review made these files,
so their names are checked and go into no command. The job that may write to the repository installs
nothing: GitHub's runners have ``gh``, which reads GITHUB_REPOSITORY and GITHUB_TOKEN.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

AUTHOR = "github-actions[bot]"  # whom the workflow's own token writes as
_LONGEST = 65_536  # characters that GitHub takes in a comment
_CUT = "**It is longer than a comment may be: the rest is in the run's summary.**\n\n"
_NAME = re.compile(r"review-([a-z][a-z0-9]{1,19})\.md")  # an environment's, as the settings allow
_COMMENTS = ".[] | {id, login: .user.login, body}"  # one line of JSON for each


def main(arguments: list[str]) -> int:
    """0 when each comment says what its file says, 1 with the reason, 2 for usage."""
    if len(arguments) != 2 or not arguments[1].isdecimal():
        print("comment: give the reviews' folder and a pull request's number", file=sys.stderr)
        return 2
    try:
        files = sorted(Path(arguments[0]).iterdir())
        for file in files:
            if not _NAME.fullmatch(file.name):
                raise ValueError(f"{file.name!r} is not the review of an environment")
        if not files:
            raise ValueError(f"there is no review in {arguments[0]}/")
        for file in files:
            environment = file.stem.removeprefix("review-")
            print(_write(environment, file.read_text(encoding="utf-8"), arguments[1]))
    except (OSError, ValueError, subprocess.TimeoutExpired) as reason:
        print(f"comment: {reason}", file=sys.stderr)
        return 1
    return 0


def _write(environment: str, review: str, pull_request: str) -> str:
    """Write the comment of an environment, or write it again in place; returns its address."""
    marker = f"<!-- review of {environment} -->"
    issues = f"repos/{os.environ.get('GITHUB_REPOSITORY')}/issues"
    comments = f"{issues}/{pull_request}/comments"
    lines = _gh("--paginate", f"{comments}?per_page=100", "--jq", _COMMENTS).splitlines()
    # Others may quote the marker: theirs are left alone.
    before = [
        f"{issues}/comments/{one['id']}"
        for one in map(json.loads, lines)
        if one["login"] == AUTHOR and (one["body"] or "").startswith(marker)
    ]
    where = ("PATCH", before[0]) if before else ("POST", comments)
    text = f"{marker}\n{review}"
    if len(text) > _LONGEST:
        text = f"{marker}\n{_CUT}{review}"[:_LONGEST]
    asked = ("--method", *where, "--field", "body=@-", "--jq", ".html_url")
    return _gh(*asked, text=text).strip()


def _gh(*arguments: str, text: str = "") -> str:
    command = ["gh", "api", *arguments]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        raise ValueError(
            f"gh api {' '.join(arguments)}: {done.stderr.strip()}. It needs GITHUB_TOKEN and "
            "GITHUB_REPOSITORY, as a workflow's job has them, and the permission "
            "pull-requests: write."
        )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
