"""A document among a function's variables, which constructs/common/variables.py wrote."""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any


def document(environment: Mapping[str, str], name: str) -> Any:
    """The document; what of it is packed is put back. KeyError if there is no such variable."""
    found = json.loads(environment[name])
    if not isinstance(found, dict) or "packed" not in found:
        return found
    packed = json.loads(zlib.decompress(base64.b64decode(found.pop("packed"))))
    return {**found, **packed} if isinstance(packed, dict) else packed
