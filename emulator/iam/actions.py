"""What a recorded call needs permission for."""

from collections.abc import Iterator

from aws_rules.policies import Request
from aws_rules.problem import CannotBeJudged
from emulator.iam.implied import implied, secret_arn
from emulator.iam.recorded import Call
from emulator.iam.reference import ACTIONS, DEPENDENT, Target
from emulator.iam.template import Deployment

# Which parameter of a request a condition key holds.
_CONTEXT = {"cloudwatch:namespace": "Namespace", "s3:prefix": "Prefix"}


def needs(call: Call, deployment: Deployment) -> list[Request]:
    """Every request that must be allowed for a call: its own, its dependents', its keys'.

    Raises CannotBeJudged for an action that emulator/iam/reference.py does not list.
    """
    service, _, action = call.action.partition(":")
    targets = ACTIONS.get(service, {}).get(action)
    if targets is None:
        raise CannotBeJudged(f"unknown action {call.action}, add it to access/reference.py")
    context = {
        key: value for key, name in _CONTEXT.items() if (value := call.one(name)) is not None
    }
    own = [
        Request(call.action, resource, context)
        for target in targets
        for resource in _resources(target, call, deployment)
    ] or [Request(call.action, "*", context)]
    besides = [Request(name, "*") for name in DEPENDENT.get(call.action, ())]
    if service == "elasticache" and call.one("Tags"):
        besides.append(Request("elasticache:AddTagsToResource", own[0].resource))
    return [*own, *besides, *implied(call, deployment)]


def _resources(target: Target, call: Call, deployment: Deployment) -> Iterator[str]:
    service = call.action.partition(":")[0]
    given = call.parameters.get(target.parameter, ())
    if not given and target.otherwise is not None:
        given = (target.otherwise,)
    for value in given:
        if service == "secretsmanager":
            yield secret_arn(value, deployment)
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
            resource = target.resource.format(name, stream=call.one("logStreamName") or "*")
            yield f"arn:aws:{service}:{deployment.region}:{deployment.account}:{resource}"
