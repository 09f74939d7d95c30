"""The app as a user runs it: templates, or one message and a non-zero exit status."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

import app
from app import refuse_failed_look_ups
from emulator.clean_environment import run_command
from rehearsal.common.checkout import copy
from tests.support import ROOT, Document, Stacks
from tools.assembly import Stack

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the app is made of, for a test that changes a settings file."""
    copy(tmp_path / "checkout")
    return tmp_path / "checkout"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where ``run`` writes the templates."""
    return tmp_path / "out"


@pytest.fixture
def run(checkout: Path, context: Document, output: Path) -> Run:
    """``python app.py`` in the copy, with the context that the CDK command line would give."""

    def app_py(only: str = "production", look_ups: Document = context) -> Done:
        environment = {
            **os.environ,
            "CDK_VALIDATION": "false",
            "CDK_OUTDIR": str(output),
            "CDK_CONTEXT_JSON": json.dumps(look_ups | {"env": only}),
        }
        environment.pop("CDK_CLI_VERSION", None)
        return run_command([sys.executable, "-O", "app.py"], checkout, environment=environment)

    return app_py


def test_another_account_never_gets_the_examples_network(checkout: Path, run: Run) -> None:
    file = checkout / "environments" / "production.toml"
    text = file.read_text().replace("111122223333", "444455556666")
    for example in ("T0EXAMPLE0", "C0EXAMPLE0", "example/pagerduty"):
        text = text.replace(example, "T12345678" if example[0] == "T" else "C12345678")
    file.write_text(text.replace("github.com/vibewell", "example.com"))
    done = run()
    assert done.returncode == 1
    assert "account=444455556666" in done.stderr
    assert "make synth with credentials" in done.stderr
    assert "Traceback" not in done.stderr


def test_look_ups_that_failed_are_told_with_the_cause_first_and_without_dummies() -> None:
    why = "Need to perform AWS calls for account 444455556666, but no credentials"
    with pytest.raises(SystemExit) as ended:
        refuse_failed_look_ups(
            {
                "vpc-provider:account=444455556666": {"$providerError": why},
                "security-group:vpcId=vpc-12345": {"$providerError": why},
                "env": "production",
            }
        )
    assert str(ended.value).startswith(why)
    assert str(ended.value).count(why) == 1
    assert "vpc-provider:account=444455556666" in str(ended.value)
    assert "vpc-12345" not in str(ended.value)
    refuse_failed_look_ups({"vpc-provider:account=444455556666": {"vpcId": "vpc-1"}})


def test_a_fault_of_ours_is_one_line_and_a_file_without_a_value_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the value hunter2")

    monkeypatch.setattr(app, "synthesise", fail)
    monkeypatch.setattr(app, "FAULT", tmp_path / "build" / "synth-fault.txt")
    with pytest.raises(SystemExit) as ended:
        app.main()
    text = (tmp_path / "build" / "synth-fault.txt").read_text()
    assert "RuntimeError" in text
    assert "test_app.py" in text
    assert "hunter2" not in f"{ended.value}{text}"
    assert len(str(ended.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("written", "environment", "begins"),
    [
        ("cache.t3.meduim", "production", "environments/production.toml: redis.node_type: "),
        ("cache.t3.medium", "prod", "environments/prod.toml: there is no such environment. Those "),
    ],
)
def test_a_mistake_is_one_message_without_a_traceback_and_writes_nothing(
    checkout: Path, run: Run, output: Path, written: str, environment: str, begins: str
) -> None:
    file = checkout / "environments" / "production.toml"
    file.write_text(file.read_text().replace("cache.t3.medium", written))
    done = run(environment)
    assert done.returncode == 1
    assert done.stderr.startswith(begins)
    assert "Traceback" not in done.stderr
    assert not list(output.glob("*.template.json"))


def test_the_app_packs_the_functions_that_are_missing(checkout: Path, run: Run) -> None:
    shutil.rmtree(checkout / "build")
    done = run()
    assert done.returncode == 0, done.stderr
    for packed in sorted((ROOT / "build" / "functions").glob("*.zip")):
        made = checkout / "build" / "functions" / packed.name
        assert made.read_bytes() == packed.read_bytes(), packed.name


def test_functions_that_cannot_be_packed_are_one_line(checkout: Path, run: Run) -> None:
    shutil.rmtree(checkout / "build")
    (checkout / "lambda" / "requirements.txt").unlink()
    done = run()
    assert done.returncode == 1
    assert "the functions could not be packed" in done.stderr
    assert done.stderr.strip().endswith("Run make setup.")
    assert "Traceback" not in done.stderr


def test_a_network_in_one_zone_is_refused(context: Document, run: Run) -> None:
    narrow = deepcopy(context)
    (vpc,) = (value for key, value in narrow.items() if "vibewell-production-vpc" in key)
    for group in vpc["subnetGroups"]:
        group["subnets"] = group["subnets"][:1]
    done = run(look_ups=narrow)
    assert "has private subnets in 1 zones" in done.stderr
    assert done.returncode == 1


def test_one_environment_can_be_synthesised_alone(output: Path, run: Run) -> None:
    done = run("staging")
    assert done.returncode == 0, done.stderr
    assert {file.name for file in output.glob("*.template.json")} == {
        f"vibewell-redis-staging-{part}.template.json"
        for part in ("data", "monitoring", "operations")
    }


def test_no_template_carries_cdks_dummies(templates: Stacks) -> None:
    text = json.dumps([stack.body for stack in templates.values()])
    for dummy in ("vpc-12345", "sg-12345678", "dummy1a", "p-12345", "s-12345"):
        assert dummy not in text


def test_no_template_carries_a_secret_or_an_integration_address(templates: Stacks) -> None:
    text = json.dumps([stack.body for stack in templates.values()])
    assert "events.pagerduty.com" not in text
    for stack in templates.values():
        for secret in stack.of_type("AWS::SecretsManager::Secret").values():
            assert "SecretString" not in secret


def test_every_stack_is_tagged_and_named_with_its_environment(templates: Stacks) -> None:
    for name, stack in templates.items():
        environment = name.split("-")[2]
        if name.endswith("-data"):  # its tags would reach the user, which takes none
            assert "tags" not in stack.artifact["properties"]
            (group,) = stack.of_type("AWS::ElastiCache::ReplicationGroup").values()
            tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
        else:
            tags = stack.artifact["properties"]["tags"]
        assert tags["environment"] == environment
        assert set(tags) >= {"owner", "service"}


def test_what_watches_is_deployed_after_what_it_watches(templates: Stacks) -> None:
    for name, stack in templates.items():
        environment, part = name.rsplit("-", 1)
        before = {"data": None, "operations": "data", "monitoring": "operations"}[part]
        if before:
            assert f"{environment}-{before}" in stack.artifact["dependencies"]
        if part == "monitoring":
            # An import forbids its exporter a change: monitoring adds one to what operations has.
            operations = imports(templates[f"{environment}-operations"])
            (secret,) = imports(stack) - operations
            assert "RecoveryTokenSecret" in secret


def imports(stack: Stack) -> set[str]:
    """The names of what a stack imports from others."""
    return set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(stack.body)))
