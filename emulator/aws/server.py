"""The embedded AWS as a process: ministack with our services, on a socket that it is handed.

usage: python -m emulator.aws.server FD [--until-stdin-closes]
"""

import asyncio
import json
import os
import random
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from hypercorn.asyncio import serve  # type: ignore[import-not-found]
from hypercorn.config import Config  # type: ignore[import-not-found]
from ministack.app import app as ministack  # type: ignore[import-not-found]

from emulator.aws import cfn_types, drift, function_runtime, patches, services
from emulator.aws.calls import Calls
from emulator.aws.function_runtime import PrivateLink
from emulator.aws.inbox import EventTopic, Inbox
from emulator.aws.model_check import ModelCheck
from emulator.aws.patches import cloudformation, details, functions, notifications
from emulator.aws.patches.account import THE_ACCOUNT
from emulator.aws.rotation import Rotation
from emulator.cloudwatch.actions import Actions
from emulator.elasticache import ElastiCache
from emulator.elasticache.state import Promises
from emulator.iam.address_history import AddressHistory

PREFIX = "/_rehearsal/"

Operation = Callable[..., Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def control_api(application: Any, operations: Mapping[str, Operation]) -> Any:
    """An ASGI application in front of another, which gets every request to other addresses.

    Each operation is a function by name. The query string gives its keyword arguments, all text;
    the answer is its result as JSON.
    """

    async def connection(scope: dict[str, Any], receive: Any, send: Send) -> None:
        operation = operations.get(scope.get("path", "").removeprefix(PREFIX))
        if operation is None:
            await application(scope, receive, send)
            return
        arguments = dict(parse_qsl(scope["query_string"].decode()))
        result = await asyncio.to_thread(operation, **arguments)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(result).encode()})

    return connection


def main() -> None:
    """Serve until SIGTERM or SIGINT, or until standard input closes when asked to."""
    descriptor, *flags = sys.argv[1:]
    inbox, rotation, alarm_actions = Inbox(), Rotation(), Actions()
    patches.install(inbox.deliver)
    notifications.on_state_change(alarm_actions.run)
    promises = Promises()
    cfn_types.install(promises)
    account, region = os.environ["MINISTACK_ACCOUNT_ID"], os.environ["AWS_REGION"]
    event_topic = EventTopic()
    elasticache = ElastiCache(
        account,
        region,
        Path(os.environ["REHEARSAL_NODES"]),
        find_subnet=services.find_subnet,
        notify=event_topic.send,
        promises=promises,
    )
    addresses = AddressHistory(elasticache.handle)
    services.mount(elasticache, rotation, addresses)
    drift.mount()
    model_check = ModelCheck()
    model_check.mount()
    calls = Calls()
    calls.record()
    private_link = PrivateLink(Path(os.environ["REHEARSAL_NODES"]).parent / "private-link", region)
    if "--until-stdin-closes" in flags:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    function_runtime.prepare()
    # A function that is idle never answers that a connection is closed: asyncio waits 30 s for it.
    asyncio.constants.SSL_SHUTDOWN_TIMEOUT = 0.5  # type: ignore[attr-defined]
    operations: dict[str, Operation] = {
        "accept": inbox.accept,
        "addresses": addresses.history,
        "answers": model_check.answers,
        "alarm_failures": alarm_actions.failures,
        "calls": calls.history,
        "connections": lambda: function_runtime.connections(private_link.port),
        "emit": details.emit,
        "event_failures": event_topic.failures,
        "fail_once": cloudformation.fail_once,
        "hold": cloudformation.hold,
        "limit": THE_ACCOUNT.limit,
        "let_idle": functions.let_idle,
        "messages": inbox.messages,
        "metrics": lambda: [datum._asdict() for datum in elasticache.metrics()],
        "promise": promises.change,
        "publish_service_update": elasticache.publish_service_update,
        "refuse": inbox.refuse,
        "release": cloudformation.release,
        "resolve": private_link.resolve,
        "rotations": rotation.history,
        # With the same ids a rehearsal has the same look-ups, and the templates of the one before.
        "seed": lambda: random.seed(0),
        "take_automatic_snapshot": elasticache.take_automatic_snapshot,
        "watched": function_runtime.watched,
    }
    try:
        asyncio.run(_serve(f"fd://{descriptor}", private_link, control_api(ministack, operations)))
    finally:
        elasticache.close()
    sys.stdout.flush()
    os._exit(0)  # to tear down what ministack holds takes seconds; the group of processes is killed


def _end_with_stdin() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


async def _serve(bind: str, private_link: PrivateLink, application: Any) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    config = Config()
    config.insecure_bind = [bind]
    config.bind = [f"fd://{private_link.fileno}"]
    config.certfile, config.keyfile = private_link.certificate, private_link.key
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    await serve(application, config, shutdown_trigger=stop.wait)


if __name__ == "__main__":
    main()
