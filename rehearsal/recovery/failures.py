"""Every way a recovery test can fail, forced once: what is done, and what must be said of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rehearsal.common.deployed import resources
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.recovery.backups import Backups
from rehearsal.recovery.machine import Machine

SENTINEL = "recovery:sentinel:07"

Breaking = Callable[[Rehearsal, Machine, Backups], AbstractContextManager[None]]


@contextmanager
def no_snapshot(_rehearsal: Rehearsal, _machine: Machine, backups: Backups) -> Iterator[None]:
    """No automatic snapshot is there."""
    backups.forget()
    try:
        yield
    finally:
        backups.take()


@contextmanager
def restore_fails(_rehearsal: Rehearsal, _machine: Machine, backups: Backups) -> Iterator[None]:
    """The newest snapshot is one that no server loads."""
    name = backups.take()
    backups.spoil(name)
    try:
        yield
    finally:
        backups.forget()
        backups.take()


@contextmanager
def sentinel_missing(_rehearsal: Rehearsal, machine: Machine, backups: Backups) -> Iterator[None]:
    """One sentinel is not in the snapshot."""
    with backups.client() as redis:
        redis.delete(SENTINEL)
    backups.take()
    try:
        yield
    finally:
        machine.keep()
        backups.take()


@contextmanager
def sentinel_altered(_rehearsal: Rehearsal, machine: Machine, backups: Backups) -> Iterator[None]:
    """One sentinel in the snapshot has one other character."""
    with backups.client() as redis:
        value = str(redis.get(SENTINEL))
        redis.set(SENTINEL, value[:-1] + ("0" if value[-1] != "0" else "1"))
    backups.take()
    try:
        yield
    finally:
        with backups.client() as redis:
            redis.delete(SENTINEL)
        machine.keep()
        backups.take()


@contextmanager
def manifest_altered(rehearsal: Rehearsal, _machine: Machine, _backups: Backups) -> Iterator[None]:
    """One digest of the manifest is another, and its checksum is the old one."""
    ssm = rehearsal.aws("ssm")
    (name,) = (
        found.physical_id
        for found in resources(rehearsal, "AWS::SSM::Parameter")
        if found.physical_id.endswith("/recovery/manifest")
    )
    before = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    document = json.loads(before)
    document["sentinels"][SENTINEL] = "0" * 64
    ssm.put_parameter(Name=name, Value=json.dumps(document), Overwrite=True)
    try:
        yield
    finally:
        ssm.put_parameter(Name=name, Value=before, Overwrite=True)


@contextmanager
def time_out(_rehearsal: Rehearsal, machine: Machine, _backups: Backups) -> Iterator[None]:
    """A restore may take no time at all."""
    with machine.with_seconds(give_up_after=0):
        yield


# What is broken, and the error that the report must name.
FAILURES: tuple[tuple[str, Breaking, str], ...] = (
    ("no snapshot", no_snapshot, "NoSnapshotError"),
    ("a restore that fails", restore_fails, "RestoreFailedError"),
    ("a missing sentinel", sentinel_missing, "of 32 sentinels 1 missing (recovery:sentinel:07)"),
    ("an altered sentinel", sentinel_altered, "of 32 sentinels 1 altered (recovery:sentinel:07)"),
    ("a manifest with a wrong checksum", manifest_altered, "ManifestError"),
    ("a restore that takes too long", time_out, "TooLateError"),
)
