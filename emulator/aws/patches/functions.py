"""Lambda: a function's identity, its log, the names of its errors, and asynchronous events."""
# ruff: noqa: SLF001 - another package's private names are its matter

import hashlib
import json
import os
import select
import threading
import time
from contextvars import ContextVar, copy_context
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-not-found]
from ministack.services import lambda_svc, sts  # type: ignore[import-not-found]

from emulator.aws.clients import client
from emulator.aws.patches.cloudformation import around
from emulator.aws.patches.instead import instead_of

Record = dict[str, Any]


# What a request's access key says of the function that made it: its ARN and its role's.
FUNCTION_OF_KEY: dict[str, dict[str, str]] = {}


@instead_of(lambda_runtime, "execution_credentials")
@instead_of(lambda_svc, "execution_credentials")
def _credentials(_original: Any, config: Record) -> dict[str, str]:
    """Give each function keys of its own: a call then shows its function and role.

    ministack does so when it checks permissions, and else hands out the account's own keys.
    """
    function, role = str(config["FunctionArn"]), str(config["Role"])
    digest = hashlib.sha256(f"{function}:{role}".encode()).hexdigest()
    key = f"ASIA{digest[:16].upper()}"
    FUNCTION_OF_KEY[key] = {"function": function, "role": role}
    session = f"assumed-role/{role.rpartition('/')[2]}/{config['FunctionName']}"
    account = function.split(":")[4]
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:{session}",
            "UserId": session,
            "SecretAccessKey": "rehearsal",
            "SessionToken": digest,
        },
    )
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "AWS_SESSION_TOKEN": digest,
    }


def _patch_logs() -> None:
    """Have everything in a function's log that it printed before it answered.

    ministack waits 50 ms until a thread has read it: on a busy machine lines were lost, and with
    them the metrics of that call.
    """
    worker, one_reader = lambda_runtime.Worker, threading.Lock()
    spawn = worker._spawn

    def started(self: Any) -> None:
        spawn(self)
        self._log = self._proc.stderr

    def take(output: Any, chunks: Any, patience: int | None) -> bool | None:
        """Move what the process wrote; False at its end, None where there is nothing yet."""
        waiting = select.poll()
        waiting.register(output, select.POLLIN)
        waiting.poll(patience)
        with one_reader:
            if not waiting.poll(0):
                return None  # the other reader has it
            chunk = os.read(output.fileno(), 65536)
            chunks.put(chunk)
            return chunk != b""

    def read(self: Any) -> None:
        output, chunks = self._proc.stderr, self._stderr_queue
        while take(output, chunks, None) is not False:
            pass

    def log(self: Any) -> str:
        while take(self._log, self._stderr_queue, 0):
            pass
        with self._stderr_queue.mutex:
            chunks = list(self._stderr_queue.queue)
            self._stderr_queue.queue.clear()
        return b"".join(chunks).decode(errors="replace")

    worker._spawn, worker._read_stderr = started, read
    worker._drain_stderr = worker._drain_stderr_bounded = log


@instead_of(lambda_svc, "_execute_function_warm")
def _execute(execute: Any, function: Record, event: Any, request_id: str) -> Record:
    """A function's failure carries its exception's class, as AWS says it and Retry and Catch read.

    ministack calls every one Runtime.HandlerError; the class is in the last line of the trace.
    """
    result: Record = execute(function, event, request_id)
    body = result.get("body")
    if result.get("error") and body and body.get("errorType") == "Runtime.HandlerError":
        first = str(body["errorMessage"]).partition("\n")[0]
        for line in str(result.get("log", "")).splitlines():
            name, separator, message = line.partition(": ")
            if separator and message == first and name.replace(".", "").isidentifier():
                body["errorType"] = name.rpartition(".")[2]
    return result


def _keep_queue(function: str, properties: Record) -> None:
    config = lambda_svc._functions[function]["config"]
    config["DeadLetterConfig"] = properties.get("DeadLetterConfig", {})


@instead_of(lambda_svc, "_route_async_failure")
def _route(route: Any, target: str, function: str, event: Record, result: Record) -> None:
    """Send the event itself to a function's queue, as a dead letter is on AWS.

    ministack's CloudFormation drops the property, and its envelope is that of a destination.
    """
    config = lambda_svc._functions[function]["config"]
    if config.get("DeadLetterConfig", {}).get("TargetArn") != target:
        route(target, function, event, result)
        return
    queue = client("sqs").get_queue_url(QueueName=target.rpartition(":")[2])["QueueUrl"]
    client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(event))


_LONGEST = 600  # seconds that an event waits for its function; Lambda keeps it for six hours
_FREED = threading.Condition()
_ASYNCHRONOUS = ContextVar("asynchronous", default=False)


@instead_of(lambda_svc, "_execute_function")
def _execute_in_turn(execute: Any, function: Record, event: Any) -> Record:
    """An asynchronous event that its function has no concurrency for is tried until it has.

    ministack counts that as one of the three attempts. Source: Lambda developer guide, "How Lambda
    handles errors and retries with asynchronous invocation".
    """
    result: Record = execute(function, event)
    end = time.monotonic() + _LONGEST
    while _ASYNCHRONOUS.get() and result.get("throttle") and time.monotonic() < end:
        with _FREED:
            _FREED.wait(1)
        result = execute(function, event)
    return result


@instead_of(lambda_svc, "_release_execution_slot")
def _release(release: Any, slot: Any) -> None:
    release(slot)
    with _FREED:
        _FREED.notify_all()


@instead_of(lambda_svc, "invoke_async_with_retry")
def _invoke(invoke: Any, function: Record, event: Any) -> None:
    called = copy_context()  # ministack's thread gets a copy of what calls it
    called.run(_ASYNCHRONOUS.set, True)
    called.run(invoke, function, event)


# What the next calls of a function are answered, by its name.
_IDLE: dict[str, list[str]] = {}


def let_idle(function: str, codes: str) -> None:
    """As if it had no call for weeks: its next calls are answered with these codes of errors.

    An asynchronous call brings it back at once: Lambda itself tries that again, for hours.
    """
    _IDLE[function] = codes.split(",")


# Of an idle function's answers: Lambda developer guide, "Lambda function states"; botocore's errors
# of Invoke. An API call has an error, a task its name.
_WORDS = "Lambda is initializing your function. It will be ready to invoke shortly."


@instead_of(lambda_svc, "_execute_function_with_config_scope")
def _task(execute: Any, function: Record, event: Any) -> Record:
    if codes := _IDLE.get(function["config"]["FunctionName"]):
        body = {"errorType": f"Lambda.{codes.pop(0)}", "errorMessage": _WORDS}
        return {"error": True, "body": body}
    result: Record = execute(function, event)
    return result


@instead_of(lambda_svc, "_invoke")
async def _call(
    invoke: Any, name: str, event: Any, headers: Record, *rest: Any, **more: Any
) -> Any:
    lower = {key.lower(): value for key, value in headers.items()}
    codes = _IDLE.get(name)
    if codes and lower.get("x-amz-invocation-type") == "Event":
        codes.clear()
    if codes:
        code = codes.pop(0)
        status = 502 if code.endswith("NotReadyException") else 409
        return lambda_svc.error_response_json(code, _WORDS, status)
    return await invoke(name, event, headers, *rest, **more)


def install() -> None:
    """Give functions whole logs, and keep the queues of their dead letters."""
    _patch_logs()
    around("AWS::Lambda::Function", after=_keep_queue)
