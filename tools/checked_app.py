"""The app with every security check switched on: what a test of ``make test`` runs.

Apart from app.py so that an ordinary synth neither imports nor runs them.
"""

import sys

import aws_cdk as cdk
import cdk_nag

from app import build
from environments.load import environment_names, load
from tools.command import Answer
from tools.context import committed


def main() -> None:
    """Synthesise every environment; a finding that is not acknowledged ends it with status 1."""
    try:
        app = cdk.App(analytics_reporting=False, context=committed())
    except Answer as reason:
        sys.exit(str(reason))
    build(app, [load(name) for name in environment_names()])
    cdk.Validations.of(app).add_plugins(
        cdk_nag.AwsSolutionsChecks(app),
        cdk_nag.NIST80053R5Checks(app),
        cdk_nag.PCIDSS321Checks(app),
    )
    app.synth()


if __name__ == "__main__":
    main()
