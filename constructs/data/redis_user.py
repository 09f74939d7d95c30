"""The RBAC user that every client logs in as, and its user group (§2.3)."""

import aws_cdk as cdk
from aws_cdk import aws_elasticache as elasticache

from constructs import Construct
from constructs.common.permissions import Grantee, allow, place
from constructs.data.auth_token import AuthToken
from environments.access import ENGINE, access_arns, user_group_id, user_id

UNTAGGED = ("AWS::ElastiCache::User", "AWS::ElastiCache::UserGroup")
NAME = "default"  # whom ``AUTH <token>`` without a name logs in as


class RedisUser(Construct):
    """One user named ``default`` whose password is the token, alone in its user group.

    From its creation on the rotation keeps the user's passwords; CloudFormation sends the token
    only when a property of the user changes. Both resources carry no tags: updates of their tags
    have failed (aws-cdk#16266, #25409; terraform-provider-aws#47638).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        group_id: str,
        token: AuthToken,
        access_string: str,
        kept: bool,
    ) -> None:
        """``kept``: both outlive their stack, but not a creation that failed.

        A user that is the ``default`` of a user group cannot be deleted by itself.
        """
        super().__init__(scope, construct_id)
        self._group_id = group_id
        self.id = user_id(group_id)
        user = elasticache.CfnUser(
            self,
            "Default",
            engine=ENGINE,
            user_id=self.id,
            user_name=NAME,
            # AuthenticationModeProperty synthesises keys that are refused (aws-cdk#28397).
            passwords=[token.dynamic_reference()],
            access_string=access_string,
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
