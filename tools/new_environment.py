"""Add an environment: its settings, after another's, and its jobs in the workflows.

python -m tools.new_environment NAME FROM CHANNEL
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from environments import load as settings_files
from environments.load import load
from environments.together import refuse_shared
from tools.assembly import text_of
from tools.command import Answer, ended

WORKFLOWS = Path(__file__).parent.parent / ".github" / "workflows"
# What two environments of one account may not share, or what people would mistake for another's.
_NAMES = (
    *("subnet_group_name", "security_group_name", "replication_group_id", "parameter_group_name"),
    *("slack_channel_name", r"server_tag\s*=.*\bvalue"),
)
_OWN_NETWORK = ("vpc_name", "application_security_group_name")
_COMMITTED = "Save it as UTF-8, or take the committed one again."
_JOB = re.compile(r"^  ([\w-]+):$", re.MULTILINE)
_USAGE = (
    "Write make new-environment NAME=qa FROM=staging CHANNEL=C0123456789: NAME is new, FROM has a "
    "file, and CHANNEL is the id of a Slack channel of its own, which Chatbot takes once in an "
    "account."
)


def main(name: str, source: str, channel: str) -> int:
    """Write what names the environment ``name``, or raise Answer and write nothing."""
    if not (name and source and channel):
        raise Answer(f"make new-environment: NAME, FROM or CHANNEL is missing. {_USAGE}")
    taken = {
        job for file in WORKFLOWS.glob("*.yml") for job in _JOB.findall(text_of(file, _COMMITTED))
    }
    if not re.fullmatch(r"[a-z][a-z0-9]{1,19}", name) or name in taken:
        raise Answer(
            f"make new-environment: {name!r} is not 2 to 20 lower-case letters and digits, or is "
            f"the name of a workflow's job already. {_USAGE}"
        )
    folder = settings_files.FOLDER
    if (folder / f"{name}.toml").exists():
        raise Answer(f"environments/{name}.toml: it is there already. {_USAGE}")
    load(source)  # a copy of what is wrong would be wrong
    text = settings(name, source, channel)
    with tempfile.TemporaryDirectory() as scratch:
        tried = Path(scratch) / "environments"
        tried.mkdir()
        for file in folder.glob("*.toml"):
            shutil.copy(file, tried)
        (tried / f"{name}.toml").write_text(text, encoding="utf-8")
        refuse_shared(load(name, tried), tried)
    changed = dict(workflows(name, source))
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    for file, content in changed.items():
        file.write_text(content)
    print(f"environments/{name}.toml is {source}'s with names of its own. Read it, then:")
    print(*(f"  {file.name}: jobs of {name}, after {source}'s" for file in changed), sep="\n")
    print("  docs/operate/environments.md: the steps that are left, in AWS and at GitHub")
    return 0


def settings(name: str, source: str, channel: str) -> str:
    """The file of ``source`` with the new names; comments stay."""
    text = (settings_files.FOLDER / f"{source}.toml").read_text(encoding="utf-8-sig")
    own = _OWN_NETWORK if re.search(r'^kind\s*=\s*"own"', text, re.MULTILINE) else ()
    for key in (*_NAMES, *own):
        text = re.sub(
            rf'^({key}\s*=\s*)"([^"]*)"',
            lambda found: f'{found[1]}"{_renamed(found[2], source, name)}"',
            text,
            flags=re.MULTILINE,
        )
    for key, value in (("name", name), ("slack_channel_id", channel)):
        text = re.sub(rf'^({key}\s*=\s*)"[^"]*"', rf'\g<1>"{value}"', text, flags=re.MULTILINE)
    return re.sub(r"^(own_identity_provider\s*=\s*)true", r"\1false", text, flags=re.MULTILINE)


def _renamed(old: str, source: str, name: str) -> str:
    return old.replace(source, name) if source in old else f"{old}-{name}"


def workflows(name: str, source: str) -> Iterator[tuple[Path, str]]:
    """Each workflow that has jobs of ``source``, with the same of ``name`` behind them."""
    matrix = re.compile(rf"^( +environment: \[.*\b{source}\b)(.*\])$", re.MULTILINE)
    job = re.compile(r"^  [\w-]+:\n(?:(?:    .*)?\n)+", re.MULTILINE)
    deploys = re.compile(rf"^    environment: {source}(-plan)?\b", re.MULTILINE)
    for file in sorted(WORKFLOWS.glob("*.yml")):
        before = text_of(file, _COMMITTED)
        text = matrix.sub(rf"\1, {name}\2", before)
        if copied := [block.rstrip() for block in job.findall(text) if deploys.search(block)]:
            new = _of(name, source, "\n\n".join(copied) + "\n")
            text = text.replace(copied[-1], f"{copied[-1]}\n\n{new.rstrip()}")
        if text != before:
            yield file, text


def _of(name: str, source: str, jobs: str) -> str:
    for job in _JOB.findall(jobs):
        if source not in job:  # "prepare" becomes "prepare-qa", wherever these jobs name it
            jobs = re.sub(rf"\bneeds(\.|: ){job}\b", rf"needs\1{job}-{name}", jobs)
            jobs = jobs.replace(f"  {job}:\n", f"  {job}-{name}:\n", 1)
    jobs = re.sub(r"^(\s+name: prepared)$", rf"\1-{name}", jobs, flags=re.MULTILINE)
    jobs = re.sub(rf"\b{source.title()}\b", name.title(), jobs)
    waits = re.compile(r"^    needs: \[")  # for what every environment waits for
    return "".join(
        line if waits.match(line) else re.sub(rf"\b{source}\b", name, line)
        for line in jobs.splitlines(keepends=True)
    )


if __name__ == "__main__":
    sys.exit(
        ended(
            lambda: main(*sys.argv[1:4]),
            "make new-environment",
            interrupted="git status shows what was written.",
        )
    )
