"""A function that is invoked every few minutes."""

import json
from collections.abc import Mapping

from aws_cdk import aws_scheduler as scheduler

from constructs import Construct
from constructs.own_function import OwnFunction
from constructs.permissions import ManagedPolicy, ServiceRole, allow
from constructs.place import place


def invoke_on_schedule(
    scope: Construct,
    construct_id: str,
    *,
    function: OwnFunction,
    what: str,
    description: str,
    minutes: int,
    event: Mapping[str, bool],
) -> None:
    """Invoke ``function`` with ``event`` by a schedule that has the function's name.

    ``what`` completes "Invoke the ... function on a schedule".
    """
    words = f"Invoke the {what} function on a schedule"
    invoke = ManagedPolicy(
        scope,
        "InvokePolicy",
        description=words,
        statements=[allow("lambda:InvokeFunction", on=[function.arn])],
    )
    role = ServiceRole(
        scope,
        "ScheduleRole",
        service="scheduler.amazonaws.com",
        description=words,
        may=invoke,
        when={"StringEquals": {"aws:SourceAccount": place(scope).account}},
    )
    scheduler.CfnSchedule(
        scope,
        construct_id,
        name=function.given_name,
        description=description,
        schedule_expression=f"rate({minutes} minutes)",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=function.arn,
            role_arn=role.arn,
            input=json.dumps(event),
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_retry_attempts=0,  # the next run is minutes away
            ),
        ),
    )
