"""Which policies the templates attach to a role, and which to a key, secret, topic or bucket."""

from collections.abc import Iterator
from typing import Any

from aws_rules.policies import Policy
from aws_rules.problem import CannotBeJudged
from emulator.iam.template import Declared, Deployment

_LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
_INTERFACES = [
    *("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"),
]
_ROLE_POLICIES = "arn:aws:iam::aws:policy/service-role/"

# AWS managed policy reference, each page's default version.
_MANAGED_BY_AWS = {
    f"{_ROLE_POLICIES}{name}": {
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    }
    for name, actions in (
        ("AWSLambdaBasicExecutionRole", _LOGS),
        ("AWSLambdaVPCAccessExecutionRole", _LOGS + _INTERFACES),
    )
}

# The policy's type, the property that names what it is attached to, the one with the document.
_RESOURCE_POLICIES = (
    ("AWS::SecretsManager::ResourcePolicy", "SecretId", "ResourcePolicy"),
    ("AWS::SNS::TopicPolicy", "Topics", "PolicyDocument"),
    ("AWS::S3::BucketPolicy", "Bucket", "PolicyDocument"),
)


class Grants:
    """The policies of one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._of_roles: dict[str, list[Policy]] = {}
        self._of_keys: dict[str, list[Policy]] = {}

    def of_role(self, arn: str) -> list[Policy]:
        """Identity policies: inline, attached from either side, and AWS's own that are known."""
        if arn not in self._of_roles:
            self._of_roles[arn] = self._identity(arn)
        return self._of_roles[arn]

    def _identity(self, arn: str) -> list[Policy]:
        role = self._deployment.find_arn("AWS::IAM::Role", arn)
        if role is None:
            raise CannotBeJudged(f"no template has the role {arn}")
        if "PermissionsBoundary" in role.raw:
            raise CannotBeJudged(f"{role} has a permissions boundary: not modelled")
        return [*self._inline(role), *self._attached(role)]

    def of_key(self, arn: str) -> list[Policy]:
        """The key policy."""
        if arn not in self._of_keys:
            key = self._deployment.find_arn("AWS::KMS::Key", arn)
            if key is None:
                raise CannotBeJudged(f"no template has the key {arn}")
            policy = self._policy(f"the policy of key {key}", key, "KeyPolicy")
            self._of_keys[arn] = [policy]
        return self._of_keys[arn]

    def of_resource(self, arn: str) -> list[Policy]:
        """Policies on a secret, a topic, or the bucket of an object; none where there is none."""
        bucket = arn.removeprefix("arn:aws:s3:::").split("/")[0]
        return [
            self._policy(str(policy), policy, document)
            for kind, target, document in _RESOURCE_POLICIES
            for policy in self._deployment.of_kind(kind)
            if {arn, bucket} & set(_list(self._deployment.get(policy, target)))
        ]

    def _inline(self, role: Declared) -> Iterator[Policy]:
        for policy in self._deployment.get(role, "Policies", []):
            yield Policy(f"policy {policy['PolicyName']} of {role}", policy["PolicyDocument"])
        name = self._deployment.id(role)
        for declared in self._deployment.of_kind("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            if name in self._deployment.get(declared, "Roles", []):
                yield self._policy(str(declared), declared, "PolicyDocument")

    def _attached(self, role: Declared) -> Iterator[Policy]:
        for arn in self._deployment.get(role, "ManagedPolicyArns", []):
            policy = self._deployment.find("AWS::IAM::ManagedPolicy", arn)
            if policy is not None:
                yield self._policy(str(policy), policy, "PolicyDocument")
            elif arn in _MANAGED_BY_AWS:
                yield Policy(arn, _MANAGED_BY_AWS[arn])
            else:
                raise CannotBeJudged(
                    f"{role} has the policy {arn}: add what it says to emulator/iam/grants.py"
                )

    def _policy(self, where: str, resource: Declared, key: str) -> Policy:
        return Policy(where, self._deployment.get(resource, key))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
