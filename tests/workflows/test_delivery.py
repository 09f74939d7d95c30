"""The way from a pull request to production: nothing is skipped, nothing overtakes (§2.4, 7.1)."""

import json
import shlex
from fnmatch import fnmatch

import pytest

from constructs.delivery.workflow_role import HOURS
from emulator.clean_environment import run_command
from environments.load import environment_names
from tests.support import LIVE
from tests.workflows.workflow import events, job, jobs
from tools.deploy import cdk_deploy

pytestmark = pytest.mark.plan("2.4")
STAGING, PRODUCTION = "vibewell-redis-staging", "vibewell-redis-production"


def test_staging_is_deployed_and_healthy_before_production_is_prepared() -> None:
    staging, prepare = job("deliver.yml", "staging"), job("deliver.yml", "prepare")
    assert staging.targets == ["setup", "deploy"]
    assert "staging" in prepare.body["needs"]
    assert prepare.targets == ["setup", "prepare"]


def test_a_merge_that_adds_a_permission_waits_for_no_terminal_and_a_person_is_asked() -> None:
    (deploys,) = (run for run in job("deliver.yml", "staging").scripts if "make deploy" in run)
    assert _cdk_deploy(*deploys.split()[1:])[-2:] == ["--require-approval", "never"]
    # CDK's own default asks before rights grow.
    assert "--require-approval" not in _cdk_deploy("deploy", "ENV=staging")


def test_each_deployment_has_a_change_set_of_its_own() -> None:
    """CDK's own name is shared: it would execute what another deployment put there meanwhile."""
    names = set()
    for _ in range(2):
        command = _cdk_deploy("deploy", "ENV=staging")
        names.add(command[command.index("--change-set-name") + 1])
    assert len(names) == 2


def dry_run(*arguments: str) -> str:
    """The commands that make would run."""
    return run_command(
        ["make", "--no-print-directory", "--dry-run", *arguments], seconds=180, check=True
    ).stdout


def _cdk_deploy(*arguments: str) -> list[str]:
    shown = dry_run(*arguments)
    (line,) = (line for line in shown.splitlines() if " tools.deploy " in line)
    name, _, reviewed, *cdk = shlex.split(line.partition(" tools.deploy ")[2])
    return cdk_deploy(name, cdk, reviewed=bool(reviewed))


def test_production_executes_what_was_prepared_and_only_after_an_approval() -> None:
    prepare, production = job("deliver.yml", "prepare"), job("deliver.yml", "production")
    assert production.body["needs"] == "prepare"
    assert production.body["environment"] == "production"
    assert prepare.body["environment"] == "production-plan", "a role of its own"
    assert production.targets == ["setup", "execute"]
    left, taken = prepare.given("upload-artifact"), production.given("download-artifact")
    assert left["path"] == f"{taken['path']}/production.json"
    assert left["name"] == taken["name"]


def test_nothing_deploys_production_past_the_approval() -> None:
    for found in jobs():
        if "deploy" in found.targets:
            assert found.body["environment"] != "production"
        if found.body.get("environment") == "production":
            assert "cancelled" not in found.body.get("if", "")
            assert "always" not in found.body.get("if", "")


def test_an_environment_has_one_run_at_a_time_and_none_is_cut_off() -> None:
    seen = set()
    for found in jobs():
        environment = found.body.get("environment")
        if environment is None or found.workflow == "drift.yml":
            continue
        group = f"vibewell-redis-{environment.removesuffix('-plan')}"
        concurrency = {"group": group, "cancel-in-progress": False, "queue": "max"}
        assert found.body["concurrency"] == concurrency
        seen.add(group)
    assert seen >= {STAGING, PRODUCTION}


@pytest.mark.plan("7.1")
def test_no_job_outlasts_its_credentials_nor_they_the_role() -> None:
    taking = 0
    for found in jobs():
        for step in found.steps:
            if "configure-aws-credentials" in step.get("uses", ""):
                seconds = step["with"].get("role-duration-seconds", 3600)
                assert found.body["timeout-minutes"] * 60 <= seconds <= HOURS * 3600, found.name
                taking += 1
    assert taking > 5
    # Two updates of three nodes, by AWS's estimate, and ten minutes for the set-up.
    assert job("updates.yml", "production").body["timeout-minutes"] > 2 * 3 * 30 + 10


@pytest.mark.parametrize(("target", "then"), [("deploy", "tools.deploy"), ("prepare", "prepare")])
def test_the_account_is_read_before_anything_is_created(target: str, then: str) -> None:
    lines = dry_run(target, "ENV=staging").splitlines()
    (reads,) = (number for number, line in enumerate(lines) if "tools.preflight" in line)
    assert "synth.sh" in lines[reads - 1]
    assert any(then in line for line in lines[reads + 1 :])
    assert not any("tools.deploy" in line for line in lines[:reads])


def test_a_pull_request_is_checked_tested_and_reviewed_without_aws() -> None:
    assert job("pull-request.yml", "check").targets == ["check"]
    tested = job("pull-request.yml", "test")
    assert tested.targets == ["rehearse", "test", "reports"]
    assert tested.steps[-1]["with"]["path"] == "build/report/*.html"
    review = job("pull-request.yml", "review")
    assert review.targets == ["setup", "impact"]
    for found in jobs():
        if found.workflow == "pull-request.yml":
            assert "id-token" not in found.body["permissions"]
            assert "environment" not in found.body


def test_every_environment_is_reviewed_and_has_its_comment() -> None:
    listed, review = (job("pull-request.yml", name) for name in ("environments", "review"))
    printed = run_command(["make", "--silent", *listed.targets], check=True)
    key, _, names = printed.stdout.partition("=")
    assert json.loads(names) == environment_names(LIVE)
    assert listed.body["outputs"] == {
        key: f"${{{{ steps.{listed.steps[-1]['id']}.outputs.names }}}}"
    }
    assert listed.id in review.body["needs"]
    assert review.body["strategy"]["matrix"] == {
        "environment": f"${{{{ fromJSON(needs.{listed.id}.outputs.{key}) }}}}"
    }
    # One job for all: the names are the change's, and what may write must not run them.
    comment = job("pull-request.yml", "comment")
    uploaded, taken = review.given("upload-artifact"), comment.given("download-artifact")
    assert "strategy" not in comment.body
    assert fnmatch(uploaded["name"], taken["pattern"])
    assert f"FOLDER={taken['path']}" in comment.scripts[-1]


def test_the_bases_judge_judges_and_runs_no_code_of_the_change() -> None:
    review, templates = (job("pull-request.yml", name) for name in ("review", "synthesise"))
    kinds = [step.get("uses", step.get("run", "")).partition("@")[0] for step in review.steps]
    judge, change = (one["with"] for one in review.steps if "actions/checkout" in str(one))
    assert judge["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert "path" not in judge
    assert "ref" not in change
    # Whatever is installed or built is the base's: the change's files come after it.
    assert kinds.index("make setup") < len(kinds) - 1 - kinds[::-1].index("actions/checkout")
    assert review.scripts[-1].split("|")[0].split()[-1] == f"CHANGE={change['path']}"
    taken, left = review.given("download-artifact"), templates.given("upload-artifact")
    assert taken == {"name": left["name"], "path": f"{change['path']}/{left['path']}"}
    # One that is skipped would count as passed.
    assert review.body["if"].startswith("${{ !cancelled()")
    assert templates.targets == ["synth"]


def test_the_job_that_may_write_runs_no_code_of_the_change_and_not_for_a_fork() -> None:
    comment = job("pull-request.yml", "comment")
    assert comment.given("actions/checkout")["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert "head.repo.full_name == github.repository" in comment.body["if"]
    assert comment.targets == ["comment"]


def test_drift_is_looked_for_every_day_by_a_role_that_cannot_fix_it() -> None:
    (schedule,) = events("drift.yml")["schedule"]
    assert schedule["cron"].split()[2:] == ["*", "*", "*"]
    drift = job("drift.yml", "drift")
    assert drift.body["environment"] == "${{ matrix.environment }}-plan"
    assert drift.targets == ["setup", "drift"]


def test_a_delivery_has_its_bill_of_materials() -> None:
    bill = job("deliver.yml", "bill-of-materials")
    assert bill.targets == ["sbom"]
    assert bill.steps[-1]["with"]["path"] == "build/sbom/*.json"
    assert "bill-of-materials" in job("deliver.yml", "prepare").body["needs"]


@pytest.mark.plan("7.1")
def test_updates_come_every_month_to_staging_first_and_to_production_after_an_approval() -> None:
    (schedule,) = events("updates.yml")["schedule"]
    *_time, day, month, weekday = schedule["cron"].split()
    assert day.isdecimal()
    assert (month, weekday) == ("*", "*")
    staging, load = job("updates.yml", "staging"), job("updates.yml", "load")
    production = job("updates.yml", "production")
    assert staging.targets[-1] == production.targets[-1] == "apply-updates"
    assert "ENV=staging" in staging.scripts[-1]
    assert "ENV=production" in production.scripts[-1]
    assert load.body["needs"] == "staging"
    assert load.scripts[-1] == "make loadtest SHORT=1"
    assert set(production.body["needs"]) == {"staging", "load"}
    assert production.body["environment"] == "production"


@pytest.mark.plan("7.1")
def test_a_security_update_takes_the_same_way_at_once() -> None:
    dispatch = events("updates.yml")["workflow_dispatch"]
    assert dispatch["inputs"]["security"]["type"] == "boolean"
    for name in ("staging", "production"):
        assert 'SECURITY="$SECURITY"' in job("updates.yml", name).scripts[-1]
