"""Everything that anything has emitted in a rehearsal, to be searched for tokens."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal, paged

Found = Iterator[tuple[str, bytes]]  # where, and what is written there

_BACKSTAGE = ("alarm_failures", "calls", "connections", "messages", "metrics", "rotations")


class TokenSearch:
    """Files of the rehearsal, logs, what AWS shows and keeps, processes, and what was printed."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._kept: dict[str, bytes] = {}

    def keep(self, where: str, text: str) -> None:
        """Have this searched too: nothing else holds it later."""
        self._kept[f"{where} ({len(self._kept)})"] = text.encode()

    def keep_processes(self) -> None:
        """Have the environment and the arguments of every process of now searched."""
        server = psutil.Process(self._rehearsal.embedded_aws.pid)
        for root in (psutil.Process(), server):
            for process in (root, *root.children(recursive=True)):
                with suppress(OSError, psutil.NoSuchProcess):  # it has ended
                    # As bytes: psutil's leave out of an environment what is not NAME=value.
                    for part, what in (("environ", "environment"), ("cmdline", "arguments")):
                        content = Path(f"/proc/{process.pid}/{part}").read_bytes()
                        self._kept[f"{what} of process {process.pid} {process.name()}"] = content

    def search(self, tokens: frozenset[str]) -> str:
        """RehearsalError with every place that holds one of the tokens, never with the token."""
        if not tokens:
            raise RehearsalError("there is no token to search for")
        self.keep_processes()
        wanted = [token.encode() for token in tokens]
        places = size = 0
        holding = []
        for where, content in self._everything():
            places, size = places + 1, size + len(content)
            if any(token in content for token in wanted):
                holding.append(where)
        if holding:
            raise RehearsalError("a token is in:\n- " + "\n- ".join(holding))
        return f"{len(tokens)} tokens are in none of {places} places with {size / 1e6:.0f} MB"

    def _everything(self) -> Found:
        yield from self._files()
        yield from self._logs()
        yield from self._stacks()
        yield from self._aws()
        for act in _BACKSTAGE:
            yield f"what is recorded of {act}", _text(self._rehearsal.ask(act))
        yield from self._kept.items()

    def _files(self) -> Found:
        for path in self._rehearsal.folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                with suppress(FileNotFoundError):  # servers remove their temporary files
                    yield str(path), path.read_bytes()

    def _logs(self) -> Found:
        logs = self._rehearsal.aws("logs")
        for group in paged(logs, "describe_log_groups", "logGroups"):
            name = group["logGroupName"]
            events = paged(logs, "filter_log_events", "events", logGroupName=name)
            yield f"log group {name}", _text(list(events))

    def _stacks(self) -> Found:
        cloudformation = self._rehearsal.aws("cloudformation")
        for stack in self._rehearsal.cdk.stacks:
            for call in ("describe_stacks", "describe_stack_events", "list_stack_resources"):
                answer = getattr(cloudformation, call)(StackName=stack)
                yield f"{call} of {stack}", _text(answer)
            for stage in ("Original", "Processed"):
                answer = cloudformation.get_template(StackName=stack, TemplateStage=stage)
                yield f"{stage} template of {stack}", _text(answer["TemplateBody"])

    def _aws(self) -> Found:
        for service, call, asked in _SHOWN:
            answer = getattr(self._rehearsal.aws(service), call)(**asked)
            yield f"{service} {call}", _text(answer)


# What people see of the account without having a right to read secrets.
_SHOWN: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("cloudwatch", "describe_alarms", {}),
    ("elasticache", "describe_events", {}),
    ("elasticache", "describe_replication_groups", {}),
    ("elasticache", "describe_users", {}),
    ("lambda", "list_functions", {}),
    ("scheduler", "list_schedules", {}),
    ("secretsmanager", "list_secrets", {}),
    ("ssm", "get_parameters_by_path", {"Path": "/", "Recursive": True}),
)


def _text(answer: object) -> bytes:
    return json.dumps(answer, default=str).encode()
