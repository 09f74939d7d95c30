"""The key that everything at rest is encrypted with: data, snapshots, token and logs (§2.1)."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from constructs import Construct


class DataKey(kms.Key):
    """A customer-managed key, rotated each year, kept when its stack goes.

    ElastiCache makes grants of its own on behalf of whoever creates the group, so it needs no
    statement here (ElastiCache user guide, "At-rest encryption: using customer managed keys").
    Snapshots can only be read with this key: losing it loses them.
    """

    def __init__(self, scope: Construct, construct_id: str, *, alias: str) -> None:
        """``alias`` is the key's readable name, without ``alias/``."""
        super().__init__(
            scope,
            construct_id,
            alias=f"alias/{alias}",
            description="Redis data, snapshots, AUTH token and logs",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )

    def grant_to_log_group(self, log_group_name: str) -> None:
        """Let CloudWatch Logs of this account encrypt one log group.

        Source: CloudWatch Logs user guide, "Encrypt log data using AWS KMS".
        """
        stack = cdk.Stack.of(self)
        self.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
                actions=[
                    "kms:Encrypt",
                    "kms:Decrypt",
                    "kms:ReEncryptFrom",
                    "kms:ReEncryptTo",
                    "kms:GenerateDataKey",
                    "kms:DescribeKey",
                ],
                resources=["*"],  # in a key policy: this key
                conditions={
                    "ArnEquals": {
                        "kms:EncryptionContext:aws:logs:arn": stack.format_arn(
                            service="logs",
                            resource="log-group",
                            resource_name=log_group_name,
                            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                        )
                    }
                },
            )
        )
