"""The app with every security check switched on: what ``make check`` and a test run.

Apart from app.py so that an ordinary synth neither imports nor runs them.
"""

import json
from pathlib import Path

import aws_cdk as cdk
import cdk_nag

from app import build
from environments.load import environment_names, load

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Synthesise every environment; a finding that is not acknowledged ends it with status 1."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    context |= json.loads((ROOT / "cdk.context.json").read_text())
    app = cdk.App(analytics_reporting=False, context=context)
    build(app, [load(name) for name in environment_names()])
    cdk.Validations.of(app).add_plugins(
        cdk_nag.AwsSolutionsChecks(app),
        cdk_nag.NIST80053R5Checks(app),
        cdk_nag.PCIDSS321Checks(app),
    )
    app.synth()


if __name__ == "__main__":
    main()
