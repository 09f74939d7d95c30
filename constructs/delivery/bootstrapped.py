"""What ``cdk bootstrap`` made in the account, by its default names."""

from dataclasses import dataclass

from constructs.common.arns import Place

QUALIFIER = "hnb659fds"  # Source: CDK guide, "Customize AWS CDK bootstrapping"


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The roles and the bucket of one place."""

    place: Place

    def role(self, name: str) -> str:
        """The ARN of a role, such as ``deploy-role``."""
        suffix = f"{self.place.account}-{self.place.region}"
        return f"arn:aws:iam::{self.place.account}:role/cdk-{QUALIFIER}-{name}-{suffix}"

    @property
    def objects(self) -> str:
        """The ARN of every object in the bucket that templates are put into."""
        return f"arn:aws:s3:::cdk-{QUALIFIER}-assets-{self.place.account}-{self.place.region}/*"

    @property
    def version(self) -> str:
        """The ARN of the parameter that every template reads."""
        return self.place.arn("ssm", f"parameter/cdk-bootstrap/{QUALIFIER}/version")
