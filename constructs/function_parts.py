"""What every function is made of: log group, policy, role, code, and the function itself."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from constructs import Construct
from constructs.acknowledge import acknowledge
from constructs.data_key import DataKey
from constructs.permissions import ManagedPolicy, ServiceRole, Statement, allow
from constructs.place import place

PACKAGES = Path(__file__).parent.parent / "build" / "functions"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """``package`` is an archive of build/functions; ``environment`` holds no secret.

    ``may`` is what is permitted beyond its own log.
    """

    name: str
    package: str
    handler: str
    environment: Mapping[str, str]
    may: Sequence[Statement]
    timeout_seconds: int
    key: DataKey
    log_retention_days: int


@dataclass(frozen=True, slots=True)
class FunctionParts:
    """What was made; ``policy`` is there for the acknowledgements of what it permits."""

    function: lambda_.CfnFunction
    policy: ManagedPolicy


def make_function(
    scope: Construct,
    settings: FunctionSettings,
    vpc: lambda_.CfnFunction.VpcConfigProperty | None = None,
) -> FunctionParts:
    """Python, one execution at a time, so that no two of them ever work on the same thing."""
    name, key = settings.name, settings.key
    log_group_name = f"/aws/lambda/{name}"
    key.grant_to_log_group(log_group_name)
    log_group = logs.CfnLogGroup(
        scope,
        "Log",
        log_group_name=log_group_name,
        retention_in_days=settings.log_retention_days,
        kms_key_id=key.arn,
    )
    log_streams = place(scope).arn("logs", f"log-group:{log_group_name}:log-stream:*")
    policy = ManagedPolicy(
        scope,
        "Policy",
        description=f"What {name} may do",
        statements=[
            allow("logs:CreateLogStream", "logs:PutLogEvents", on=[log_streams]),
            *settings.may,
        ],
    )
    acknowledge(
        policy,
        f"AwsSolutions:IAM5[Resource::{log_streams}]",
        reason="The streams of the function's own log group",
    )
    role = ServiceRole(
        scope, "Role", service="lambda.amazonaws.com", description=f"Function {name}", may=policy
    )
    code = _code(scope, PACKAGES / settings.package)
    # The library's own Function loads half of the library: this is the resource itself.
    function = lambda_.CfnFunction(
        scope,
        "Function",
        function_name=name,
        runtime="python3.14",
        architectures=["arm64"],
        code=lambda_.CfnFunction.CodeProperty(s3_bucket=code.bucket_name, s3_key=code.object_key),
        handler=settings.handler,
        environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(settings.environment)),
        timeout=settings.timeout_seconds,
        memory_size=256,
        reserved_concurrent_executions=1,
        role=role.arn,
        vpc_config=vpc,
        logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log_group_name),
    )
    function.add_dependency(log_group)
    acknowledge(
        function,
        "NIST:LambdaDLQ",
        reason="Its schedule calls it again in minutes, and its state has an alarm by age",
    )
    return FunctionParts(function, policy)


def _code(scope: Construct, archive: Path) -> cdk.FileAssetLocation:
    # As aws_s3_assets.Asset does, which loads buckets and every region's facts besides.
    stack = cdk.Stack.of(scope)
    staged = cdk.AssetStaging(
        scope,
        "Code",
        source_path=str(archive),
        asset_hash=hashlib.sha256(archive.read_bytes()).hexdigest(),
    )
    return stack.synthesizer.add_file_asset(
        source_hash=staged.asset_hash,
        file_name=staged.relative_staged_path(stack),
        packaging=cdk.FileAssetPackaging.FILE,
    )
