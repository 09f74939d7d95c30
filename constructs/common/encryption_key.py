"""A customer-managed key."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms

from constructs import Construct
from constructs.common.permissions import Statement, allow, place, policy


class EncryptionKey(Construct):
    """Rotated each year, kept when its stack goes; only the account and its policy may use it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alias: str,
        description: str,
    ) -> None:
        """``alias`` is the key's readable name, without ``alias/``."""
        super().__init__(scope, construct_id)
        self._statements: list[Statement] = [
            {
                # Without the account's own administration a key can be lost for ever.
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{place(self).account}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ]
        self._key = kms.CfnKey(
            self,
            "Resource",
            description=description,
            enable_key_rotation=True,
            key_policy=policy(self._statements),
        )
        self._key.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self.key_id = self._key.ref
        self.arn = self._key.attr_arn
        kms.CfnAlias(
            Construct(self, "Alias"),
            "Resource",
            alias_name=f"alias/{alias}",
            target_key_id=self.arn,
        )

    def admit(self, statement: Statement) -> None:
        """Add to the key's policy, where the resource ``*`` is this key."""
        self._statements.append(statement)
        self._key.key_policy = policy(self._statements)

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
