"""What the CDK command line hands to the app, for those that run it without."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def committed() -> dict[str, Any]:
    """The feature flags of cdk.json and the answered look-ups of cdk.context.json."""
    flags: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    known: dict[str, Any] = json.loads((ROOT / "cdk.context.json").read_text())
    return flags | known
