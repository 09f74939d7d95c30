"""What Lambda itself does in a function's role: log, network interfaces, dead letters."""

from aws_rules.policies import Request
from emulator.iam.template import Declared, Deployment

# Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC".
_ON_INTERFACES = (
    "AssignPrivateIpAddresses",
    "DeleteNetworkInterface",
    "UnassignPrivateIpAddresses",
)


def execution_needs(function: Declared, deployment: Deployment) -> list[Request]:
    """What must be allowed for it to run and to leave a log, whatever its code does.

    Without the former AWS refuses to create the function, without the latter its log stays empty.
    """
    logging = deployment.get(function, "LoggingConfig", {})
    group = logging.get("LogGroup", f"/aws/lambda/{deployment.id(function)}")
    here = f"{deployment.region}:{deployment.account}"
    stream = f"arn:aws:logs:{here}:log-group:{group}:log-stream:of-the-function"
    found = [Request(f"logs:{action}", stream) for action in ("CreateLogStream", "PutLogEvents")]
    if deployment.find("AWS::Logs::LogGroup", group) is None:
        found.append(Request("logs:CreateLogGroup", f"arn:aws:logs:{here}:log-group:{group}:"))
    letters = deployment.get(function, "DeadLetterConfig", {}).get("TargetArn")
    if letters:
        found.append(Request("sqs:SendMessage", letters))
    network = deployment.get(function, "VpcConfig", {})
    if not network.get("SubnetIds"):
        return found
    ec2 = f"arn:aws:ec2:{here}"
    interface = f"{ec2}:network-interface/of-the-function"
    return [
        *found,
        Request("ec2:DescribeNetworkInterfaces", "*"),
        *(Request(f"ec2:{action}", interface) for action in _ON_INTERFACES),
        Request("ec2:CreateNetworkInterface", interface),
        *(
            Request("ec2:CreateNetworkInterface", f"{ec2}:{kind}/{name}")
            for kind, key in (("subnet", "SubnetIds"), ("security-group", "SecurityGroupIds"))
            for name in network.get(key, [])
        ),
    ]
