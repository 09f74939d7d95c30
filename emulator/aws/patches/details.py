"""Small patches: ministack's version, filters of EC2, records of secrets, drift, events."""
# ruff: noqa: SLF001 - another package's private names are its matter

import fnmatch
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from ministack.services import (  # type: ignore[import-not-found]
    ec2,
    eventbridge,
    scheduler,
    secretsmanager,
)
from ministack.services.cloudformation import drift  # type: ignore[import-not-found]

from emulator.aws.patches.instead import instead_of

MINISTACK = "1.5.33"
Record = dict[str, Any]


def require_version() -> None:
    """Refuse to start on a ministack that these patches were not written for (SystemExit)."""
    present = version("ministack")
    if present != MINISTACK:
        raise SystemExit(
            f"rehearsal: ministack {present} is installed and emulator/aws/patches is written "
            f"for {MINISTACK}: run 'make setup-rehearsal', or read the patches again for {present}"
        )


def emit(source: str, kind: str, detail: str) -> None:
    """An event as a service of AWS sends it; from other callers PutEvents refuses its source."""
    entry = {"Source": source, "DetailType": kind, "Detail": detail}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def secret_record(secret_id: str) -> Record | None:
    """The stored secret behind a name or ARN, to be changed in place; None when there is none."""
    _, secret = secretsmanager._resolve(secret_id)
    record: Record | None = secret
    return record


def drift_reader(resource_type: str, read: Callable[[str, Record], Record | None]) -> None:
    """Let drift detection compare what `read` gives of the properties, None when it is gone."""
    covered: set[str] = set()

    def reading(physical_id: str, asked: Record) -> Record | None:
        properties = read(physical_id, asked)
        covered.update(properties or ())
        return properties

    drift._DRIFT_READERS[resource_type] = (reading, covered)


@instead_of(ec2, "_parse_filters")
def _filters(parse: Any, params: Any) -> Any:
    """A filter takes * in a group's name, as EC2's do: ministack compares it literally."""
    parsed = parse(params)
    for pattern in parsed.get("group-name", []):
        names = [group["GroupName"] for group in ec2._security_groups.values()]
        parsed["group-name"] = [*parsed["group-name"], *fnmatch.filter(names, pattern)]
    return parsed


def install() -> None:
    """Find the secrets of drift by ARN, and fire no schedule by the clock.

    A secret's `Ref` is its ARN, as in AWS: ministack would look for it by name. Its schedules read
    no time zone, and a test fires them by hand.
    """
    scheduler.start_scheduler = lambda: None
    kind = "AWS::SecretsManager::Secret"
    read, compared = drift._DRIFT_READERS[kind]
    drift._DRIFT_READERS[kind] = (
        lambda arn, properties: read(secretsmanager._resolve(arn)[0], properties),
        compared,
    )
