"""One rehearsal: its folder, its embedded AWS, its copy of the checkout, what is deployed."""

import fcntl
import json
import os
import shlex
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import boto3
from botocore.config import Config

from emulator.clean_environment import ROOT
from emulator.embedded_aws import EmbeddedAws, end_group
from emulator.engines import obtain
from rehearsal.common.checkout import Cdk, Checkout

_CONFIG = Config(retries={"total_max_attempts": 1}, read_timeout=120)


class Clients:
    """Clients for `environment`, which `clean_environment` made; one a service."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._made: dict[str, Any] = {}
        with instead_of_the_users(environment):
            self._session = boto3.Session()

    def __call__(self, service: str) -> Any:
        """The client of a service, as boto3 names it."""
        if service not in self._made:
            with instead_of_the_users(self._environment):
                self._made[service] = self._session.client(service, config=_CONFIG)
        return self._made[service]


@contextmanager
def instead_of_the_users(environment: Mapping[str, str]) -> Iterator[None]:
    """Give this process another environment as long as this lasts."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass(frozen=True)
class Resource:
    """One resource of one stack; `properties` as the template has them, references unresolved."""

    stack: str
    logical_id: str
    kind: str
    physical_id: str
    properties: dict[str, Any]
    deletion_policy: str

    def __str__(self) -> str:
        """How a message names it."""
        return f"{self.kind} {self.logical_id} of {self.stack} ({self.physical_id})"


FOLDERS = ROOT / "build" / "rehearsal"
_AWS = ROOT / ".venv-cli/bin/aws"  # make setup-cli
_PATIENCE = 180  # seconds


class Rehearsal:
    """A rehearsal of one settings file; `stop` ends every process and removes the folder.

    A lock on the folder is held by this process and by the server it starts, so that a folder
    whose lock is free is left over.
    """

    def __init__(self, environment: str = "production", account: str = "") -> None:
        """``account`` is the name of a profile: see profiles.py."""
        FOLDERS.mkdir(parents=True, exist_ok=True)
        # One at a time: a folder without its lock is one to be cleared away.
        with (FOLDERS / "gate").open("w") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            for left in FOLDERS.glob("*/lock"):
                if not _in_use(left.parent):
                    shutil.rmtree(left.parent)
            self.folder = FOLDERS / uuid.uuid4().hex[:8]
            self.folder.mkdir()
            self._lock = (self.folder / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.embedded_aws = EmbeddedAws(self.folder)
        self.checkout = Checkout(self.folder / "checkout", environment)
        self.root = ROOT
        self.account = account
        self.aws: Clients
        self.cdk: Cdk
        self.neighbours: list[str] = []  # the ids of the security groups that are not ours
        self.destroyed: list[Resource] = []
        self.snapshots_before: set[str] = set()

    def start(self, *, outlives_us: bool = False) -> None:
        """Start the embedded AWS; `aws` and `cdk` are usable from here on."""
        self.embedded_aws.start(outlives_us=outlives_us, inherited=[self._lock.fileno()])
        environment = self.embedded_aws.environment
        self.aws = Clients(environment)
        self.cdk = Cdk(self.checkout.folder, environment, self.folder / "cdk.log")

    def turn_to(self, root: Path, name: str) -> None:
        """From here on `checkout`, still to be made, and `cdk` are those of another revision.

        `root` holds its files and its tools; `name` is for the folder of the copy.
        """
        self.root = root
        self.checkout = Checkout(self.folder / f"checkout-{name}", self.checkout.name, root)
        environment = self.embedded_aws.environment
        self.cdk = Cdk(self.checkout.folder, environment, self.folder / "cdk.log", root)

    @property
    def authority(self) -> Path:
        """The certificate that the nodes' certificates are verified against."""
        return self.embedded_aws.authority

    def ask(self, act: str, **arguments: str) -> Any:
        """What happened behind AWS's API, or what it would do by itself in time: see server.py."""
        address = f"{self.embedded_aws.endpoint}/_rehearsal/{act}?{urlencode(arguments)}"
        with urlopen(address, timeout=_PATIENCE) as answer:  # noqa: S310 - ours
            return json.load(answer)

    def keep(self) -> Path:
        """Leave it running for `stop_kept`; returns the program that opens a shell on it."""
        (self.folder / "kept.json").write_text(json.dumps({"pid": self.embedded_aws.pid}))
        return self.shell()

    def shell(self) -> Path:
        """Write a program that runs bash on this rehearsal; it takes bash's arguments.

        Its environment is made from nothing, so that no profile, credential or endpoint of the
        caller's is used. `make` works there on the rehearsal's own copy of the checkout.
        """
        checkout, commands = self.checkout.folder, self.folder / "bin"
        (checkout / "rehearsal").mkdir(exist_ok=True)
        shutil.copy(ROOT / "rehearsal/rehearsal.mk", checkout / "rehearsal")
        if not (checkout / "node_modules").exists():
            (checkout / "node_modules").symlink_to(ROOT / "node_modules")
        commands.mkdir(exist_ok=True)
        # Version 1 of the AWS command line takes an address of its own for queues, whatever
        # AWS_ENDPOINT_URL says.
        endpoint = self.embedded_aws.endpoint
        _program(commands / "aws", f'{_AWS} --endpoint-url {endpoint} "$@"')
        redis_cli = obtain("redis", "6.2").program.with_name("redis-cli")
        _program(commands / "redis-cli", f'{redis_cli} --cacert {self.authority} "$@"')
        group = self.checkout.settings["redis"]["replication_group_id"]
        module = f"-m rehearsal.common.minutes {group}"
        run = f"cd {ROOT} && PYTHONPATH={ROOT}:{ROOT}/lambda exec .venv/bin/python {module}"
        _program(commands / "minutes", f'{run} "$@"', run="")
        variables = self.embedded_aws.environment | {
            "PYTHONPATH": str(checkout / "lambda"),
            "SSL_CERT_FILE": str(self.authority),
            "CDK_VALIDATION": "false",
            "PS1": "rehearsal $ ",
        }
        variables["PATH"] = f"{commands}:{variables['PATH']}"
        given = " ".join(shlex.quote(f"{name}={value}") for name, value in variables.items())
        text = f'cd {checkout} && exec env -i TERM="$TERM" {given} bash --norc --noprofile "$@"'
        return _program(self.folder / "shell", text, run="")

    def stop(self, *, remove: bool = True) -> None:
        """End every process; the folder with its logs goes too, unless it is of use."""
        self.embedded_aws.stop()
        self._lock.close()
        if remove:
            shutil.rmtree(self.folder)


def _program(file: Path, text: str, run: str = "exec ") -> Path:
    file.write_text(f"#!/bin/sh\n{run}{text}\n")
    file.chmod(0o755)
    return file


def kept_shell() -> Path | None:
    """The program that opens a shell on the rehearsal that was kept last; None without one."""
    kept = (one for one in FOLDERS.glob("*/kept.json") if _in_use(one.parent))
    newest = max(kept, key=lambda one: one.stat().st_mtime, default=None)
    return newest and newest.with_name("shell")


def stop_kept() -> int:
    """End every rehearsal that was kept; returns how many."""
    ended = 0
    for kept in FOLDERS.glob("*/kept.json"):
        folder = kept.parent
        if _in_use(folder):
            end_group(json.loads(kept.read_text())["pid"], lambda: not _in_use(folder))  # noqa: B023
            ended += 1
        shutil.rmtree(folder)
    return ended


def _in_use(folder: Path) -> bool:
    with (folder / "lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def paged(client: Any, call: str, key: str, **asked: Any) -> Iterator[dict[str, Any]]:
    """What all pages of an answer have under this key."""
    for page in client.get_paginator(call).paginate(**asked):
        yield from page[key]


def resources(rehearsal: Rehearsal, kind: str | None = None, part: str = "") -> Iterator[Resource]:
    """Every resource of the deployed stacks whose names end with `part`, or those of one type."""
    for stack in (one for one in rehearsal.cdk.stacks if one.endswith(part)):
        asked = rehearsal.cdk.template(stack)["Resources"]
        if kind is not None and all(one["Type"] != kind for one in asked.values()):
            continue
        client, listed = rehearsal.aws("cloudformation"), "StackResourceSummaries"
        for found in paged(client, "list_stack_resources", listed, StackName=stack):
            if kind in (None, found["ResourceType"]):
                template = asked[found["LogicalResourceId"]]
                yield Resource(
                    stack=stack,
                    logical_id=found["LogicalResourceId"],
                    kind=found["ResourceType"],
                    physical_id=found["PhysicalResourceId"],
                    properties=template.get("Properties", {}),
                    deletion_policy=template.get("DeletionPolicy", "Delete"),
                )


def only(rehearsal: Rehearsal, kind: str, part: str = "") -> Resource:
    """The one resource of this type, in the stack whose name ends with `part` if that is given."""
    (found,) = resources(rehearsal, kind, part)
    return found


def variables_of(rehearsal: Rehearsal, function: str) -> dict[str, str]:
    """A deployed function's environment variables."""
    found = rehearsal.aws("lambda").get_function_configuration(FunctionName=function)
    return dict(found["Environment"]["Variables"])


def give(rehearsal: Rehearsal, function: str, variables: dict[str, str]) -> None:
    """Give a function other variables, and wait until its next invocation has them."""
    client = rehearsal.aws("lambda")
    client.update_function_configuration(
        FunctionName=function, Environment={"Variables": variables}
    )
    client.get_waiter("function_updated_v2").wait(
        FunctionName=function, WaiterConfig={"Delay": 0.2, "MaxAttempts": 600}
    )


def said_by(rehearsal: Rehearsal, function: str, since: int) -> dict[str, Any] | None:
    """The first document that a function wrote to its log since that many milliseconds."""
    events = rehearsal.aws("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{function}", startTime=since
    )["events"]
    lines = [event["message"] for event in events if event["message"].startswith("{")]
    return json.loads(lines[0]) if lines else None
