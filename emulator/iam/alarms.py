"""The chain from an alarm through its topic to the topic's key.

CloudWatch needs the topic's policy to publish, and with an encrypted topic the key's policy too:
without it the message is dropped without a notice (SNS developer guide, "Key management":
event sources; aws/aws-cdk#11121).
"""

from collections import defaultdict

from aws_rules.iam import CannotBeJudged, Request
from emulator.iam.actions import key_arn, managed_by_aws
from emulator.iam.authorization import Authorization
from emulator.iam.template import Declared, Deployment, known

_SERVICE = "cloudwatch.amazonaws.com"
_ACTIONS = ("AlarmActions", "InsufficientDataActions", "OKActions")


def announcements(deployment: Deployment) -> list[tuple[Declared, str]]:
    """Each alarm with the ARN of each of its targets, once."""
    return [
        (alarm, target)
        for alarm in deployment.of_kind("AWS::CloudWatch::Alarm")
        for target in dict.fromkeys(
            target for key in _ACTIONS for target in deployment.get(alarm, key, [])
        )
    ]


def silenced(deployment: Deployment) -> list[str]:
    """Findings: alarms whose message AWS would drop, by reason, and what to add where."""
    authorization = Authorization(deployment)
    alarms: dict[tuple[str, str], list[str]] = defaultdict(list)
    for alarm, target in announcements(deployment):
        try:
            problem = _problem(deployment, authorization, alarm, target)
        except CannotBeJudged as reason:
            problem = f"it cannot be judged: {reason}"
        if problem is not None:
            alarms[target, problem].append(deployment.id(alarm))
    return [
        f"{len(names)} alarm(s) such as {names[0]} would notify {target}, and are dropped "
        f"silently: {problem}"
        for (target, problem), names in alarms.items()
    ]


def _problem(
    deployment: Deployment, authorization: Authorization, alarm: Declared, target: str
) -> str | None:
    topic = known(deployment.find_arn("AWS::SNS::Topic", target), "this topic")
    source = {
        "aws:SecureTransport": "true",
        "aws:SourceAccount": deployment.account,
        "aws:SourceArn": deployment.arn(alarm),
    }
    requests = [Request("sns:Publish", target, source)]
    given = deployment.get(topic, "KmsMasterKeyId")
    if given is not None:
        if managed_by_aws(given):
            return f"{topic} has AWS's own key, which no service may use; give it a key of its own"
        through_sns = {
            **source,
            "kms:ViaService": f"sns.{deployment.region}.amazonaws.com",
            "kms:EncryptionContext:aws:sns:topicArn": target,
        }
        key = key_arn(deployment, given)
        requests += [
            Request(action, key, through_sns) for action in ("kms:GenerateDataKey", "kms:Decrypt")
        ]
    for request in requests:
        refusal = authorization.refusal_to_service(_SERVICE, request)
        if refusal is not None:
            return f"{request}: {refusal}"
    return None
