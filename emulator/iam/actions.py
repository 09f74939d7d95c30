"""The requests that a recorded call needs permission for.

What Lambda itself does in a function's role: log, network interfaces, dead letters.
"""

from collections.abc import Iterator

from aws_rules.iam import CannotBeJudged, Request
from emulator.iam.implied import implied, secret_arn
from emulator.iam.recorded import Call
from emulator.iam.reference import ACTIONS, DEPENDENT, Target
from emulator.iam.template import Declared, Deployment

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
    return [*own, *dependent, *implied(call, deployment)]


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
