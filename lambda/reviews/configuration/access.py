"""Access that is wider than ours: rules, policies of resources, policies of roles."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from reviews.configuration.drift import Resource, Stacks
from shared.aws_calls import ask, every
from shared.errors import AwsRefusedError, StoppedError
from shared.line import Line

SECTION = "review-access"
Clients = Callable[[str], Any]  # of AWS, by service


def check_rules(ec2: Any, stacks: Stacks) -> Iterator[Line]:
    """Every rule of every security group of ours is one that a template has."""
    ours = {id_ for way in ("In", "E") for id_ in stacks.ids(f"AWS::EC2::SecurityGroup{way}gress")}
    for group in stacks.of("AWS::EC2::SecurityGroup"):
        listing = ec2.describe_security_group_rules, "SecurityGroupRules"
        of_group = [{"Name": "group-id", "Values": [group.physical_id]}]
        beyond = []
        for rule in every(*listing, Filters=of_group):
            way = "SecurityGroupEgress" if rule["IsEgress"] else "SecurityGroupIngress"
            inline = any(_same(rule, asked) for asked in group.properties.get(way, []))
            if rule["SecurityGroupRuleId"] not in ours and not inline:
                beyond.append(_rule(rule))
        name = group.properties.get("GroupName", group.logical_id)
        yield _line(f"rules of {name}", beyond, "only the templates' rules")


def check_policy(name: str, read: Callable[[], str | None], account: str) -> Iterator[Line]:
    """No policy of a resource lets in somebody whom our templates never name."""
    wanted = "only services under a condition, and the account itself"
    yield _line(f"policy of {name}", list(strangers(read(), account)), wanted)


def check_roles(iam: Any, stacks: Stacks) -> Iterator[Line]:
    """No role of ours has a policy beyond ours."""
    ours = stacks.ids("AWS::IAM::ManagedPolicy")
    for role in stacks.of("AWS::IAM::Role"):
        name = role.physical_id
        attached = ask(iam.list_attached_role_policies, RoleName=name)["AttachedPolicies"]
        beyond = [one["PolicyName"] for one in attached if one["PolicyArn"] not in ours]
        # CDK writes Policies of a template into the role itself; none of ours has any.
        inline = ask(iam.list_role_policies, RoleName=name)["PolicyNames"]
        beyond += [f"{one} (inline)" for one in inline]
        yield _line(f"role {name}", beyond, "only the templates' policies")


# By type: service, operation, the parameter that names the resource, others, where the policy is.
_POLICIES: dict[str, tuple[str, str, str, dict[str, Any], str]] = {
    "AWS::KMS::Key": ("kms", "get_key_policy", "KeyId", {"PolicyName": "default"}, "Policy"),
    "AWS::Lambda::Function": ("lambda", "get_policy", "FunctionName", {}, "Policy"),
    "AWS::S3::Bucket": ("s3", "get_bucket_policy", "Bucket", {}, "Policy"),
    "AWS::SecretsManager::Secret": (
        *("secretsmanager", "get_resource_policy", "SecretId", {}, "ResourcePolicy"),
    ),
    "AWS::SNS::Topic": ("sns", "get_topic_attributes", "TopicArn", {}, "Policy"),
    "AWS::SQS::Queue": (
        *("sqs", "get_queue_attributes", "QueueUrl", {"AttributeNames": ["Policy"]}, "Policy"),
    ),
}
# What AWS answers for a resource that has no policy of its own.
_NONE = frozenset({"ResourceNotFoundException", "NoSuchBucketPolicy"})
# Of these it answers, without a policy.
_WITHOUT = frozenset({"AWS::SecretsManager::Secret", "AWS::SQS::Queue"})


def policies_of(aws: Clients, stacks: Stacks) -> dict[str, Callable[[], str | None]]:
    """How to read the policy of each resource that has one; each raises what ``ask`` raises."""
    return {
        f"{kind.rpartition(':')[2]} {resource.logical_id}": partial(_policy, aws, kind, resource)
        for kind in _POLICIES
        for resource in stacks.of(kind)
    }


def _policy(aws: Clients, kind: str, resource: Resource) -> str | None:
    service, operation, parameter, others, key = _POLICIES[kind]
    given = {parameter: resource.physical_id, **others}
    try:
        answer = ask(getattr(aws(service), operation), **given)
    except AwsRefusedError as refused:
        if refused.code in _NONE:
            return None
        raise
    found: str | None = answer.get("Attributes", answer).get(key)
    if found is None and kind not in _WITHOUT:
        raise StoppedError("AWS's answer has no policy")
    return found


_OWN_ACCOUNT_KEYS = frozenset(
    {"aws:sourceowner", "aws:sourceaccount", "aws:principalaccount", "kms:calleraccount"}
)


def strangers(document: str | None, account: str) -> Iterator[str]:
    """A few words for each statement that lets in somebody whom our templates never name.

    They name services, each under a condition, the account's own administration, and for
    ElastiCache's topic everybody of the account's own services (``aws:SourceOwner``).
    """
    statements = _several(json.loads(document).get("Statement")) if document else []
    for statement in statements:
        if statement.get("Effect") == "Allow":
            actions = ", ".join(_several(statement.get("Action") or statement.get("NotAction")))
            for who in _strangers(statement, statement.get("Condition") or {}, account):
                yield f"{who} may {actions}"


def _strangers(
    statement: Mapping[str, Any], condition: Mapping[str, Any], account: str
) -> Iterator[str]:
    principal = statement.get("Principal")
    if principal is None:
        yield "everybody but a few"  # NotPrincipal
        return
    own = {account, f"arn:aws:iam::{account}:root"}
    # A condition may hold for this account alone.
    ours = any(
        key.lower() in _OWN_ACCOUNT_KEYS and _several(wanted) == [account]
        for operator, keys in condition.items()
        if operator in ("StringEquals", "ArnEquals")
        for key, wanted in keys.items()
    )
    named = {"AWS": principal} if isinstance(principal, str) else principal
    for kind, values in named.items():
        for value in _several(values):
            if kind == "Service":
                if not condition:
                    yield f"the service {value}, for any account,"
            elif value == "*":
                if not ours:
                    yield "anybody"
            elif kind != "AWS" or value not in own:
                yield str(value)


def _several(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _same(rule: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether a rule is one that a template writes into its group: address, protocol and ports."""
    peer = asked.get("CidrIp"), asked.get("CidrIpv6")
    return (
        any(peer)
        and peer == (rule.get("CidrIpv4"), rule.get("CidrIpv6"))
        and str(asked.get("IpProtocol")) == str(rule["IpProtocol"])
        and all(asked[port] == rule.get(port) for port in ("FromPort", "ToPort") if port in asked)
    )


def _rule(rule: Mapping[str, Any]) -> str:
    peers = (rule.get(key) for key in ("CidrIpv4", "CidrIpv6", "PrefixListId"))
    group = rule.get("ReferencedGroupInfo", {}).get("GroupId", "?")
    way = "out to" if rule["IsEgress"] else "in from"
    ports = f"{rule.get('FromPort', -1)}-{rule.get('ToPort', -1)}"
    return f"{rule['IpProtocol']} {ports} {way} {next(filter(None, peers), group)}"


def _line(name: str, beyond: list[str], wanted: str) -> Line:
    return Line(name, not beyond, "; ".join(beyond) or "nothing beyond", wanted, SECTION)
