"""A function that is invoked on a schedule."""

import json
from collections.abc import Mapping

from aws_cdk import aws_scheduler as scheduler

from constructs import Construct
from constructs.common.own_function import OwnFunction
from constructs.common.permissions import ManagedPolicy, ServiceRole, allow, place

LONGEST_DELAY_SECONDS = 3600  # after which the scheduler gives an invocation up


def every(minutes: int) -> str:
    """The schedule's expression."""
    return f"rate({minutes} minutes)"


def invoke_on_schedule(
    scope: Construct,
    construct_id: str,
    *,
    function: OwnFunction,
    what: str,
    description: str,
    expression: str,
    event: Mapping[str, bool],
    attempts: int = 0,
) -> None:
    """Invoke ``function`` with ``event`` by a schedule that has the function's name.

    ``what`` completes "Invoke the ... function on a schedule". ``expression`` is EventBridge
    Scheduler's, in UTC. ``attempts`` are made after one that Lambda did not take, within an hour:
    none where the next run is minutes away.
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
        schedule_expression=expression,
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=function.arn,
            role_arn=role.arn,
            input=json.dumps(event),
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_retry_attempts=attempts,
                maximum_event_age_in_seconds=LONGEST_DELAY_SECONDS if attempts else None,
            ),
        ),
    )
