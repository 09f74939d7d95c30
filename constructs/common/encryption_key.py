"""A customer-managed key."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from constructs import Construct
from constructs.common.permissions import Statement, allow, place


class EncryptionKey(kms.Key):
    """Rotated each year, kept when its stack goes; only the account and its policy may use it.

    The library's own grants write wider actions (``kms:ReEncrypt*``): who uses it is permitted by
    our own.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, alias: str, description: str
    ) -> None:
        """``alias`` is the key's readable name, without ``alias/``."""
        super().__init__(
            scope,
            construct_id,
            alias=alias,
            description=description,
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )

    def admit(self, statement: Statement) -> None:
        """Add to the key's policy, where the resource ``*`` is this key."""
        self.add_to_resource_policy(iam.PolicyStatement.from_json(statement))

    def grant_to_log_group(self, log_group_name: str) -> None:
        """Let CloudWatch Logs of this account encrypt one log group.

        Source: CloudWatch Logs user guide, "Encrypt log data using AWS KMS".
        """
        here = place(self)
        log_group = here.arn("logs", f"log-group:{log_group_name}")
        self.admit(
            allow(
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
                on=["*"],  # in a key policy: this key
                when={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": log_group}},
                service=f"logs.{here.region}.amazonaws.com",
            )
        )
