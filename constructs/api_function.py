"""A function outside of the VPC: it calls AWS's API, and can reach no node of Redis."""

from collections.abc import Mapping

from constructs import Construct
from constructs.acknowledge import acknowledge
from constructs.function_parts import FunctionSettings, make_function


class ApiFunction(Construct):
    """Python with a role and a log group of its own, and no place in any network of ours.

    In the VPC each service that it calls would need an interface endpoint in every zone, which
    costs more in a month than all of its calls in a century.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: FunctionSettings,
        wildcards: Mapping[str, str],
    ) -> None:
        """``wildcards`` are the resources of its permissions that hold a ``*``, with reasons."""
        super().__init__(scope, construct_id)
        made = make_function(self, settings)
        for resource, reason in wildcards.items():
            acknowledge(made.policy, f"AwsSolutions:IAM5[Resource::{resource}]", reason=reason)
        acknowledge(
            made.function,
            "NIST:LambdaInsideVPC",
            "PCI:LambdaInsideVPC",
            reason="It only calls AWS's API, over TLS, and must not be able to reach Redis",
        )
        self.name: str = made.function.ref
        self.arn: str = made.function.attr_arn
