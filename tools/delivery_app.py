"""The roles of an environment's workflows, an app of their own: ``make deploy-roles``.

Apart from app.py, so that no workflow's deployment ever reaches the roles that workflows have.
"""

import sys

import aws_cdk as cdk

from environments.load import SettingsError, load
from stacks.delivery import DeliveryStack


def main() -> None:
    """Synthesise the roles of the environment that ``-c env=NAME`` names."""
    app = cdk.App(analytics_reporting=False)
    name = app.node.try_get_context("env")
    if not name:
        sys.exit("deploy-roles: name the environment, for example ENV=production")
    try:
        settings = load(name)
    except SettingsError as problem:
        sys.exit(str(problem))
    if settings.delivery is None:
        sys.exit(
            f"environments/{name}.toml: delivery: this table is missing, so no workflow is to have "
            "a role. docs/operate/delivery.md shows what to write."
        )
    DeliveryStack(app, settings=settings, delivery=settings.delivery)
    app.synth()


if __name__ == "__main__":
    main()
