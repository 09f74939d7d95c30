"""Functions run in processes of their own, in their role, when somebody asks for it."""

import json
import os
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Clients, Rehearsal
from rehearsal.common.schedules import fire
from tests.emulator.aws.helpers import Look, Make, Stacks, eventually, resource

SPEAKS = """
    import os

    def handle(event, context):
        return {"said": event, "pid": os.getpid(), "environment": sorted(os.environ)}
"""
WRITES = """
    import boto3

    def handle(event, context):
        boto3.client("ssm").put_parameter(
            Name=event["name"], Value=event["value"], Type="String", Overwrite=True)
"""
ROLE = "arn:aws:iam::444455556666:role/scheduler"


FAILS = """
    class SpoiledError(Exception):
        pass

    def handle(event, context):
        raise SpoiledError("of the third kind: a colon is no end")
"""


def test_a_failure_carries_the_class_of_its_exception(aws: Clients, function: Make) -> None:
    answer = aws("lambda").invoke(FunctionName=function(FAILS))
    told = json.loads(answer["Payload"].read())
    assert told["errorType"] == "SpoiledError"
    assert told["errorMessage"] == "of the third kind: a colon is no end"


def test_an_idle_function_is_answered_for_by_lambda_until_it_is_ready(
    aws: Clients, function: Make, embedded_aws: Rehearsal
) -> None:
    arn = function(SPEAKS)
    codes = ["CodeArtifactUserPendingException", "ResourceConflictException"]
    embedded_aws.ask("let_idle", function=arn.rpartition(":")[2], codes=",".join(codes))
    for code in codes:
        with pytest.raises(ClientError, match=code):
            aws("lambda").invoke(FunctionName=arn)
    assert "FunctionError" not in aws("lambda").invoke(FunctionName=arn)


def value_of(aws: Clients, name: str) -> str | None:
    ssm = aws("ssm")
    try:
        return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        return None


def schedule(function: str, text: str, state: str = "ENABLED") -> dict[str, Any]:
    return resource(
        "Scheduler::Schedule",
        FlexibleTimeWindow={"Mode": "OFF"},
        ScheduleExpression="cron(0 9 ? * MON#1 *)",
        ScheduleExpressionTimezone="Europe/Berlin",
        State=state,
        Target={"Arn": function, "RoleArn": ROLE, "Input": text},
    )


def test_a_function_runs_in_a_process_of_its_own_without_the_users_settings(
    aws: Clients, function: Make
) -> None:
    answer = aws("lambda").invoke(FunctionName=function(SPEAKS), Payload='{"word": 1}')
    result = json.load(answer["Payload"])
    assert result["said"] == {"word": 1}
    assert result["pid"] != os.getpid()
    assert "AWS_ACCESS_KEY_ID" in result["environment"]
    assert "AWS_PROFILE" not in result["environment"]


def test_every_call_of_a_function_is_kept_with_its_role(
    aws: Clients, function: Make, look: Look
) -> None:
    arn, name = function(WRITES), f"/test/{uuid.uuid4()}"
    aws("lambda").invoke(FunctionName=arn, Payload=json.dumps({"name": name, "value": "x"}))
    (call,) = (call for call in look("calls") if call["function"] == arn)
    role = aws("lambda").get_function_configuration(FunctionName=arn)["Role"]
    assert (call["role"], call["action"], call["status"]) == (role, "ssm:PutParameter", 200)
    assert call["parameters"] == {"Name": [name], "Type": ["String"]}, "never the value"


def test_a_connection_of_a_function_is_kept_and_those_to_aws_are_not(
    aws: Clients, function: Make, look: Look
) -> None:
    code = """
        import socket, boto3

        def handle(event, context):
            boto3.client("sts").get_caller_identity()
            with socket.socket() as there:
                return there.connect_ex(("127.0.0.1", 9))
    """
    arn = function(code)
    aws("lambda").invoke(FunctionName=arn, Payload="{}")
    found = [entry for entry in look("connections") if entry["function"] == arn]
    assert [(entry["host"], entry["port"]) for entry in found] == [("127.0.0.1", 9)]
    assert arn in look("watched")


@pytest.mark.parametrize("package", ["redis", "cryptography", "ministack", "rehearsal", "stacks"])
def test_a_function_cannot_import_what_the_runtime_of_aws_does_not_have(
    package: str, aws: Clients, function: Make
) -> None:
    arn = function(f"""
        def handle(event, context):
            import boto3
            import {package}
    """)
    answer = aws("lambda").invoke(FunctionName=arn, Payload="{}")
    assert f"No module named '{package}'" in answer["Payload"].read().decode()


def test_a_schedule_is_fired_by_hand_with_its_input(stacks: Stacks, function: Make) -> None:
    name = f"/test/{uuid.uuid4()}"
    text = json.dumps({"name": name, "value": "<aws.scheduler.schedule-arn>"})
    stack = stacks.create({"Schedule": schedule(function(WRITES), text)})
    made = stacks.physical_id(stack, "Schedule")
    found = stacks.aws("scheduler").get_schedule(Name=made)
    assert found["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert value_of(stacks.aws, name) is None
    fire(stacks.aws, made)
    assert eventually(lambda: value_of(stacks.aws, name), "the function ran") == found["Arn"]


def test_a_schedule_that_is_switched_off_does_not_fire(stacks: Stacks, function: Make) -> None:
    stack = stacks.create({"Schedule": schedule(function(SPEAKS), "{}", "DISABLED")})
    with pytest.raises(RehearsalError, match="DISABLED"):
        fire(stacks.aws, stacks.physical_id(stack, "Schedule"))


def test_a_state_machine_runs_a_function_and_calls_elasticache(
    aws: Clients, function: Make
) -> None:
    machine = {
        "StartAt": "Run",
        "States": {
            "Run": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": function(SPEAKS), "Payload": {"word": 2}},
                "ResultSelector": {"said.$": "$.Payload.said"},
                "Next": "Ask",
            },
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:elasticache:describeReplicationGroups",
                "ResultPath": "$.groups",
                "End": True,
            },
        },
    }
    states = aws("stepfunctions")
    arn = states.create_state_machine(
        name=f"test-{uuid.uuid4().hex[:8]}", definition=json.dumps(machine), roleArn=ROLE
    )["stateMachineArn"]
    begun = states.start_execution(stateMachineArn=arn)["executionArn"]

    def there() -> dict[str, Any] | None:
        found: dict[str, Any] = states.describe_execution(executionArn=begun)
        return None if found["status"] == "RUNNING" else found

    ended = eventually(there, "the execution ends")
    assert ended["status"] == "SUCCEEDED", ended
    output = json.loads(ended["output"])
    assert output["said"] == {"word": 2}
    assert "ReplicationGroups" in output["groups"]


def test_a_schedule_with_a_name_that_is_taken_is_refused(stacks: Stacks, function: Make) -> None:
    named = schedule(function(SPEAKS), "{}")
    named["Properties"]["Name"] = f"test-{uuid.uuid4().hex[:8]}"
    stacks.create({"Schedule": named})
    assert stacks.refused({"Schedule": named})
    with pytest.raises(ClientError):
        stacks.aws("scheduler").get_schedule(Name="no-such-schedule")
