"""The app with every security check switched on: what a test of ``make test`` runs.

Apart from app.py so that an ordinary synth neither imports nor runs them.
"""

import aws_cdk as cdk
import cdk_nag

from app import build
from environments.load import environment_names, load
from tools.context import committed


def main() -> None:
    """Synthesise every environment; a finding that is not acknowledged ends it with status 1."""
    app = cdk.App(analytics_reporting=False, context=committed())
    build(app, [load(name) for name in environment_names()])
    cdk.Validations.of(app).add_plugins(
        cdk_nag.AwsSolutionsChecks(app),
        cdk_nag.NIST80053R5Checks(app),
        cdk_nag.PCIDSS321Checks(app),
    )
    app.synth()


if __name__ == "__main__":
    main()
