"""A token is found wherever it would show, and told of without being shown again."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal, give, variables_of
from rehearsal.rotation.emf import Emitted

# Not the real token: what is planted in an account's logs stays in its memory.
TOKEN = "".join(uuid.uuid4().hex for _ in range(2))

Planted = Callable[[Rehearsal], AbstractContextManager[None]]


@contextmanager
def in_a_file(rehearsal: Rehearsal) -> Iterator[None]:
    file = rehearsal.folder / "planted.log"
    file.write_text(f"a line with {TOKEN}")
    yield
    file.unlink()


@contextmanager
def in_a_log(rehearsal: Rehearsal) -> Iterator[None]:
    logs, name = rehearsal.aws("logs"), f"planted-{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="stream")
    logs.put_log_events(
        logGroupName=name,
        logStreamName="stream",
        logEvents=[{"timestamp": 1, "message": "another line"}, {"timestamp": 2, "message": TOKEN}],
    )
    yield
    logs.delete_log_group(logGroupName=name)


@contextmanager
def in_a_functions_environment(rehearsal: Rehearsal) -> Iterator[None]:
    lambda_ = rehearsal.aws("lambda")
    name = next(
        one["FunctionName"]
        for one in lambda_.list_functions()["Functions"]
        if one["FunctionName"].endswith("-rotation")
    )
    before = variables_of(rehearsal, name)
    give(rehearsal, name, before | {"PLANTED": TOKEN})
    yield
    give(rehearsal, name, before)


@contextmanager
def in_a_process(_rehearsal: Rehearsal) -> Iterator[None]:
    environment, command = os.environ | {"PLANTED": TOKEN}, ["sh", "-c", "read line", TOKEN]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("planted", "where"),
    [
        (in_a_file, "planted.log"),
        (in_a_log, "log group planted-"),
        (in_a_functions_environment, "lambda list_functions"),
        (in_a_process, "environment of process"),
        (in_a_process, "arguments of process"),
    ],
)
def test_a_planted_token_is_found(planted: Planted, where: str, deployed: Rehearsal) -> None:
    with planted(deployed), pytest.raises(RehearsalError) as raised:
        Emitted(deployed).search(frozenset({TOKEN}))
    assert where in str(raised.value)
    assert TOKEN not in str(raised.value)


def test_a_token_in_what_was_printed_is_found(deployed: Rehearsal) -> None:
    emitted = Emitted(deployed)
    emitted.keep("the table", f"rotations {TOKEN}")
    with pytest.raises(RehearsalError, match="the table"):
        emitted.search(frozenset({TOKEN}))


def test_what_is_nowhere_is_not_found_and_the_function_and_the_servers_were_looked_at(
    deployed: Rehearsal,
) -> None:
    emitted = Emitted(deployed)
    assert "1 tokens are in none of" in emitted.search(frozenset({TOKEN}))
    with pytest.raises(RehearsalError) as raised:
        emitted.search(frozenset({"redis", "Redis", "RequestId"}))
    for place in ("server.log", "cdk.log", "/aws/lambda/", "redis-server", "template"):
        assert place in str(raised.value), place
