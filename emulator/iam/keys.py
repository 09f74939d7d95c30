"""Which key encrypts a thing, and what using it asks for."""

from collections.abc import Mapping

from aws_rules.policies import Request
from aws_rules.problem import CannotBeJudged
from emulator.iam.template import Deployment


def managed_by_aws(given: str | None) -> bool:
    """Whether it is an AWS managed key, which is used where none is named.

    Its policy lets every principal of the account use it through its one service, and no service
    principal besides; it cannot be changed.
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
