"""Uses of keys that a call implies: the service calls KMS in the caller's name."""

from collections.abc import Callable, Mapping

from aws_rules.iam import CannotBeJudged, Request
from emulator.iam.recorded import Call
from emulator.iam.template import Declared, Deployment

Implied = Callable[[Call, Deployment], list[Request]]


def implied(call: Call, deployment: Deployment) -> list[Request]:
    """The requests to KMS behind a call. Raises CannotBeJudged for what no template has."""
    requests_of = _IMPLIED.get(call.action)
    return requests_of(call, deployment) if requests_of else []


def secret_arn(given: str, deployment: Deployment) -> str:
    """The ARN of a secret that is asked for by ARN or name, with or without its last characters."""
    return deployment.arn(_secret(given, deployment))


def _secret(given: str, deployment: Deployment) -> Declared:
    for secret in deployment.of_kind("AWS::SecretsManager::Secret"):
        arn = deployment.arn(secret)
        name = arn.split(":", 6)[6]
        if given in (arn, arn[:-7], name, name[:-7]):
            return secret
    raise CannotBeJudged(f"no template has the secret {given}")


def _secret_key(*actions: str) -> Implied:
    # Secrets Manager user guide, "Permissions for the KMS key": a writer needs both, for a write
    # of the value that a version already has is compared with it.
    def of_call(call: Call, deployment: Deployment) -> list[Request]:
        secret = _secret(call.first("SecretId") or "", deployment)
        given = deployment.get(secret, "KmsKeyId")
        context = {"SecretARN": deployment.arn(secret)}
        return uses(deployment, given, "secretsmanager", actions, context)

    return of_call


def _topic_key(call: Call, deployment: Deployment) -> list[Request]:
    # SNS developer guide, "Key management": every publisher to an encrypted topic.
    arn = call.first("TopicArn") or ""
    topic = deployment.find_arn("AWS::SNS::Topic", arn)
    if topic is None:
        raise CannotBeJudged(f"no template has the topic {arn}")
    given = deployment.get(topic, "KmsMasterKeyId")
    actions = ("GenerateDataKey", "Decrypt")
    return uses(deployment, given, "sns", actions, {"aws:sns:topicArn": arn})


def _bucket_key(*actions: str) -> Implied:
    # S3 user guide, "Using server-side encryption with AWS KMS keys": the bucket's default key.
    def of_call(call: Call, deployment: Deployment) -> list[Request]:
        name = (call.first("Object") or "").partition("/")[0]
        bucket = deployment.find("AWS::S3::Bucket", name)
        if bucket is None:
            raise CannotBeJudged(f"no template has the bucket {name}")
        encryption = deployment.get(bucket, "BucketEncryption", {})
        return [
            request
            for rule in encryption.get("ServerSideEncryptionConfiguration", [])
            for request in uses(
                deployment,
                rule.get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID"),
                "s3",
                actions,
            )
        ]

    return of_call


def _cache_key(call: Call, deployment: Deployment) -> list[Request]:
    # ElastiCache user guide, "At-rest encryption": it makes a grant for itself, as the caller.
    actions = ("CreateGrant", "DescribeKey", "Encrypt", "Decrypt", "GenerateDataKey")
    requests = uses(deployment, call.first("KmsKeyId"), "elasticache", actions)
    for_itself = {"kms:GrantIsForAWSResource": "true"}
    return [
        Request(request.action, request.resource, {**request.context, **for_itself})
        for request in requests
    ]


def _plain_parameter(call: Call, _deployment: Deployment) -> list[Request]:
    if call.first("Type") == "SecureString":
        raise CannotBeJudged("a SecureString parameter has a key, add it to access/implied.py")
    return []


_IMPLIED: Mapping[str, Implied] = {
    "elasticache:CreateReplicationGroup": _cache_key,
    "s3:GetObject": _bucket_key("Decrypt"),
    "s3:PutObject": _bucket_key("GenerateDataKey", "Decrypt"),
    "secretsmanager:GetSecretValue": _secret_key("Decrypt"),
    "secretsmanager:PutSecretValue": _secret_key("GenerateDataKey", "Decrypt"),
    "sns:Publish": _topic_key,
    "ssm:PutParameter": _plain_parameter,
}


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
    if key is None:
        raise CannotBeJudged(f"no template has the key {given}")
    return deployment.arn(key)


def uses(
    deployment: Deployment,
    given: str | None,
    service: str,
    actions: tuple[str, ...],
    encryption_context: Mapping[str, str] | None = None,
) -> list[Request]:
    """The requests to KMS that a service makes in the caller's name; none for AWS's own key."""
    if given is None or managed_by_aws(given):
        return []
    context = {
        "kms:ViaService": f"{service}.{deployment.region}.amazonaws.com",
        "kms:CallerAccount": deployment.account,
        **{
            f"kms:EncryptionContext:{key}": value
            for key, value in (encryption_context or {}).items()
        },
    }
    arn = key_arn(deployment, given)
    return [Request(f"kms:{action}", arn, context) for action in actions]
