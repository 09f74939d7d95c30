"""The AUTH token, made by Secrets Manager and known to nobody (§2.3)."""

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.common.encryption_key import EncryptionKey
from constructs.common.permissions import Grantee, Statement, allow, place

TOKEN_LENGTH = 64


class AuthToken(Construct):
    """A secret whose whole value is the token: 64 letters and digits.

    ElastiCache takes 16 to 128 characters and of punctuation only ``! & # $ ^ < > -``, so there is
    none. **Never change the generation string**: CloudFormation would write a new random value
    that Redis has never heard of, and every client would be locked out. A test pins it.
    The name is CloudFormation's own, so that a second deployment never meets a name that is still
    scheduled for deletion; clients find the ARN in SSM.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        group_id: str,
        key: EncryptionKey,
        rotation: str = "The rotation schedule is in the operations stack, where its function is",
    ) -> None:
        """``group_id`` is the replication group that the token opens.

        ``rotation`` says how it is changed, as there is no schedule beside it.
        """
        super().__init__(scope, construct_id)
        self._key = key
        # The library's own Secret would write kms:GenerateDataKey* and kms:ReEncrypt* into the key.
        secret = secretsmanager.CfnSecret(
            self,
            "Secret",
            description=f"AUTH token of the ElastiCache replication group {group_id}",
            kms_key_id=key.key_arn,
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                password_length=TOKEN_LENGTH, exclude_punctuation=True, include_space=False
            ),
        )
        # A token that was replaced may be the one that Redis still asks for.
        options = secret.cfn_options
        options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN
        options.deletion_policy = cdk.CfnDeletionPolicy.DELETE
        acknowledge(
            secret,
            "AwsSolutions:SMG4",
            "NIST:SecretsManagerRotationEnabled",
            reason=rotation,
        )
        self.arn = secret.ref

    def dynamic_reference(self) -> str:
        """The reference that CloudFormation resolves at deployment; never the value itself."""
        return f"{{{{resolve:secretsmanager:{self.arn}:SecretString}}}}"

    def grant_read(self, grantee: Grantee) -> None:
        """Let it read the token."""
        grantee.permit(
            allow("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", on=[self.arn]),
            *self._use_of_the_key("kms:Decrypt"),
        )

    def grant_write(self, grantee: Grantee) -> None:
        """Let it write a token and read it again."""
        grantee.permit(
            allow("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", on=[self.arn]),
            *self._use_of_the_key("kms:Decrypt", "kms:GenerateDataKey"),
        )

    def grant_rotate(self, grantee: Grantee) -> None:
        """Let it bring in a new token."""
        grantee.permit(
            allow(
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:TagResource",
                "secretsmanager:UntagResource",
                "secretsmanager:UpdateSecretVersionStage",
                on=[self.arn],
            ),
            *self._use_of_the_key("kms:Decrypt", "kms:GenerateDataKey"),
        )

    def _use_of_the_key(self, *actions: str) -> list[Statement]:
        service = f"secretsmanager.{place(self).region}.amazonaws.com"
        only_there = {"StringEquals": {"kms:ViaService": service}}
        return [allow(*actions, on=[self._key.key_arn], when=only_there)]
