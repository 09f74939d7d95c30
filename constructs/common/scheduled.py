"""A function that is invoked on a schedule."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_scheduler as scheduler

from constructs import Construct
from constructs.common.own_function import OwnFunction
from constructs.common.permissions import ManagedPolicy, ServiceRole, allow, place

LONGEST_DELAY_SECONDS = 3600  # after which the scheduler gives an invocation up


def every(minutes: int) -> str:
    """The schedule's expression."""
    return f"rate({minutes} minutes)"


def on_schedule(
    scope: Construct,
    construct_id: str,
    *,
    name: str,
    description: str,
    expression: str,
    target_arn: str,
    role: ServiceRole,
    given: Mapping[str, Any],
    attempts: int,
) -> None:
    """Hand ``given`` to the target by EventBridge Scheduler's ``expression``, in UTC.

    ``attempts`` are made after one that was not taken, within an hour.
    """
    scheduler.CfnSchedule(
        scope,
        construct_id,
        name=name,
        description=description,
        schedule_expression=expression,
        schedule_expression_timezone="UTC",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=target_arn,
            role_arn=role.arn,
            input=json.dumps(given, separators=(",", ":")),
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_retry_attempts=attempts,
                maximum_event_age_in_seconds=LONGEST_DELAY_SECONDS if attempts else None,
            ),
        ),
    )


def service_role(
    scope: Construct,
    construct_id: str,
    *,
    policy_id: str,
    service: str,
    what: str,
    may: Mapping[str, list[str]],
) -> ServiceRole:
    """What ``service`` may do in this account alone: actions, each with its resources."""
    policy = ManagedPolicy(
        scope,
        policy_id,
        description=what,
        statements=[allow(action, on=resources) for action, resources in may.items()],
    )
    return ServiceRole(
        scope,
        construct_id,
        service=service,
        description=what,
        may=policy,
        when={"StringEquals": {"aws:SourceAccount": place(scope).account}},
    )


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
    role = service_role(
        scope,
        "ScheduleRole",
        policy_id="InvokePolicy",
        service="scheduler.amazonaws.com",
        what=f"Invoke the {what} function on a schedule",
        may={"lambda:InvokeFunction": [function.arn]},
    )
    on_schedule(
        scope,
        construct_id,
        name=function.given_name,
        description=description,
        expression=expression,
        target_arn=function.arn,
        role=role,
        given=event,
        attempts=attempts,
    )
