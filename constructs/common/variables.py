"""A function's variables, which together have 4 KB at most."""

import base64
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk

LARGEST = 4096  # bytes (Lambda quotas), of one JSON document of all, as its error shows it
_TOKEN = re.compile(r"\$\{Token\[[^]]+\]\}")
_BECOMES = "x" * 80  # an ARN, or a generated name


def fitting(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables; the longest is packed where they would not fit.

    It has to be JSON, which lambda/shared/variable.py reads in both forms.
    """
    found = dict(variables)
    if len(_TOKEN.sub(_BECOMES, json.dumps(found)).encode()) >= LARGEST:
        longest = max(found, key=lambda name: len(found[name]))
        found[longest] = _packed(json.loads(found[longest]))
    return found


def _packed(document: Any) -> str:
    """References stay as they are: what they become is known at deployment."""
    open_: dict[str, Any] = {}
    if isinstance(document, dict):
        open_ = {k: v for k, v in document.items() if cdk.Token.is_unresolved(json.dumps(v))}
        document = {k: v for k, v in document.items() if k not in open_}
    packed = base64.b64encode(zlib.compress(json.dumps(document).encode(), 9)).decode()
    return json.dumps({**open_, "packed": packed}, separators=(",", ":"))
