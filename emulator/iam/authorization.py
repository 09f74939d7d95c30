"""Whether a role or a service may do something; if not, why, and where to add the permission."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from aws_rules.iam import Caller, CannotBeJudged, Policy, Request, Said, consult
from emulator.iam.network import Endpoint
from emulator.iam.template import Declared, Deployment, known

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


class Authorization:
    """Every policy of a deployment, consulted for one request at a time.

    An explicit denial wins. Within one account a role needs an Allow in its own policies or in the
    resource's (IAM user guide, "Policy evaluation for requests within a single account"). A key's
    policy must allow the role itself, or allow the account and so leave it to the role's policies
    (KMS developer guide, "Key policies"). A service has no policies of its own.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._of_role, self._of_key = cache(self._identity_policies), cache(self._key_policy)

    def refusal_to_role(self, role: str, request: Request) -> str | None:
        """Why AWS would refuse a role's request, or None when it would not."""
        caller = Caller(self._deployment.account, role=role)
        request = _from(role, caller.account, request)
        try:
            own = consult(self._of_role(role), request, caller, of_identity=True)
            theirs = consult(self._on_resource(request), request, caller, of_identity=False)
        except CannotBeJudged as reason:
            return f"it cannot be judged: {reason}"
        denied = _denial(own, theirs)
        if denied or theirs.allows:
            return denied
        if _is_key(request) and not theirs.delegates:
            return _unclear(theirs) or (
                "the key's policy allows neither the role nor the account; add a statement to "
                f"{self._name('AWS::KMS::Key', request.resource)}"
            )
        if own.allows:
            return None
        return _unclear(own, theirs) or (
            f"no statement of its role allows it; add one to {self._name('AWS::IAM::Role', role)}"
        )

    def refusal_to_service(self, service: str, request: Request) -> str | None:
        """Why AWS would refuse a service's request, or None: only the resource's policy counts."""
        caller = Caller(self._deployment.account, service=service)
        try:
            theirs = consult(self._on_resource(request), request, caller, of_identity=False)
        except CannotBeJudged as reason:
            return f"it cannot be judged: {reason}"
        denied = _denial(theirs)
        if denied or theirs.allows:
            return denied
        kind = "AWS::KMS::Key" if _is_key(request) else "AWS::SNS::Topic"
        return _unclear(theirs) or (
            f"no statement allows it to {service}; add one to the policy of "
            f"{self._name(kind, request.resource)}"
        )

    def refusal_by_endpoint(self, endpoint: Endpoint, role: str, request: Request) -> str | None:
        """Why the policy of a VPC endpoint would stop a role's request, or None."""
        caller = Caller(self._deployment.account, role=role)
        policies = [Policy(f"the policy of {endpoint.name}", endpoint.policy)]
        request = _from(role, caller.account, request)
        said = consult(policies, request, caller, of_identity=False)
        if _denial(said) or said.allows or said.delegates:
            return _denial(said)
        return _unclear(said) or (
            f"no statement of {policies[0].where} allows {request}; add one to it"
        )

    def _on_resource(self, request: Request) -> list[Policy]:
        """Policies on a key, secret, topic or the bucket of an object, if it has any."""
        if _is_key(request):
            return self._of_key(request.resource)
        names = {request.resource, request.resource.removeprefix("arn:aws:s3:::").split("/")[0]}
        return [
            self._policy(policy, document)
            for kind, target, document in _RESOURCE_POLICIES
            for policy in self._deployment.of_kind(kind)
            if names.intersection(_list(self._deployment.get(policy, target)))
        ]

    def _key_policy(self, arn: str) -> list[Policy]:
        key = known(self._deployment.find_arn("AWS::KMS::Key", arn), f"the key {arn}")
        return [Policy(f"the policy of key {key}", self._deployment.get(key, "KeyPolicy"))]

    def _identity_policies(self, arn: str) -> list[Policy]:
        """Inline, attached from either side, and AWS's own that are known."""
        role = known(self._deployment.find_arn("AWS::IAM::Role", arn), f"the role {arn}")
        if "PermissionsBoundary" in role.raw:
            raise CannotBeJudged(f"{role} has a permissions boundary: not modelled")
        return [*self._inline(role), *self._attached(role)]

    def _inline(self, role: Declared) -> Iterator[Policy]:
        for policy in self._deployment.get(role, "Policies", []):
            yield Policy(f"policy {policy['PolicyName']} of {role}", policy["PolicyDocument"])
        name = self._deployment.id(role)
        for declared in self._deployment.of_kind("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            if name in self._deployment.get(declared, "Roles", []):
                yield self._policy(declared)

    def _attached(self, role: Declared) -> Iterator[Policy]:
        for arn in self._deployment.get(role, "ManagedPolicyArns", []):
            policy = self._deployment.find("AWS::IAM::ManagedPolicy", arn)
            if policy is not None:
                yield self._policy(policy)
            elif arn in _MANAGED_BY_AWS:
                yield Policy(arn, _MANAGED_BY_AWS[arn])
            else:
                raise CannotBeJudged(
                    f"{role} has the policy {arn}: add what it says to _MANAGED_BY_AWS in "
                    "emulator/iam/authorization.py"
                )

    def _policy(self, declared: Declared, key: str = "PolicyDocument") -> Policy:
        return Policy(str(declared), self._deployment.get(declared, key))

    def _name(self, kind: str, arn: str) -> str:
        return str(self._deployment.find_arn(kind, arn) or arn)


def _from(role: str, account: str, request: Request) -> Request:
    caller = {
        "aws:PrincipalArn": role,
        "aws:PrincipalAccount": account,
        "aws:SecureTransport": "true",
    }
    return Request(request.action, request.resource, {**caller, **request.context})


def _is_key(request: Request) -> bool:
    return request.action.startswith("kms:")


def _denial(*evaluations: Said) -> str | None:
    for evaluation in evaluations:
        if evaluation.denies:
            return f"{evaluation.denies[0]} denies it"
    for evaluation in evaluations:
        if evaluation.unclear_denies:
            return f"it cannot be judged: {evaluation.unclear_denies[0]}"
    return None


def _unclear(*evaluations: Said) -> str | None:
    reasons = [reason for evaluation in evaluations for reason in evaluation.unclear_allows]
    return f"it cannot be judged: {reasons[0]}" if reasons else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
