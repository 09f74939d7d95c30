"""Rotation, health check, recovery test and servers' values as the template makes them."""

import json
import re

import pytest

from constructs.common.idle_functions import NOT_READY
from constructs.recovery import recovery_machine as machine
from constructs.recovery.recovery_test import COUNT, values
from constructs.servers import server_values
from environments.schema import Settings
from health.desired import Desired, Inside
from recovery.manifest import checksum, digest
from tests.stacks import template
from tests.stacks.template import HERE, PREFIX, permitted, variables
from tests.support import SynthChanged
from tests.variants import ABSENT, DURABLE, SHARDED, Change
from tools.assembly import Document, Stack

GROUP_SECRET = "ExportsOutputRefTokenSecret"  # noqa: S105 - the name of an export
CACHE = f"arn:aws:elasticache:{HERE}"
VALUES = f"{PREFIX}-server-values"


@pytest.mark.parametrize(
    ("name", "expression", "given"),
    [
        pytest.param(*row, marks=pytest.mark.plan(*sections.split()), id=str(row[0]))
        for sections, *row in (
            ("2.3", "rotation", "rate(5 minutes)", {"reconcile": True}),
            ("2.4", "health", "rate(5 minutes)", {"scheduled": True}),
            ("4.2 7.3", "recovery-monthly", "cron(0 9 ? * MON#1 *)", {}),
            ("4.2", "recovery-watch", "rate(10 minutes)", {"watch": True}),
            ("4.2", "recovery-keep", "rate(10 minutes)", {"sentinels": values("vibewell-redis")}),
            ("4.2", "recovery-warm", "rate(1 day)", {"warm": True}),
        )
    ],
)
def test_it_runs_on_its_schedule(
    operations: Stack, name: str, expression: str, given: Document
) -> None:
    found = template.schedule(operations, name)
    assert found["ScheduleExpression"] == expression
    assert json.loads(found["Target"]["Input"]) == given
    assert found.get("State", "ENABLED") == "ENABLED"


def test_the_rotation_refuses_fewer_logins_than_the_alarm_takes(
    operations: Stack, production: Settings
) -> None:
    given = variables(operations, "rotation")
    assert 2 * int(given["MOST_REFUSED_LOGINS"]) < production.alarms.refused_logins_per_minute
    assert int(given["RETIRE_AFTER_SECONDS"]) == production.rotation.retire_after_hours * 3600


@pytest.mark.parametrize(("name", "kind"), [("health", Desired), ("health-login", Inside)])
def test_the_health_check_can_read_what_the_template_gives(
    operations: Stack, name: str, kind: type[Desired | Inside]
) -> None:
    given = template.text(variables(operations, name)["DESIRED"])
    assert kind.read({"DESIRED": given}).group_id == "vibewell-redis"


def test_endpoints_of_the_vpcs_own_are_opened_and_none_is_made(synth_changed: SynthChanged) -> None:
    own = "sg-0a1b2c3d4e5f60718"
    change = {"rotation.endpoints": [], "rotation.endpoint_security_group_id": own}
    operations = synth_changed(change)["operations"]
    assert not operations.of_type("AWS::EC2::VPCEndpoint")
    assert "AWS_ENDPOINT_URL" not in json.dumps(operations.body)
    outs, ins = (
        [rule for rule in operations.of_type(kind).values() if rule["FromPort"] == 443]
        for kind in ("AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress")
    )
    assert [rule["DestinationSecurityGroupId"] for rule in outs] == 4 * [own]
    assert [rule["GroupId"] for rule in ins] == 4 * [own]


@pytest.fixture(scope="module")
def states(operations: Stack) -> dict[str, Document]:
    definition = operations.only("AWS::StepFunctions::StateMachine")["Definition"]
    assert definition["TimeoutSeconds"] == machine.LONGEST_SECONDS
    found: dict[str, Document] = definition["States"]
    return found


@pytest.mark.plan("4.2")
def test_every_failure_leads_to_the_removal_and_every_removal_to_the_report(
    states: dict[str, Document],
) -> None:
    tasks = {name: state for name, state in states.items() if state["Type"] == "Task"}
    assert set(tasks) == {"Choose", "Restore", "Look", "Verify", "Remove", "Report"}
    assert "Catch" not in tasks.pop("Report")
    for name, state in tasks.items():
        (catch,) = state["Catch"]
        assert catch["ErrorEquals"] == ["States.ALL"]
        assert catch["Next"] == ("Report" if name == "Remove" else "Remove"), name
    led_to = {"Begin"}
    for state in states.values():
        for part in (state, *state.get("Catch", ()), *state.get("Choices", ())):
            led_to |= {part[key] for key in ("Next", "Default") if key in part}
    assert led_to == set(states), "each is reached and leads to one that is there"


@pytest.mark.plan("4.2")
def test_every_task_waits_for_an_idle_function_and_has_a_limit(
    operations: Stack, states: dict[str, Document]
) -> None:
    ready = {f"Lambda.{error}" for error in NOT_READY}
    for state in states.values():
        if state["Type"] == "Wait":
            assert state["Seconds"] == machine.PAUSE_SECONDS
        if state["Type"] != "Task":
            continue
        assert machine.STEP_SECONDS < state["TimeoutSeconds"] < 2 * machine.STEP_SECONDS
        assert all(0 < retry["MaxAttempts"] < 10 for retry in state["Retry"])
        waiting = next(each for each in state["Retry"] if ready <= set(each["ErrorEquals"]))
        pauses = [
            waiting["IntervalSeconds"] * waiting["BackoffRate"] ** number
            for number in range(waiting["MaxAttempts"])
        ]
        assert 10 * 60 < sum(pauses) < 12 * 60
        assert max(pauses) < 3 * 60
    given = variables(operations, "recovery")
    assert int(given["SWEEP_AFTER_SECONDS"]) > machine.LONGEST_SECONDS
    assert int(given["GIVE_UP_AFTER_SECONDS"]) < machine.LONGEST_SECONDS


@pytest.mark.plan("4.2")
def test_it_may_make_and_delete_throw_away_groups_and_no_other(operations: Stack) -> None:
    throw_away = f"{CACHE}:replicationgroup:vibewell-redis-recovery-*"
    may = permitted(operations, f"What {PREFIX}-recovery may do")
    assert [on for action, on in may if action.endswith(":DeleteReplicationGroup")] == [throw_away]
    making = [on for action, on in may if action == "elasticache:CreateReplicationGroup"]
    assert [on for on in making if "replicationgroup:" in json.dumps(on)] == [throw_away]
    called = permitted(operations, "Call the functions of the recovery test")
    assert {
        operations.resources[on["Fn::GetAtt"][0]]["Properties"]["FunctionName"] for _, on in called
    } == {f"{PREFIX}-recovery", f"{PREFIX}-recovery-verifier"}


@pytest.mark.plan("4.2")
@pytest.mark.parametrize(
    ("change", "sources", "durable"),
    [
        ({}, ["vibewell-redis-0??"], False),
        (SHARDED, ["vibewell-redis-0???-0??", "vibewell-redis"], False),
        (DURABLE, ["vibewell-redis-0???-0??", "vibewell-redis"], True),  # ElastiCache decides
    ],
)
def test_it_restores_automatic_snapshots_of_this_group_alone_in_its_own_form(
    synth_changed: SynthChanged, change: Change, sources: list[str], durable: bool
) -> None:
    operations = synth_changed(change)["operations"]
    snapshots = [
        on
        for action, on in permitted(operations, f"What {PREFIX}-recovery may do")
        if action == "elasticache:CreateReplicationGroup" and ":snapshot:" in json.dumps(on)
    ]
    assert snapshots == [f"{CACHE}:snapshot:automatic.{one}-20??-??-??-*" for one in sources]
    for name in ("recovery", "recovery-verifier", "recovery-keeper"):
        assert variables(operations, name)["CLUSTER_MODE"] == str(bool(change)).lower()
    assert variables(operations, "recovery")["DURABLE"] == str(durable).lower()


def test_every_function_with_a_network_of_its_own_is_called_at_least_once_a_day(
    operations: Stack,
) -> None:
    functions = operations.of_type("AWS::Lambda::Function")
    called = {
        each["Target"]["Arn"].get("Fn::GetAtt", [""])[0]
        for each in operations.of_type("AWS::Scheduler::Schedule").values()
        if re.match(r"rate\(1 day|rate\(\d+ min", each["ScheduleExpression"])
    }
    # A function that is called every day calls these every time.
    called |= {
        value["Ref"]
        for name in called & set(functions)
        for value in functions[name]["Environment"]["Variables"].values()
        if isinstance(value, dict) and value.get("Ref") in functions
    }
    inside = {name for name, each in functions.items() if "VpcConfig" in each}
    assert len(inside) == 4
    assert not inside - called


@pytest.mark.plan("4.2")
def test_the_manifest_says_what_the_keeper_writes_and_fits_into_a_free_parameter(
    operations: Stack,
) -> None:
    parameter = operations.only("AWS::SSM::Parameter")
    assert parameter["Name"] == "/vibewell/production/recovery/manifest"
    assert len(parameter["Value"].encode()) <= 4096
    document = json.loads(parameter["Value"])
    ours, theirs = values("vibewell-redis"), values("vibewell-redis-staging")
    assert document["sentinels"] == {key: digest(value) for key, value in ours.items()}
    assert document["checksum"] == checksum(document["sentinels"])
    assert len(ours) == COUNT
    # Restored into the wrong environment, a backup must not pass.
    assert all(ours[key] != theirs[key] for key in ours)


@pytest.mark.plan("5.3")
def test_the_document_takes_the_plans_10000_connections(operations: Stack) -> None:
    content = operations.only("AWS::SSM::Document")["Content"]
    (step,) = content["mainSteps"]
    lines = step["inputs"]["runCommand"]
    assert lines[0] == "ACTION='{{ Action }}'"
    assert lines[1:4] == [f"ENVIRONMENT={PREFIX}", "BACKLOG=16384", "FILES=65536"]
    assert content["parameters"]["Action"]["default"] == "verify", "run by hand, it only looks"
    # Systems Manager reads a parameter there, and takes no document above 64 KB (its quotas).
    assert "\n".join(lines).count("{{") == 1
    assert len(json.dumps(content)) < 65_536
    for clients, backlog in ((16_384, 16_384), (800, 1024)):
        (step,) = server_values.content(PREFIX, clients)["mainSteps"]
        assert f"BACKLOG={backlog}" in step["inputs"]["runCommand"]


def test_without_a_tag_nothing_is_set_and_nothing_watched(synth_changed: SynthChanged) -> None:
    stacks = synth_changed({"application.server_tag": ABSENT})
    monitoring = stacks["monitoring"]
    for kind in ("Document", "Association"):
        assert not stacks["operations"].of_type(f"AWS::SSM::{kind}")
    assert not monitoring.of_type("AWS::Events::Rule")
    assert "events.amazonaws.com" not in str(monitoring.only("AWS::SQS::QueuePolicy"))
