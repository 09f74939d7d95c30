"""What the CDK command line hands to the app, for those that run it without."""

import json
from pathlib import Path
from typing import Any

from environments import load

ROOT = Path(__file__).parent.parent


def committed(folder: Path | None = None) -> dict[str, Any]:
    """The feature flags of cdk.json and the answered look-ups of cdk.context.json.

    ``folder`` holds the look-ups: by default the one above the settings files.
    """
    flags: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    answers = (folder or load.FOLDER.parent) / "cdk.context.json"
    known: dict[str, Any] = json.loads(answers.read_text()) if answers.exists() else {}
    return flags | known
