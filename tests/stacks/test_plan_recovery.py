"""The recovery test as the template makes it: when it runs, what it may touch, how it ends."""

import json
import re
from typing import Any

import pytest

from constructs.common.idle_functions import NOT_READY
from constructs.recovery import recovery_machine as machine
from constructs.recovery.canary_keys import COUNT, manifest, values
from environments.schema import Settings
from recovery.manifest import checksum, digest
from recovery.settings import Settings as OperatorSettings
from tests.support import Stacks, Synth
from tests.variants import DURABLE, SHARDED, changed
from tools.assembly import Document, Stack

PREFIX = "vibewell-redis-production-recovery"
HERE = "us-east-1:111122223333"


@pytest.fixture(scope="module")
def operations(templates: Stacks) -> Stack:
    return templates["vibewell-redis-production-operations"]


@pytest.fixture(scope="module")
def states(operations: Stack) -> dict[str, Document]:
    definition = operations.only("AWS::StepFunctions::StateMachine")["Definition"]
    found: dict[str, Document] = definition["States"]
    return found


def function(operations: Stack, name: str) -> Document:
    (found,) = (
        each
        for each in operations.of_type("AWS::Lambda::Function").values()
        if each["FunctionName"] == name
    )
    return found


def permitted(operations: Stack, description: str) -> list[tuple[str, Any]]:
    """Each action with each resource that it is allowed on."""
    (policy,) = (
        each
        for each in operations.of_type("AWS::IAM::ManagedPolicy").values()
        if each["Description"] == description
    )
    return [
        (action, resource)
        for statement in policy["PolicyDocument"]["Statement"]
        for action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    ]


@pytest.mark.plan("4.2", "7.3")
def test_it_runs_on_the_first_monday_of_each_month(operations: Stack) -> None:
    schedule = _schedule(operations, "monthly")
    assert schedule["ScheduleExpression"] == "cron(0 9 ? * MON#1 *)"
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    (name,) = operations.of_type("AWS::StepFunctions::StateMachine")
    assert schedule["Target"]["Arn"] == {"Ref": name}
    assert schedule.get("State", "ENABLED") == "ENABLED"


@pytest.mark.plan("4.2")
def test_every_failure_leads_to_the_removal_and_every_removal_to_the_report(
    states: dict[str, Document],
) -> None:
    tasks = {name: state for name, state in states.items() if state["Type"] == "Task"}
    assert set(tasks) == {"Choose", "Restore", "Look", "Verify", "Remove", "Report"}
    for name, state in tasks.items():
        if name == "Report":
            assert "Catch" not in state
            continue
        (catch,) = state["Catch"]
        assert catch["ErrorEquals"] == ["States.ALL"]
        assert catch["Next"] == ("Report" if name == "Remove" else "Remove"), name


def test_every_state_is_reached_and_leads_to_one_that_is_there(states: dict[str, Document]) -> None:
    led_to = {"Begin"}
    for state in states.values():
        for part in (state, *state.get("Catch", ()), *state.get("Choices", ())):
            led_to |= {part[key] for key in ("Next", "Default") if key in part}
    assert led_to == set(states)


@pytest.mark.plan("4.2")
def test_every_task_wait_and_retry_has_a_limit(
    operations: Stack, states: dict[str, Document]
) -> None:
    definition = operations.only("AWS::StepFunctions::StateMachine")["Definition"]
    assert definition["TimeoutSeconds"] == machine.LONGEST_SECONDS
    for state in states.values():
        if state["Type"] == "Task":
            assert machine.STEP_SECONDS < state["TimeoutSeconds"] < 2 * machine.STEP_SECONDS
            assert all(0 < retry["MaxAttempts"] < 10 for retry in state["Retry"])
        if state["Type"] == "Wait":
            assert state["Seconds"] == machine.PAUSE_SECONDS


@pytest.mark.plan("4.2")
def test_the_sweep_takes_nothing_that_a_running_test_may_still_use(operations: Stack) -> None:
    variables = function(operations, PREFIX)["Environment"]["Variables"]
    assert int(variables["SWEEP_AFTER_SECONDS"]) > machine.LONGEST_SECONDS
    assert int(variables["GIVE_UP_AFTER_SECONDS"]) < machine.LONGEST_SECONDS


@pytest.mark.plan("4.2")
def test_it_may_make_and_delete_throw_away_groups_and_no_other(operations: Stack) -> None:
    throw_away = f"arn:aws:elasticache:{HERE}:replicationgroup:vibewell-redis-recovery-*"
    allowed = permitted(operations, f"What {PREFIX} may do")
    deleting = [on for action, on in allowed if action == "elasticache:DeleteReplicationGroup"]
    assert deleting == [throw_away]
    making = [on for action, on in allowed if action == "elasticache:CreateReplicationGroup"]
    groups = [on for on in making if "replicationgroup:" in json.dumps(on)]
    assert groups == [throw_away]
    changing = {
        action
        for action, _ in allowed
        if action.startswith("elasticache:") and not action.startswith("elasticache:Describe")
    }
    assert changing == {
        "elasticache:CreateReplicationGroup",
        "elasticache:DeleteReplicationGroup",
    }
    real = f"arn:aws:elasticache:{HERE}:replicationgroup:vibewell-redis"
    assert not re.fullmatch(throw_away.replace("*", ".*"), real)


@pytest.mark.plan("4.2")
@pytest.mark.parametrize(
    ("cluster_mode", "sources"),
    [(False, ["vibewell-redis-0??"]), (True, ["vibewell-redis-0???-0??", "vibewell-redis"])],
)
def test_it_may_restore_automatic_snapshots_of_this_group_alone(
    synth: Synth, production_document: Document, cluster_mode: bool, sources: list[str]
) -> None:
    document = changed(production_document, SHARDED) if cluster_mode else production_document
    operations = synth([Settings.model_validate(document)])["vibewell-redis-production-operations"]
    snapshots = [
        on
        for action, on in permitted(operations, f"What {PREFIX} may do")
        if action == "elasticache:CreateReplicationGroup" and ":snapshot:" in json.dumps(on)
    ]
    arn = f"arn:aws:elasticache:{HERE}:snapshot:automatic"
    assert snapshots == [f"{arn}.{source}-20??-??-??-*" for source in sources]


@pytest.mark.plan("4.2")
def test_every_task_waits_for_a_function_that_nobody_called_for_weeks(
    states: dict[str, Document],
) -> None:
    for state in states.values():
        if state["Type"] != "Task":
            continue
        waiting = next(
            each for each in state["Retry"] if set(NOT_READY) <= _short(each["ErrorEquals"])
        )
        pauses = [
            waiting["IntervalSeconds"] * waiting["BackoffRate"] ** number
            for number in range(waiting["MaxAttempts"])
        ]
        assert 10 * 60 < sum(pauses) < 12 * 60
        assert max(pauses) < 3 * 60


@pytest.mark.plan("4.2")
def test_every_function_with_a_network_of_its_own_is_called_at_least_once_a_day(
    operations: Stack,
) -> None:
    functions = operations.of_type("AWS::Lambda::Function")
    targets = {
        each["Target"]["Arn"].get("Fn::GetAtt", [""])[0]: each["ScheduleExpression"]
        for each in operations.of_type("AWS::Scheduler::Schedule").values()
    }
    called = {
        name for name, when in targets.items() if re.match(r"rate\(1 day|rate\(\d+ min", when)
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
    verifier = _schedule(operations, "warm")
    assert json.loads(verifier["Target"]["Input"]) == {"warm": True}


@pytest.mark.plan("4.2")
def test_the_secret_of_the_group_under_test_is_not_the_operators(operations: Stack) -> None:
    (own,) = operations.of_type("AWS::SecretsManager::Secret")
    for name in (PREFIX, f"{PREFIX}-verifier"):
        secrets = {
            json.dumps(on)
            for action, on in permitted(operations, f"What {name} may do")
            if action.startswith("secretsmanager:")
        }
        assert secrets == {json.dumps({"Ref": own})}, name
    keeper = permitted(operations, f"What {PREFIX}-keeper may do")
    for action, on in keeper:
        if action.startswith("secretsmanager:"):
            assert "ExportsOutputRefTokenSecret" in json.dumps(on)
            assert action in ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")


def test_the_state_machine_may_call_its_two_functions_and_nothing_else(operations: Stack) -> None:
    allowed = permitted(operations, "Call the functions of the recovery test")
    assert {action for action, _ in allowed} == {"lambda:InvokeFunction"}
    called = [
        operations.resources[on["Fn::GetAtt"][0]]["Properties"]["FunctionName"] for _, on in allowed
    ]
    assert sorted(called) == [PREFIX, f"{PREFIX}-verifier"]


@pytest.mark.plan("4.2")
def test_only_the_verifier_gets_into_the_restored_group(operations: Stack) -> None:
    groups = {
        group["GroupName"]: {"Fn::GetAtt": [name, "GroupId"]}
        for name, group in operations.of_type("AWS::EC2::SecurityGroup").items()
    }
    rules = [
        rule
        for rule in operations.of_type("AWS::EC2::SecurityGroupIngress").values()
        if rule["GroupId"] == groups[f"{PREFIX}-redis"]
    ]
    (rule,) = rules
    assert rule["SourceSecurityGroupId"] == groups[f"{PREFIX}-verifier"]
    assert (rule["FromPort"], rule["ToPort"]) == (6379, 6379)
    variables = function(operations, PREFIX)["Environment"]["Variables"]
    assert variables["SECURITY_GROUP_ID"] == groups[f"{PREFIX}-redis"]


def test_the_verifier_gets_out_to_the_restored_group_and_the_endpoints_alone(
    operations: Stack,
) -> None:
    groups = operations.of_type("AWS::EC2::SecurityGroup")
    (verifier,) = (n for n, g in groups.items() if g["GroupName"] == f"{PREFIX}-verifier")
    out = {
        rule["FromPort"]: groups[rule["DestinationSecurityGroupId"]["Fn::GetAtt"][0]]["GroupName"]
        for rule in operations.of_type("AWS::EC2::SecurityGroupEgress").values()
        if rule["GroupId"] == {"Fn::GetAtt": [verifier, "GroupId"]}
    }
    assert out == {6379: f"{PREFIX}-redis", 443: "vibewell-redis-production-endpoints"}


def test_the_operator_stands_in_no_network(operations: Stack) -> None:
    assert "VpcConfig" not in function(operations, PREFIX)


@pytest.mark.parametrize("name", [PREFIX, f"{PREFIX}-verifier", f"{PREFIX}-keeper"])
def test_no_environment_holds_a_secret(operations: Stack, name: str) -> None:
    variables = function(operations, name)["Environment"]["Variables"]
    assert "resolve:" not in json.dumps(variables)


def test_the_operator_is_given_every_variable_that_it_reads(operations: Stack) -> None:
    variables = function(operations, PREFIX)["Environment"]["Variables"]
    given = {name: value if isinstance(value, str) else "x" for name, value in variables.items()}
    settings = OperatorSettings.read(given)
    assert settings.group_id == "vibewell-redis"
    assert settings.engine_version == "6.2"
    assert settings.cluster_mode is False
    assert settings.point_objective.total_seconds() == 24 * 3600
    assert settings.time_objective.total_seconds() == 30 * 60


@pytest.mark.parametrize(
    ("change", "durable"),
    [
        (SHARDED, False),
        (DURABLE, True),  # ElastiCache decides: it must be able to
        (DURABLE | {"redis.durability": "sync"}, True),
        (DURABLE | {"redis.durability": "disabled"}, False),
    ],
)
def test_cluster_mode_and_durability_are_told_to_the_functions(
    synth: Synth, production_document: Document, change: dict[str, Any], durable: bool
) -> None:
    settings = Settings.model_validate(changed(production_document, change))
    operations = synth([settings])["vibewell-redis-production-operations"]
    for name in (PREFIX, f"{PREFIX}-verifier", f"{PREFIX}-keeper"):
        assert function(operations, name)["Environment"]["Variables"]["CLUSTER_MODE"] == "true"
    variables = function(operations, PREFIX)["Environment"]["Variables"]
    assert variables["DURABLE"] == str(durable).lower()


@pytest.mark.plan("4.2")
def test_the_sentinels_are_kept_every_ten_minutes(operations: Stack) -> None:
    schedule = _schedule(operations, "keep")
    assert schedule["ScheduleExpression"] == "rate(10 minutes)"
    assert json.loads(schedule["Target"]["Input"]) == {"sentinels": values("vibewell-redis")}


def test_the_manifest_says_what_the_keeper_writes_and_fits_into_a_free_parameter(
    operations: Stack,
) -> None:
    parameter = operations.only("AWS::SSM::Parameter")
    assert parameter["Name"] == "/vibewell/production/recovery/manifest"
    assert parameter["Value"] == manifest("vibewell-redis")
    assert len(parameter["Value"].encode()) <= 4096
    document = json.loads(parameter["Value"])
    sentinels = json.loads(_schedule(operations, "keep")["Target"]["Input"])["sentinels"]
    assert document["sentinels"] == {key: digest(value) for key, value in sentinels.items()}
    assert document["checksum"] == checksum(document["sentinels"])
    assert len(sentinels) == COUNT


def test_two_groups_have_different_sentinels() -> None:
    # Restored into the wrong environment, a backup must not pass.
    ours, theirs = values("vibewell-redis"), values("vibewell-redis-staging")
    assert all(ours[key] != theirs[key] for key in ours)


@pytest.mark.plan("4.2")
def test_the_report_goes_to_the_warning_topic(operations: Stack, monitoring: Stack) -> None:
    arn = function(operations, PREFIX)["Environment"]["Variables"]["TOPIC_ARN"]
    names = {topic["TopicName"] for topic in monitoring.of_type("AWS::SNS::Topic").values()}
    assert arn == f"arn:aws:sns:{HERE}:vibewell-redis-production-warning"
    assert arn.rpartition(":")[2] in names


def _schedule(operations: Stack, name: str) -> Document:
    (found,) = (
        each
        for each in operations.of_type("AWS::Scheduler::Schedule").values()
        if each["Name"] == f"{PREFIX}-{name}"
    )
    return found


def _short(errors: list[str]) -> set[str]:
    return {error.removeprefix("Lambda.") for error in errors}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
