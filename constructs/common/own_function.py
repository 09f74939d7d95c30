"""A function of ours, with a role and a log group of its own."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler

from constructs import Construct
from constructs.common.encryption_key import EncryptionKey
from constructs.common.permissions import (
    ManagedPolicy,
    Statement,
    acknowledge,
    allow,
    place,
    service_role,
)
from constructs.common.variables import fitting
from constructs.data.network import ApplicationNetwork, closed_security_group
from environments.schema import Settings

# The newest that can be tried on a laptop and in CI; Lambda supports it until 2029-06-30. What
# runs in AWS is linted, type-checked and tested for it: `make check`, tests/test_runtime.py.
RUNTIME = "python3.13"
# Context of a stack whose functions take nothing of the account's concurrency for themselves.
UNRESERVED = "vibewell:unreserved-concurrency"
PACKAGES = Path(__file__).parents[2] / "build" / "functions"


INTERFACE_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


class OwnFunction(Construct):
    """Python without a permission but its own log, and outside every VPC unless it has a network.

    One execution at a time, so that no two of them ever work on the same thing, unless the settings
    reserve no concurrency (docs/operate/rotation.md).
    """

    security_group_id: str  # of one with a network: its own group, at first without egress

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        name: str,
        handler: str,
        environment: Mapping[str, str],
        timeout_seconds: int,
        key: EncryptionKey,
        may: Sequence[Statement] = (),
        more_policies: Sequence[ManagedPolicy] = (),
        unread: str | None = None,
        network: ApplicationNetwork | None = None,
        outside: str = "",
    ) -> None:
        """``name`` follows the environment's prefix, ``handler`` begins with its package.

        ``environment`` holds no secret. ``may`` is what is permitted beyond its own log;
        ``more_policies`` are for what its own has no room for. ``unread`` is the ARN of the queue
        for events that it could not handle: a function has one when a service invokes it
        asynchronously. It is in the private subnets of ``network``, or ``outside`` says why not.
        """
        super().__init__(scope, construct_id)
        self.label = construct_id
        name = self.given_name = f"{settings.prefix}-{name}"
        log_group_name = f"/aws/lambda/{name}"
        key.grant_to_log_group(log_group_name)
        log_group = logs.CfnLogGroup(
            self,
            "Log",
            log_group_name=log_group_name,
            retention_in_days=settings.redis.log_retention_days,
            kms_key_id=key.key_arn,
        )
        log_streams = place(self).arn("logs", f"log-group:{log_group_name}:log-stream:*")
        why = "The streams of the function's own log group"
        own = [allow("logs:CreateLogStream", "logs:PutLogEvents", on=[log_streams], because=why)]
        if network:
            # Source: Lambda developer guide, "Giving Lambda functions access to a VPC".
            why = "Lambda makes the function's network interfaces, which have no ARN beforehand"
            own.append(allow(*INTERFACE_ACTIONS, on=["*"], because=why))
        self.policy = ManagedPolicy(
            self, "Policy", description=f"What {name} may do", statements=[*own, *may]
        )
        self.permit = self.policy.permit
        role_arn = service_role(
            self,
            "Role",
            *(self.policy, *more_policies),
            service="lambda.amazonaws.com",
            description=f"Function {name}",
        )
        unreserved = bool(self.node.try_get_context(UNRESERVED))
        code = _code(cdk.Stack.of(self), PACKAGES / f"{handler.split('.')[0]}.zip")
        # The library's own Function loads half of the library: this is the resource itself.
        function = lambda_.CfnFunction
        self.function = function(
            self,
            "Function",
            function_name=name,
            runtime=RUNTIME,
            architectures=["arm64"],
            code=function.CodeProperty(s3_bucket=code.bucket_name, s3_key=code.object_key),
            handler=handler,
            environment=function.EnvironmentProperty(variables=fitting(environment)),
            timeout=timeout_seconds,
            memory_size=256,
            reserved_concurrent_executions=None if unreserved else 1,
            role=role_arn,
            logging_config=function.LoggingConfigProperty(log_group=log_group_name),
        )
        self.function.add_resource_dependency(log_group)
        findings = {
            "AwsSolutions:L1": f"{RUNTIME} is the newest that lint, types and tests are run on"
        }
        if unreserved:
            why = "environment.reserved_concurrency is none: the account has none to give"
            findings["NIST+PCI:LambdaConcurrency"] = why
        if unread:
            self.function.dead_letter_config = function.DeadLetterConfigProperty(target_arn=unread)
        else:
            why = "Its schedule calls it again, and what it publishes has an alarm by age"
            findings["NIST:LambdaDLQ"] = why
        if outside:
            findings["NIST+PCI:LambdaInsideVPC"] = outside
        acknowledge(self.function, findings)
        self.name: str = self.function.ref
        self.arn: str = self.function.attr_arn
        if network:
            self.security_group_id = closed_security_group(
                self, "SecurityGroup", network.vpc_id, name, f"Function {name}"
            )
            self.function.vpc_config = function.VpcConfigProperty(
                subnet_ids=network.private_subnet_ids, security_group_ids=[self.security_group_id]
            )

    def invocable(
        self, scope: Construct, construct_id: str, service: str, source_arn: str
    ) -> lambda_.CfnPermission:
        """Let a service invoke it for one source in this account."""
        return lambda_.CfnPermission(
            scope,
            construct_id,
            action="lambda:InvokeFunction",
            function_name=self.name,
            principal=f"{service}.amazonaws.com",
            source_account=place(self).account,
            source_arn=source_arn,
        )


@lru_cache(maxsize=64)  # functions of one package and stack share what is staged
def _code(stack: cdk.Stack, archive: Path) -> cdk.FileAssetLocation:
    # As aws_s3_assets.Asset does, which also loads buckets and every region's facts.
    staged = cdk.AssetStaging(
        stack,
        f"Code-{archive.stem}",
        source_path=str(archive),
        asset_hash=hashlib.sha256(archive.read_bytes()).hexdigest(),
    )
    return stack.synthesizer.add_file_asset(
        source_hash=staged.asset_hash,
        file_name=staged.relative_staged_path(stack),
        packaging=cdk.FileAssetPackaging.FILE,
    )


LONGEST_DELAY_SECONDS = 3600  # after which the scheduler gives an invocation up


def on_schedule(
    scope: Construct,
    construct_id: str,
    name: str,
    description: str,
    expression: str,
    target_arn: str,
    role_arn: str,
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
            role_arn=role_arn,
            input=json.dumps(given, separators=(",", ":")),
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_retry_attempts=attempts,
                maximum_event_age_in_seconds=LONGEST_DELAY_SECONDS if attempts else None,
            ),
        ),
    )


def account_role(
    scope: Construct,
    construct_id: str,
    policy_id: str,
    service: str,
    what: str,
    may: Mapping[str, list[str]],
) -> str:
    """A role of what ``service`` may do in this account alone: actions, each with its resources."""
    service = f"{service}.amazonaws.com"
    policy = ManagedPolicy(
        scope,
        policy_id,
        description=what,
        statements=[allow(action, on=resources) for action, resources in may.items()],
    )
    here = {"StringEquals": {"aws:SourceAccount": place(scope).account}}
    return service_role(scope, construct_id, policy, service=service, description=what, when=here)


def invoke_on_schedule(
    scope: Construct,
    function: OwnFunction,
    what: str,
    expression: str,
    description: str,
    *,
    construct_id: str = "Schedule",
    event: str = "scheduled",
    attempts: int = 0,
) -> None:
    """Invoke ``function`` with the event ``{event: true}``, by a schedule that has its name.

    ``what`` completes "Invoke the ... function on a schedule". ``expression`` is EventBridge
    Scheduler's, in UTC. ``attempts`` are made after one that Lambda did not take, within an hour:
    none where the next run is minutes away.
    """
    arn, invoke = function.arn, f"Invoke the {what} function on a schedule"
    may = {"lambda:InvokeFunction": [arn]}
    role_arn = account_role(scope, "ScheduleRole", "InvokePolicy", "scheduler", invoke, may)
    name, given = function.given_name, {event: True}
    on_schedule(scope, construct_id, name, description, expression, arn, role_arn, given, attempts)
