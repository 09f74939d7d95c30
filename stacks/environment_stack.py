"""What every stack of an environment has in common."""

from collections.abc import Sequence

import aws_cdk as cdk

from constructs import Construct
from constructs.common.own_function import UNRESERVED
from environments.schema import Settings


class EnvironmentStack(cdk.Stack):
    """A stack named, placed, tagged and protected as its environment says."""

    def __init__(
        self,
        scope: Construct,
        part: str,
        *,
        settings: Settings,
        description: str,
        untagged: Sequence[str] = (),
    ) -> None:
        """``part`` ends the stack's name: ``data`` gives ``vibewell-redis-production-data``.

        CloudFormation gives a stack's tags to every resource, so a stack with ``untagged`` types
        has none itself: its other resources carry them.
        """
        self.settings = settings
        environment = settings.environment
        tags = {"environment": environment.name, **environment.tags}
        super().__init__(
            scope,
            f"{settings.prefix}-{part}",
            env=cdk.Environment(account=environment.account, region=environment.region),
            description=description,
            termination_protection=environment.termination_protection,
            # CloudFormation counts white space into a template's 1 MB.
            suppress_template_indentation=not settings.redis.topology.in_full,
            tags=None if untagged else tags,
        )
        if environment.reserved_concurrency == "none":
            self.node.set_context(UNRESERVED, value=True)
        if untagged:
            for name, value in tags.items():
                cdk.Tags.of(self).add(
                    name, value, exclude_resource_types=["aws:cdk:stack", *untagged]
                )

    def outputs(self, **outputs: str) -> None:
        """Outputs for people, by names that stay; no stack reads them."""
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)
