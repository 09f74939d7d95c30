"""The requests that a recorded call needs permission for: its own, and the service's to KMS.

What Lambda itself does in a function's role: log, network interfaces, dead letters.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from aws_rules.iam import CannotBeJudged, Request
from emulator.iam.reference import ACTIONS, DEPENDENT, Target
from emulator.iam.template import Declared, Deployment, known


@dataclass(frozen=True)
class Call:
    """One call to AWS: the function's and the role's ARN, ``service:Action``, and what it named.

    `address` is the own name of an endpoint that it used, else ``""``. `parameters` are the
    request's identifying ones by name, each a list: never a value that the function stores, sends
    or reads.
    """

    function: str
    role: str
    action: str
    parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    address: str = ""

    def first(self, name: str) -> str | None:
        """The first value of a parameter, or None when it was not given."""
        values = self.parameters.get(name, ())
        return values[0] if values else None


# Which parameter of a request a condition key holds.
_CONTEXT = {"cloudwatch:namespace": "Namespace", "s3:prefix": "Prefix"}


def needs(call: Call, deployment: Deployment) -> list[Request]:
    """Every request that must be allowed for a call: its own, its dependents', its keys'.

    Raises CannotBeJudged for an action that emulator/iam/reference.py does not list.
    """
    service, _, action = call.action.partition(":")
    targets = ACTIONS.get(service, {}).get(action)
    if targets is None:
        raise CannotBeJudged(f"unknown action {call.action}, add it to emulator/iam/reference.py")
    context = {
        key: value for key, name in _CONTEXT.items() if (value := call.first(name)) is not None
    }
    own = [
        Request(call.action, resource, context)
        for target in targets
        for resource in _resources(target, call, deployment)
    ] or [Request(call.action, "*", context)]
    dependent = [Request(name, "*") for name in DEPENDENT.get(call.action, ())]
    if service == "elasticache" and call.first("Tags"):
        dependent.append(Request("elasticache:AddTagsToResource", own[0].resource))
    return [*own, *dependent, *_uses_of_keys(call, deployment)]


def _resources(target: Target, call: Call, deployment: Deployment) -> Iterator[str]:
    service = call.action.partition(":")[0]
    given = call.parameters.get(target.parameter, ())
    if not given and target.otherwise is not None:
        given = (target.otherwise,)
    for value in given:
        if service == "secretsmanager":
            yield deployment.arn(_secret(value, deployment))
        elif value.startswith("arn:"):
            yield value
        elif service == "s3":
            yield f"arn:aws:s3:::{value}"
        elif service == "iam":
            yield f"arn:aws:iam::{deployment.account}:{target.resource.format(value)}"
        else:
            # A parameter's name begins with a slash that its ARN does not repeat.
            name = value.removeprefix("/") if service == "ssm" else value
            if service == "sqs":
                name = value.rpartition("/")[2]  # a queue is named by its address
            resource = target.resource.format(name, stream=call.first("logStreamName") or "*")
            yield f"arn:aws:{service}:{deployment.region}:{deployment.account}:{resource}"


# Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC".
_ON_INTERFACES = (
    "AssignPrivateIpAddresses",
    "DeleteNetworkInterface",
    "UnassignPrivateIpAddresses",
)


def execution_needs(function: Declared, deployment: Deployment) -> list[Request]:
    """The requests that a function needs to run and to log, whatever its code does.

    Without the former AWS refuses to create the function, without the latter its log stays empty.
    """
    logging = deployment.get(function, "LoggingConfig", {})
    group = logging.get("LogGroup", f"/aws/lambda/{deployment.id(function)}")
    here = f"{deployment.region}:{deployment.account}"
    stream = f"arn:aws:logs:{here}:log-group:{group}:log-stream:of-the-function"
    requests = [Request(f"logs:{action}", stream) for action in ("CreateLogStream", "PutLogEvents")]
    if deployment.find("AWS::Logs::LogGroup", group) is None:
        requests.append(Request("logs:CreateLogGroup", f"arn:aws:logs:{here}:log-group:{group}:"))
    letters = deployment.get(function, "DeadLetterConfig", {}).get("TargetArn")
    if letters:
        requests.append(Request("sqs:SendMessage", letters))
    network = deployment.get(function, "VpcConfig", {})
    if not network.get("SubnetIds"):
        return requests
    ec2 = f"arn:aws:ec2:{here}"
    interface = f"{ec2}:network-interface/of-the-function"
    return [
        *requests,
        Request("ec2:DescribeNetworkInterfaces", "*"),
        *(Request(f"ec2:{action}", interface) for action in _ON_INTERFACES),
        Request("ec2:CreateNetworkInterface", interface),
        *(
            Request("ec2:CreateNetworkInterface", f"{ec2}:{kind}/{name}")
            for kind, key in (("subnet", "SubnetIds"), ("security-group", "SecurityGroupIds"))
            for name in network.get(key, [])
        ),
    ]


def _secret(given: str, deployment: Deployment) -> Declared:
    for secret in deployment.of_kind("AWS::SecretsManager::Secret"):
        arn = deployment.arn(secret)
        name = arn.split(":", 6)[6]
        if given in (arn, arn[:-7], name, name[:-7]):
            return secret
    raise CannotBeJudged(f"no template has the secret {given}")


_WRITE = ("GenerateDataKey", "Decrypt")
# What a service does with KMS in the caller's name.
_USES: Mapping[str, tuple[str, ...]] = {
    # ElastiCache user guide, "At-rest encryption": it makes a grant for itself, as the caller.
    "elasticache:CreateReplicationGroup": ("CreateGrant", "DescribeKey", "Encrypt", *_WRITE),
    # S3 user guide, "Using server-side encryption with AWS KMS keys": the bucket's default key.
    "s3:GetObject": ("Decrypt",),
    "s3:PutObject": _WRITE,
    # Secrets Manager user guide, "Permissions for the KMS key": a writer needs both, for a write
    # of the value that a version already has is compared with it.
    "secretsmanager:GetSecretValue": ("Decrypt",),
    "secretsmanager:PutSecretValue": _WRITE,
    # SNS developer guide, "Key management": every publisher to an encrypted topic.
    "sns:Publish": _WRITE,
}


def _uses_of_keys(call: Call, deployment: Deployment) -> list[Request]:
    if call.action == "ssm:PutParameter" and call.first("Type") == "SecureString":
        raise CannotBeJudged("a SecureString has a key: add it to emulator/iam/actions.py")
    if call.action not in _USES:
        return []
    service = call.action.partition(":")[0]
    keys, context = _keys(service, call, deployment)
    context |= {
        "kms:ViaService": f"{service}.{deployment.region}.amazonaws.com",
        "kms:CallerAccount": deployment.account,
    }
    return [
        Request(f"kms:{action}", key_arn(deployment, key), context)
        for key in keys
        if key is not None and not managed_by_aws(key)
        for action in _USES[call.action]
    ]


def _keys(
    service: str, call: Call, deployment: Deployment
) -> tuple[list[str | None], dict[str, str]]:
    """The keys of what a call reads or writes, and the context that is special to their use."""
    match service:
        case "secretsmanager":
            secret = _secret(call.first("SecretId") or "", deployment)
            context = {"kms:EncryptionContext:SecretARN": deployment.arn(secret)}
            return [deployment.get(secret, "KmsKeyId")], context
        case "sns":
            arn = call.first("TopicArn") or ""
            topic = known(deployment.find_arn("AWS::SNS::Topic", arn), f"the topic {arn}")
            context = {"kms:EncryptionContext:aws:sns:topicArn": arn}
            return [deployment.get(topic, "KmsMasterKeyId")], context
        case "s3":
            name = (call.first("Object") or "").partition("/")[0]
            bucket = known(deployment.find("AWS::S3::Bucket", name), f"the bucket {name}")
            encryption = deployment.get(bucket, "BucketEncryption", {})
            rules = encryption.get("ServerSideEncryptionConfiguration", [])
            defaults = [rule.get("ServerSideEncryptionByDefault", {}) for rule in rules]
            return [default.get("KMSMasterKeyID") for default in defaults], {}
    return [call.first("KmsKeyId")], {"kms:GrantIsForAWSResource": "true"}


def managed_by_aws(given: str | None) -> bool:
    """Whether it is an AWS managed key, which is used where none is named.

    Its policy lets every principal of the account use it through its one service, and no service
    principal; it cannot be changed.
    """
    return given is None or "alias/aws/" in given


def key_arn(deployment: Deployment, given: str) -> str:
    """The ARN behind a key's id, ARN or alias. Raises CannotBeJudged for a key of no template."""
    name = given.removeprefix(f"arn:aws:kms:{deployment.region}:{deployment.account}:")
    if name.startswith("alias/"):
        alias = deployment.find("AWS::KMS::Alias", name)
        if alias is not None:
            return key_arn(deployment, deployment.get(alias, "TargetKeyId"))
    key = deployment.find("AWS::KMS::Key", name.removeprefix("key/"))
    return deployment.arn(known(key, f"the key {given}"))
