"""What every stack of an environment has in common."""

import aws_cdk as cdk

from constructs import Construct
from environments.schema import Settings


class EnvironmentStack(cdk.Stack):
    """A stack named, placed, tagged and protected as its environment says."""

    def __init__(
        self, scope: Construct, part: str, *, settings: Settings, description: str
    ) -> None:
        """``part`` ends the stack's name: ``data`` gives ``vibewell-redis-production-data``."""
        environment = settings.environment
        super().__init__(
            scope,
            f"{settings.prefix}-{part}",
            env=cdk.Environment(account=environment.account, region=environment.region),
            description=description,
            termination_protection=environment.termination_protection,
            tags={"environment": environment.name, **environment.tags},
        )
