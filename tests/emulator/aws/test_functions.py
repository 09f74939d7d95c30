"""Functions run in processes of their own, in their role, when somebody asks for it."""

import json
import subprocess
import uuid

import pytest
from botocore.exceptions import ClientError

from emulator.clean_environment import ROOT
from emulator.embedded_aws import PYTHON
from rehearsal.common.rehearsal import Clients, Rehearsal
from tests.emulator.aws.conftest import Look, Make, eventually

ANSWERS = """
    def handle(event, context):
        return "answered"
"""
WRITES = """
    import boto3

    def handle(event, context):
        boto3.client("ssm").put_parameter(
            Name=event["name"], Value=event["value"], Type="String", Overwrite=True)
"""


FAILS = """
    class SpoiledError(Exception):
        pass

    def handle(event, context):
        raise SpoiledError("of the third kind: a colon is no end")
"""


def test_a_failure_carries_the_class_of_its_exception(aws: Clients, function: Make) -> None:
    answer = aws("lambda").invoke(FunctionName=function(FAILS))
    payload = json.loads(answer["Payload"].read())
    assert payload["errorType"] == "SpoiledError"
    assert payload["errorMessage"] == "of the third kind: a colon is no end"


_NO_TIME = """
import io, zipfile
from ministack.core.lambda_runtime import Worker
from emulator.aws.patches import functions, instead

instead.apply()
functions.install()
Worker._read_stderr = lambda self: None
packed = io.BytesIO()
with zipfile.ZipFile(packed, "w") as archive:
    archive.writestr("index.py", "handle = lambda event, context: print(*range(event))")
config = {
    "FunctionArn": "arn:aws:lambda:eu-west-1:111111111111:function:prints",
    "FunctionName": "prints",
    "Handler": "index.handle",
    "Role": "arn:aws:iam::111111111111:role/prints",
    "Runtime": "python3.11",
}
worker = Worker("prints", config, packed.getvalue())
for lines in (1, 0, 3):
    print(worker.invoke(lines, "id")["log"])
worker.kill()
"""


def test_what_was_printed_is_in_the_log_although_its_reader_had_no_time_yet() -> None:
    """A busy machine gives the thread that reads it no time before the answer is there."""
    ended = subprocess.run([PYTHON, "-c", _NO_TIME], cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout == "0\n\n\n\n0 1 2\n\n", ended.stderr


ENDS_LATER = """
    import time

    import boto3

    def handle(event, context):
        ssm = boto3.client("ssm")
        name, until = event["name"], event["until"]
        ssm.put_parameter(Name=name, Value="begun", Type="String", Overwrite=True)
        while until and ssm.get_parameter(Name=name)["Parameter"]["Value"] != "go":
            time.sleep(0.05)
"""


def test_an_event_waits_for_its_function_and_loses_no_attempt_by_it(
    aws: Clients, function: Make
) -> None:
    """Source: Lambda developer guide, errors and retries with asynchronous invocation."""
    name = function(ENDS_LATER).rpartition(":")[2]
    aws("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    aws("lambda").put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)

    def invoke(parameter: str, *, until: bool) -> None:
        event = json.dumps({"name": parameter, "until": until})
        aws("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=event)

    def begun(parameter: str) -> bool:
        found = aws("ssm").get_parameters(Names=[parameter])["Parameters"]
        return bool(found)

    first, second = f"/test/{name}/first", f"/test/{name}/second"
    invoke(first, until=True)
    eventually(lambda: begun(first), "the first event")
    invoke(second, until=False)
    assert not begun(second)
    aws("ssm").put_parameter(Name=first, Value="go", Type="String", Overwrite=True)
    eventually(lambda: begun(second), "the second event")


def test_an_idle_function_is_answered_for_by_lambda_until_it_is_ready(
    aws: Clients, function: Make, embedded_aws: Rehearsal
) -> None:
    arn = function(ANSWERS)
    codes = ["CodeArtifactUserPendingException", "ResourceConflictException"]
    embedded_aws.ask("let_idle", function=arn.rpartition(":")[2], codes=",".join(codes))
    for code in codes:
        with pytest.raises(ClientError, match=code):
            aws("lambda").invoke(FunctionName=arn)
    assert "FunctionError" not in aws("lambda").invoke(FunctionName=arn)


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
    connections = [entry for entry in look("connections") if entry["function"] == arn]
    assert [(entry["host"], entry["port"]) for entry in connections] == [("127.0.0.1", 9)]
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
