"""What the sentinels must be: stored outside Redis, with a checksum of its own."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from recovery.settings import ManifestError
from shared.aws_calls import ask
from shared.errors import AwsRefusedError

_ABSENT = "ParameterNotFound"


def digest(text: str | bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def checksum(sentinels: Mapping[str, str]) -> str:
    """Of the manifest's list: the digest of its canonical JSON."""
    return digest(json.dumps(dict(sentinels), sort_keys=True, separators=(",", ":")))


def read(ssm: Any, name: str) -> dict[str, str]:
    """The digest of each sentinel's value, by key.

    Raises ManifestError if the parameter is not there or is not what was deployed, and what
    ``ask`` raises.
    """
    try:
        answer = ask(ssm.get_parameter, Name=name)
    except AwsRefusedError as refused:
        if refused.code != _ABSENT:
            raise
        raise ManifestError(f"there is no manifest {name}: deploy it again") from None
    try:
        found = json.loads(answer["Parameter"]["Value"])
        sentinels, expected = dict(found["sentinels"]), found["checksum"]
    except (ValueError, KeyError, TypeError):
        raise ManifestError(f"the manifest {name} is no manifest: deploy it again") from None
    if not sentinels:
        raise ManifestError(f"the manifest {name} names no sentinel: deploy it again")
    if checksum(sentinels) != expected:
        raise ManifestError(f"the manifest {name} does not match its checksum: deploy it again")
    return sentinels
