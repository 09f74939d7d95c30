"""What CloudFormation and the services refuse of a template that the schemas accept."""

import json
from collections.abc import Iterator
from typing import Any

from tests.support import Stacks, as_lambda_measures
from tools.assembly import Stack


def over(stacks: Stacks) -> list[str]:
    """Each limit that a template is over: its stack, what has it, and how much there is."""
    return [f"{name}: {found}" for name, stack in stacks.items() for found in _of(stack)]


def _of(stack: Stack) -> Iterator[str]:
    # CloudFormation quotas; CreateStack, Tags.
    yield from _more("bytes", stack.size, 1_000_000)
    yield from _more("resources", len(stack.resources), 500)
    yield from _more("tags", len(stack.artifact["properties"].get("tags", {})), 50)
    for logical_id, resource in stack.resources.items():
        found = resource.get("Properties", {})
        yield from _more(f"{logical_id} tags", len(found.get("Tags", [])), 50)
        match resource["Type"]:
            case "AWS::CloudWatch::Alarm":  # PutMetricAlarm
                yield from _more(f"{logical_id} name", len(found["AlarmName"]), 255)
                yield from _more(f"{logical_id} text", len(found["AlarmDescription"]), 1024)
                metrics = sum("MetricStat" in query for query in found["Metrics"])
                yield from _more(f"{logical_id} metrics", metrics, 10)
            case "AWS::CloudWatch::Dashboard":  # Dashboard body structure; CloudWatch quotas
                for widget in json.loads(found["DashboardBody"])["widgets"]:
                    shown: dict[str, Any] = widget["properties"]
                    yield from _more("alarms in a widget", len(shown.get("alarms", [])), 100)
                    yield from _more("metrics in a graph", len(shown.get("metrics", [])), 500)
            case "AWS::Lambda::Function":  # Lambda quotas
                variables = as_lambda_measures(found.get("Environment", {}).get("Variables", {}))
                yield from _more(f"{logical_id} variables", len(variables.encode()), 4096)
                yield from _more(f"{logical_id} name", len(found["FunctionName"]), 64)
            case "AWS::SSM::Parameter":  # PutParameter, standard tier
                yield from _more(f"{logical_id} value", len(json.dumps(found["Value"])), 4096)
            case "AWS::IAM::ManagedPolicy":  # IAM quotas, without white space
                document = json.dumps(found["PolicyDocument"], separators=(",", ":"))
                yield from _more(f"{logical_id} characters", len(document), 6144)


def _more(what: str, amount: int, most: int) -> Iterator[str]:
    if amount > most:
        yield f"{amount} {what}, and {most} are allowed"
