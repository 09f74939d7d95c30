"""The AUTH token, made by Secrets Manager and known to nobody (§2.3)."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs import Construct
from constructs.acknowledge import acknowledge
from constructs.data_key import DataKey

TOKEN_LENGTH = 64


class AuthToken(Construct):
    """A secret whose whole value is the token: 64 letters and digits.

    ElastiCache takes 16 to 128 characters and of punctuation only ``! & # $ ^ < > -``, so there is
    none. **Never change the generation string**: CloudFormation would write a new random value
    that Redis has never heard of, and every client would be locked out. A test pins it.
    The name is CloudFormation's own, so that a second deployment never meets a name that is still
    scheduled for deletion; clients find the ARN in SSM.
    """

    def __init__(self, scope: Construct, construct_id: str, *, group_id: str, key: DataKey) -> None:
        """``group_id`` is the replication group that the token opens."""
        super().__init__(scope, construct_id)
        self._key = key
        # The library's own Secret would write kms:GenerateDataKey* and kms:ReEncrypt* into the key.
        self._secret = secretsmanager.CfnSecret(
            self,
            "Secret",
            description=f"AUTH token of the ElastiCache replication group {group_id}",
            kms_key_id=key.key_arn,
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                password_length=TOKEN_LENGTH, exclude_punctuation=True, include_space=False
            ),
        )
        # A token that was replaced may be the one that Redis still asks for.
        self._secret.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN
        self._secret.cfn_options.deletion_policy = cdk.CfnDeletionPolicy.DELETE
        acknowledge(
            self._secret,
            "AwsSolutions:SMG4",
            "NIST:SecretsManagerRotationEnabled",
            reason="The rotation schedule is in the operations stack, where its function is",
        )

    @property
    def arn(self) -> str:
        """The secret's ARN."""
        return self._secret.ref

    def for_replication_group(self) -> str:
        """The reference that CloudFormation resolves at deployment; never the value itself."""
        return f"{{{{resolve:secretsmanager:{self.arn}:SecretString}}}}"

    def read_statements(self) -> list[iam.PolicyStatement]:
        """What a policy needs to read the token, for principals that are attached later."""
        return [
            iam.PolicyStatement(
                actions=["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                resources=[self.arn],
            ),
            self._use_of_the_key("kms:Decrypt"),
        ]

    def rotate_statements(self) -> list[iam.PolicyStatement]:
        """What a policy needs to bring in a new token."""
        return [
            iam.PolicyStatement(
                actions=[
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:GetSecretValue",
                    "secretsmanager:PutSecretValue",
                    "secretsmanager:TagResource",
                    "secretsmanager:UntagResource",
                    "secretsmanager:UpdateSecretVersionStage",
                ],
                resources=[self.arn],
            ),
            self._use_of_the_key("kms:Decrypt", "kms:GenerateDataKey"),
        ]

    def _use_of_the_key(self, *actions: str) -> iam.PolicyStatement:
        service = f"secretsmanager.{cdk.Stack.of(self).region}.amazonaws.com"
        return iam.PolicyStatement(
            actions=list(actions),
            resources=[self._key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": service}},
        )
