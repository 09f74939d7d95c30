"""The AUTH token, known to nobody, and the RBAC user that clients log in as with it (§2.3)."""

import aws_cdk as cdk
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs import Construct
from constructs.common.encryption_key import EncryptionKey
from constructs.common.permissions import Grantee, Statement, acknowledge, allow, place
from environments.access import ENGINE, access_arns, user_group_id, user_id
from environments.redis_settings import Redis

TOKEN_LENGTH = 64


class AuthToken(Construct):
    """A secret whose whole value is the token: 64 letters and digits.

    ElastiCache takes 16 to 128 characters and of punctuation only ``! & # $ ^ < > -``, so there is
    none. **Never change the generation string**: CloudFormation would write a new random value
    that Redis does not know, and every client would be locked out. A test pins it.
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
        rules = ("AwsSolutions:SMG4", "NIST:SecretsManagerRotationEnabled")
        acknowledge(secret, dict.fromkeys(rules, rotation))
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


UNTAGGED = ("AWS::ElastiCache::User", "AWS::ElastiCache::UserGroup")
NAME = "default"  # whom ``AUTH <token>`` without a name logs in as


class RedisUser(Construct):
    """One user named ``default`` whose password is the token, alone in its user group.

    From its creation on the rotation keeps the user's passwords; CloudFormation sends the token
    only when a property of the user changes. Both resources carry no tags: updates of their tags
    have failed (aws-cdk#16266, #25409; terraform-provider-aws#47638).
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Redis, token: AuthToken, kept: bool
    ) -> None:
        """``kept``: both outlive their stack, but not a creation that failed.

        A user that is the ``default`` of a user group cannot be deleted by itself.
        """
        super().__init__(scope, construct_id)
        group_id = self._group_id = settings.replication_group_id
        self.id = user_id(group_id)
        user = elasticache.CfnUser(
            self,
            "Default",
            engine=ENGINE,
            user_id=self.id,
            user_name=NAME,
            # AuthenticationModeProperty synthesises keys that are refused (aws-cdk#28397).
            passwords=[token.dynamic_reference()],
            access_string=settings.access_string,
        )
        group = elasticache.CfnUserGroup(
            self, "Group", engine=ENGINE, user_group_id=user_group_id(group_id), user_ids=[user.ref]
        )
        if kept:
            for resource in (user, group):
                options = resource.cfn_options
                options.deletion_policy = cdk.CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE
                options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN
        self.group_ref = group.ref

    def grant_describe(self, grantee: Grantee) -> None:
        """Let it look at the user and its user group."""
        arns = [place(self).arn("elasticache", one) for one in access_arns(self._group_id)]
        grantee.permit(
            allow("elasticache:DescribeUserGroups", "elasticache:DescribeUsers", on=arns)
        )

    def grant_modify(self, grantee: Grantee) -> None:
        """Let it look at this user and change its passwords."""
        arn = place(self).arn("elasticache", f"user:{self.id}")
        grantee.permit(allow("elasticache:DescribeUsers", "elasticache:ModifyUser", on=[arn]))
