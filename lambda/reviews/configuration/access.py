"""Access that is wider than ours: rules, policies of resources, policies of roles."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reviews.configuration.policies import strangers
from reviews.configuration.stacks import Made, Stacks
from shared.aws_calls import ask
from shared.errors import AwsRefusedError
from shared.line import Line

SECTION = "review-access"


def check_rules(ec2: Any, stacks: Stacks) -> Iterator[Line]:
    """Every rule of every security group of ours is one that a template has."""
    ours = stacks.ids("AWS::EC2::SecurityGroupIngress") | stacks.ids(
        "AWS::EC2::SecurityGroupEgress"
    )
    for group in stacks.of("AWS::EC2::SecurityGroup"):
        inline = {
            True: group.properties.get("SecurityGroupEgress", []),
            False: group.properties.get("SecurityGroupIngress", []),
        }
        beyond = [
            _rule(rule)
            for rule in _rules(ec2, group.physical_id)
            if rule["SecurityGroupRuleId"] not in ours
            and not any(_same(rule, asked) for asked in inline[rule["IsEgress"]])
        ]
        name = group.properties.get("GroupName", group.logical_id)
        yield _line(f"rules of {name}", beyond, "only the templates' rules")


def check_resource_policies(
    documents: Mapping[str, Callable[[], str | None]], account: str
) -> Iterator[Line]:
    """No policy of a resource lets in somebody whom our templates never name."""
    for name, document in documents.items():
        yield _line(
            f"policy of {name}",
            list(strangers(document(), account)),
            "only services under a condition, and the account itself",
        )


def check_roles(iam: Any, stacks: Stacks) -> Iterator[Line]:
    """No role of ours has a policy beyond ours."""
    ours = stacks.ids("AWS::IAM::ManagedPolicy")
    for role in stacks.of("AWS::IAM::Role"):
        name = role.physical_id
        attached = ask(
            iam.list_attached_role_policies, f"list the policies of {name}", RoleName=name
        )["AttachedPolicies"]
        inline = ask(iam.list_role_policies, f"list the policies of {name}", RoleName=name)[
            "PolicyNames"
        ]
        beyond = [one["PolicyName"] for one in attached if one["PolicyArn"] not in ours]
        # CDK writes Policies of a template into the role itself; none of ours has any.
        beyond += [f"{one} (inline)" for one in inline]
        yield _line(f"role {name}", beyond, "only the templates' policies")


def documents_of(clients: Mapping[str, Any], stacks: Stacks) -> dict[str, Callable[[], str | None]]:
    """How to read the policy of each resource that has one; each raises what ``ask`` raises."""
    readers: dict[str, Callable[[Made], Callable[[], str | None]]] = {
        "AWS::KMS::Key": lambda made: (
            lambda: _ask(
                clients["kms"].get_key_policy,
                "Policy",
                KeyId=made.physical_id,
                PolicyName="default",
            )
        ),
        "AWS::Lambda::Function": lambda made: (
            lambda: _ask(clients["lambda"].get_policy, "Policy", FunctionName=made.physical_id)
        ),
        "AWS::S3::Bucket": lambda made: (
            lambda: _ask(clients["s3"].get_bucket_policy, "Policy", Bucket=made.physical_id)
        ),
        "AWS::SecretsManager::Secret": lambda made: (
            lambda: _ask(
                clients["secretsmanager"].get_resource_policy,
                "ResourcePolicy",
                SecretId=made.physical_id,
            )
        ),
        "AWS::SNS::Topic": lambda made: (
            lambda: _attribute(clients["sns"].get_topic_attributes, TopicArn=made.physical_id)
        ),
        "AWS::SQS::Queue": lambda made: (
            lambda: _attribute(
                clients["sqs"].get_queue_attributes,
                QueueUrl=made.physical_id,
                AttributeNames=["Policy"],
            )
        ),
    }
    return {
        f"{kind.rpartition(':')[2]} {made.logical_id}": readers[kind](made)
        for kind in readers
        for made in stacks.of(kind)
    }


# What AWS answers for a resource that has no policy of its own.
_NONE = frozenset({"ResourceNotFoundException", "NoSuchBucketPolicy"})


def _ask(operation: Callable[..., Any], key: str, **parameters: Any) -> str | None:
    try:
        answer = ask(operation, "read the policy of a resource", **parameters)
    except AwsRefusedError as refused:
        if refused.code in _NONE:
            return None
        raise
    found: str | None = answer.get(key)
    return found


def _attribute(operation: Callable[..., Any], **parameters: Any) -> str | None:
    answer = ask(operation, "read the policy of a resource", **parameters)
    found: str | None = answer.get("Attributes", {}).get("Policy")
    return found


def _rules(ec2: Any, group: str) -> Iterator[Mapping[str, Any]]:
    page: dict[str, str] = {}
    while True:
        answer = ask(
            ec2.describe_security_group_rules,
            "list the rules of a security group",
            Filters=[{"Name": "group-id", "Values": [group]}],
            **page,
        )
        yield from answer["SecurityGroupRules"]
        if not answer.get("NextToken"):
            return
        page = {"NextToken": answer["NextToken"]}


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
    peer = (
        rule.get("CidrIpv4")
        or rule.get("CidrIpv6")
        or rule.get("PrefixListId")
        or rule.get("ReferencedGroupInfo", {}).get("GroupId", "?")
    )
    way = "out to" if rule["IsEgress"] else "in from"
    ports = f"{rule.get('FromPort', -1)}-{rule.get('ToPort', -1)}"
    return f"{rule['IpProtocol']} {ports} {way} {peer}"


def _line(name: str, beyond: list[str], wanted: str) -> Line:
    return Line(name, not beyond, "; ".join(beyond) or "nothing beyond", wanted, SECTION)
