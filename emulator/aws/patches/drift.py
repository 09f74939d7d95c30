"""Drift detection: its readers, ours and the one of secrets."""
# ruff: noqa: SLF001 - another package's private names are its matter

from collections.abc import Callable, Iterable
from typing import Any

from ministack.services import secretsmanager  # type: ignore[import-not-found]
from ministack.services.cloudformation import drift  # type: ignore[import-not-found]

Record = dict[str, Any]


def drift_reader(
    resource_type: str,
    read: Callable[[str, Record], Record | None],
    covered: Iterable[str],
) -> None:
    """Let drift detection check a type: `read` gives the `covered` properties, None when gone."""
    drift._DRIFT_READERS[resource_type] = (read, frozenset(covered))


def install() -> None:
    """A secret's `Ref` is its ARN, as in AWS: ministack would look for it by name and miss it."""
    kind = "AWS::SecretsManager::Secret"
    read, compared = drift._DRIFT_READERS[kind]

    def by_arn(physical_id: str, properties: Record) -> Record | None:
        name, _ = secretsmanager._resolve(physical_id)
        found: Record | None = read(name, properties)
        return found

    drift._DRIFT_READERS[kind] = (by_arn, compared)
