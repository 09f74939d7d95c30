"""What ``cdk bootstrap`` made in the account, by the names that its qualifier gives."""

from dataclasses import dataclass
from typing import Self

from constructs import Construct
from constructs.common.permissions import Place, place

# Sources: CDK guide, "Customize AWS CDK bootstrapping"; CDK reads the key of cdk.json itself too.
DEFAULT_QUALIFIER = "hnb659fds"
QUALIFIER_KEY = "@aws-cdk/core:bootstrapQualifier"


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The roles and the bucket of one place, bootstrapped with one qualifier."""

    place: Place
    qualifier: str

    @classmethod
    def of(cls, scope: Construct) -> Self:
        """Those that the stack of ``scope`` is deployed by."""
        return cls(place(scope), scope.node.try_get_context(QUALIFIER_KEY) or DEFAULT_QUALIFIER)

    def role(self, name: str) -> str:
        """The ARN of a role, such as ``deploy-role``."""
        suffix = f"{self.place.account}-{self.place.region}"
        return f"arn:aws:iam::{self.place.account}:role/cdk-{self.qualifier}-{name}-{suffix}"

    @property
    def objects(self) -> str:
        """The ARN of every object in the bucket that templates are put into."""
        bucket = f"cdk-{self.qualifier}-assets-{self.place.account}-{self.place.region}"
        return f"arn:aws:s3:::{bucket}/*"

    @property
    def version(self) -> str:
        """The ARN of the parameter that every template reads."""
        return self.place.arn("ssm", f"parameter/cdk-bootstrap/{self.qualifier}/version")
