"""What holds for every workflow, so that none is the weak one."""

import re
from collections import defaultdict

import pytest

from tests.support import ROOT, TARGETS
from tests.workflows.workflow import Job, documents, files, jobs

JOBS = list(jobs())
each_job = pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
each_workflow = pytest.mark.parametrize("name", sorted(documents()))


def test_every_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    pins: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for file in files():
        for line in re.findall(r"^\s*-? *uses: .*$", file.read_text(), re.MULTILINE):
            found = re.fullmatch(r"\s*-? *uses: ([\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line)
            assert found, f"{file.name}: {line.strip()}"
            pins[found[1]].add((found[2], found[3]))
    for action, found_pins in pins.items():
        assert len(found_pins) == 1, f"{action} is pinned to {found_pins}"


def test_every_pin_is_in_the_list_of_where_it_was_seen() -> None:
    page = (ROOT / "docs" / "operate" / "delivery.md").read_text()
    for file in files():
        for action, commit in re.findall(r"uses: ([\w./-]+)@(\w+)", file.read_text()):
            assert f"{action}` | `{commit}`" in page, f"docs/operate/delivery.md: {action}@{commit}"


@each_workflow
def test_a_step_fails_when_any_part_of_its_pipe_fails(name: str) -> None:
    assert documents()[name]["defaults"] == {"run": {"shell": "bash"}}


@each_job
def test_a_job_has_the_least_permissions(job: Job) -> None:
    permissions = dict(job.body["permissions"])
    assert permissions.pop("contents") == "read"
    if "environment" in job.body:
        assert permissions == {"id-token": "write"}
    elif job.id == "comment":
        assert permissions == {"pull-requests": "write"}
    else:
        assert permissions == {}


@each_job
def test_a_job_ends_and_runs_on_a_machine_of_one_kind(job: Job) -> None:
    assert 0 < job.body["timeout-minutes"] <= 360
    assert job.body["runs-on"] in {"ubuntu-24.04", "macos-15"}


@each_job
def test_every_command_is_one_that_a_laptop_runs(job: Job) -> None:
    assert len(job.targets) == len(job.scripts) > 0
    for script in job.scripts:
        assert script.startswith("make ")
    assert set(job.targets) <= TARGETS


def test_no_workflow_keeps_a_key_or_runs_a_forks_code_with_rights() -> None:
    for file in files():
        text = file.read_text()
        assert "secrets." not in text
        assert "access-key" not in text
        assert "pull_request_target" not in text
        assert "workflow_run" not in text


@each_job
def test_credentials_come_after_everything_that_is_installed(job: Job) -> None:
    kinds = [step.get("uses", step.get("run", "")).partition("@")[0] for step in job.steps]
    if "aws-actions/configure-aws-credentials" not in kinds:
        assert "environment" not in job.body
        return
    assert kinds.index("make setup") < kinds.index("aws-actions/configure-aws-credentials")
    assert "environment" in job.body
