"""The AUTH token, made by Secrets Manager and known to nobody (§2.3)."""

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs import Construct
from constructs.acknowledge import acknowledge
from constructs.data_key import DataKey

TOKEN_LENGTH = 64


class AuthToken(secretsmanager.Secret):
    """A secret whose whole value is the token: 64 letters and digits.

    ElastiCache takes 16 to 128 characters and of punctuation only ``! & # $ ^ < > -``, so there is
    none. **Never change the generation string**: CloudFormation would write a new random value
    that Redis has never heard of, and every client would be locked out. A test pins it.
    The name is CloudFormation's own, so that a second deployment never meets a name that is still
    scheduled for deletion; clients find the ARN in SSM.
    """

    def __init__(self, scope: Construct, construct_id: str, *, group_id: str, key: DataKey) -> None:
        """``group_id`` is the replication group that the token opens."""
        super().__init__(
            scope,
            construct_id,
            description=f"AUTH token of the ElastiCache replication group {group_id}",
            encryption_key=key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=TOKEN_LENGTH, exclude_punctuation=True, include_space=False
            ),
        )
        self._key = key
        secret = cast(secretsmanager.CfnSecret, self.node.default_child)
        # A token that was replaced may be the one that Redis still asks for.
        secret.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN
        acknowledge(
            self,
            "AwsSolutions:SMG4",
            "NIST:SecretsManagerRotationEnabled",
            reason="The rotation of §2.3 needs a function that is not part of this stack yet",
        )

    def for_replication_group(self) -> str:
        """The reference that CloudFormation resolves at deployment; never the value itself."""
        return self.secret_value.unsafe_unwrap()

    def read_statements(self) -> list[iam.PolicyStatement]:
        """What a policy needs to read the token, for principals that are attached later."""
        return [
            iam.PolicyStatement(
                actions=["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                resources=[self.secret_arn],
            ),
            iam.PolicyStatement(
                actions=["kms:Decrypt"],
                resources=[self._key.key_arn],
                conditions={
                    "StringEquals": {
                        "kms:ViaService": f"secretsmanager.{self.stack.region}.amazonaws.com"
                    }
                },
            ),
        ]
