"""What tests ask of a synthesised template."""

from typing import Any

from tools.assembly import Document, Stack

PREFIX = "vibewell-redis-production"
HERE = "us-east-1:111122223333"


def alarm(monitoring: Stack, name: str) -> Document:
    return monitoring.only("AWS::CloudWatch::Alarm", AlarmName=f"{PREFIX}-{name}")


def alarms(monitoring: Stack) -> list[Document]:
    return list(monitoring.of_type("AWS::CloudWatch::Alarm").values())


def metric(properties: Document) -> Document:
    """The one metric that an alarm reads, with its ``Stat`` and ``Period``."""
    (query,) = properties["Metrics"]
    stat: Document = query["MetricStat"]
    found: Document = stat["Metric"] | {"Stat": stat["Stat"], "Period": stat["Period"]}
    return found


def topics(monitoring: Stack) -> dict[str, Document]:
    """A reference to each topic, by the last word of its name."""
    found = monitoring.of_type("AWS::SNS::Topic").items()
    return {topic["TopicName"].rpartition("-")[2]: {"Ref": name} for name, topic in found}


def function(stack: Stack, name: str) -> Document:
    return stack.only("AWS::Lambda::Function", FunctionName=f"{PREFIX}-{name}")


def variables(stack: Stack, name: str) -> Document:
    found: Document = function(stack, name)["Environment"]["Variables"]
    return found


def schedule(stack: Stack, name: str) -> Document:
    return stack.only("AWS::Scheduler::Schedule", Name=f"{PREFIX}-{name}")


def permitted(stack: Stack, description: str) -> list[tuple[str, Any]]:
    """Each action with each resource that the policy of this description allows it on."""
    policy = stack.only("AWS::IAM::ManagedPolicy", Description=description)["PolicyDocument"]
    return [
        (action, resource)
        for statement in policy["Statement"]
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def private_subnets(context: Document) -> list[Document]:
    """Those of production's VPC, as the committed look-up has them."""
    (vpc,) = (value for key, value in context.items() if "vibewell-production-vpc" in key)
    (private,) = (group for group in vpc["subnetGroups"] if group["type"] == "Private")
    found: list[Document] = private["subnets"]
    return found


def text(value: Any) -> str:
    """A variable, with references resolved to a filler longer than any ARN or name."""
    if isinstance(value, str):
        return value
    _, parts = value.get("Fn::Join", ["", [value]])
    return "".join(part if isinstance(part, str) else "x" * 120 for part in parts)
