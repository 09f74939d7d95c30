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

Record = dict[str, Any]


# What a request's access key says of the function that made it: its ARN and its role's.
FUNCTION_OF_KEY: dict[str, dict[str, str]] = {}


def _patch_identity_of_functions() -> None:
    """Give each function keys of its own: a call then shows its function and role.

    ministack does so when it checks permissions, and else hands out the account's own keys.
    """

    def credentials(config: Record) -> dict[str, str]:
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

    lambda_runtime.execution_credentials = credentials
    lambda_svc.execution_credentials = credentials


def _patch_logs() -> None:
    """Have everything in a function's log that it printed before it answered.

    ministack waits 50 ms until a thread has read it: on a busy machine lines were lost, and with
    them the metrics of that call.
    """
    worker, one_reader, spawn = (
        lambda_runtime.Worker,
        threading.Lock(),
        lambda_runtime.Worker._spawn,
    )

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


def _patch_types_of_errors() -> None:
    """A function's failure carries its exception's class, as AWS says it and Retry and Catch read.

    ministack calls every one Runtime.HandlerError; the class is in the last line of the trace.
    """
    execute = lambda_svc._execute_function_warm

    def typed(function: Record, event: Any, request_id: str) -> Record:
        result: Record = execute(function, event, request_id)
        body = result.get("body")
        if result.get("error") and body and body.get("errorType") == "Runtime.HandlerError":
            first = str(body["errorMessage"]).partition("\n")[0]
            for line in str(result.get("log", "")).splitlines():
                name, separator, message = line.partition(": ")
                if separator and message == first and name.replace(".", "").isidentifier():
                    body["errorType"] = name.rpartition(".")[2]
        return result

    lambda_svc._execute_function_warm = typed


def _patch_dead_letters() -> None:
    """Keep a function's queue, and send the event itself there, as a dead letter is on AWS.

    ministack's CloudFormation drops the property, and its envelope is that of a destination.
    """
    route = lambda_svc._route_async_failure

    def keep(function: str, properties: Record) -> None:
        config = lambda_svc._functions[function]["config"]
        config["DeadLetterConfig"] = properties.get("DeadLetterConfig", {})

    def send(target: str, function: str, event: Record, result: Record) -> None:
        config = lambda_svc._functions[function]["config"]
        if config.get("DeadLetterConfig", {}).get("TargetArn") != target:
            route(target, function, event, result)
            return
        queue = client("sqs").get_queue_url(QueueName=target.rpartition(":")[2])["QueueUrl"]
        client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(event))

    around("AWS::Lambda::Function", after=keep)
    lambda_svc._route_async_failure = send


_LONGEST = 600  # seconds that an event waits for its function; Lambda keeps it for six hours


def _patch_throttled_events() -> None:
    """An asynchronous event that its function has no concurrency for is tried until it has.

    ministack counts that as one of the three attempts. Source: Lambda developer guide, "How Lambda
    handles errors and retries with asynchronous invocation".
    """
    execute, release = lambda_svc._execute_function, lambda_svc._release_execution_slot
    invoke, freed = lambda_svc.invoke_async_with_retry, threading.Condition()
    asynchronous = ContextVar("asynchronous", default=False)

    def execute_in_turn(function: Record, event: Any) -> Record:
        result: Record = execute(function, event)
        end = time.monotonic() + _LONGEST
        while asynchronous.get() and result.get("throttle") and time.monotonic() < end:
            with freed:
                freed.wait(1)
            result = execute(function, event)
        return result

    def release_and_notify(slot: Any) -> None:
        release(slot)
        with freed:
            freed.notify_all()

    def invoke_in_turn(function: Record, event: Any) -> None:
        called = copy_context()  # ministack's thread gets a copy of what calls it
        called.run(asynchronous.set, True)
        called.run(invoke, function, event)

    lambda_svc._execute_function = execute_in_turn
    lambda_svc._release_execution_slot = release_and_notify
    lambda_svc.invoke_async_with_retry = invoke_in_turn


# What the next calls of a function are answered, by its name.
_IDLE: dict[str, list[str]] = {}


def let_idle(function: str, codes: str) -> None:
    """As if it had no call for weeks: its next calls are answered with these codes of errors.

    An asynchronous call brings it back at once: Lambda itself tries that again, for hours.
    """
    _IDLE[function] = codes.split(",")


def _patch_idle() -> None:
    """Answer for an idle function as Lambda does: an API call with an error, a task with its name.

    Source: Lambda developer guide, "Lambda function states"; botocore's errors of Invoke.
    """
    execute, invoke = lambda_svc._execute_function_with_config_scope, lambda_svc._invoke
    words = "Lambda is initializing your function. It will be ready to invoke shortly."

    def task(function: Record, event: Any) -> Record:
        codes = _IDLE.get(function["config"]["FunctionName"])
        if codes:
            body = {"errorType": f"Lambda.{codes.pop(0)}", "errorMessage": words}
            return {"error": True, "body": body}
        result: Record = execute(function, event)
        return result

    async def call(name: str, event: Any, headers: Record, *rest: Any, **more: Any) -> Any:
        lower = {key.lower(): value for key, value in headers.items()}
        codes = _IDLE.get(name)
        if codes and lower.get("x-amz-invocation-type") == "Event":
            codes.clear()
        if codes:
            code = codes.pop(0)
            status = 502 if code.endswith("NotReadyException") else 409
            return lambda_svc.error_response_json(code, words, status)
        return await invoke(name, event, headers, *rest, **more)

    lambda_svc._execute_function_with_config_scope, lambda_svc._invoke = task, call


def install() -> None:
    """Give functions their own keys, whole logs, names of errors, later attempts, idle times."""
    _patch_identity_of_functions()
    _patch_logs()
    _patch_types_of_errors()
    _patch_dead_letters()
    _patch_throttled_events()
    _patch_idle()
