"""A token is found wherever it would show, and reported without being shown again."""

import os
import subprocess
import uuid
from contextlib import ExitStack

import pytest

from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal, give, variables_of
from rehearsal.rotation.token_search import TokenSearch

# Not the real token: what is planted in an account's logs stays in its memory.
TOKEN = "".join(uuid.uuid4().hex for _ in range(2))


def test_planted_tokens_are_found_and_not_shown(deployed: Rehearsal) -> None:
    logs, name = deployed.aws("logs"), f"planted-{uuid.uuid4()}"
    functions = deployed.aws("lambda").list_functions()["Functions"]
    (rotation,) = {one["FunctionName"] for one in functions if "-rotation" in one["FunctionName"]}
    with ExitStack() as after:
        file = deployed.folder / "planted.log"
        file.write_text(f"a line with {TOKEN}")
        after.callback(file.unlink)
        logs.create_log_group(logGroupName=name)
        after.callback(logs.delete_log_group, logGroupName=name)
        logs.create_log_stream(logGroupName=name, logStreamName="stream")
        lines = [{"timestamp": 1, "message": "a line"}, {"timestamp": 2, "message": TOKEN}]
        logs.put_log_events(logGroupName=name, logStreamName="stream", logEvents=lines)
        before = variables_of(deployed, rotation)
        give(deployed, rotation, before | {"PLANTED": TOKEN})
        after.callback(give, deployed, rotation, before)
        command, environment = ["sh", "-c", "read line", TOKEN], os.environ | {"PLANTED": TOKEN}
        after.enter_context(subprocess.Popen(command, env=environment, stdin=subprocess.PIPE))
        emitted = TokenSearch(deployed)
        emitted.keep("the table", f"rotations {TOKEN}")
        with pytest.raises(RehearsalError) as raised:
            emitted.search(frozenset({TOKEN}))
    for where in (
        *("planted.log", "log group planted-", "lambda list_functions", "the table"),
        *("environment of process", "arguments of process"),
    ):
        assert where in str(raised.value)
    assert TOKEN not in str(raised.value)


def test_what_is_nowhere_is_not_found_and_the_function_and_the_servers_were_searched(
    deployed: Rehearsal,
) -> None:
    emitted = TokenSearch(deployed)
    assert "1 tokens are in none of" in emitted.search(frozenset({TOKEN}))
    with pytest.raises(RehearsalError) as raised:
        emitted.search(frozenset({"redis", "Redis", "RequestId"}))
    for place in ("server.log", "cdk.log", "/aws/lambda/", "redis-server", "template"):
        assert place in str(raised.value), place
