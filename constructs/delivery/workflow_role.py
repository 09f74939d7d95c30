"""A role that one GitHub environment's jobs take, without a key that could be lost."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from constructs import Construct
from constructs.common.permissions import ManagedPolicy, Statement, policy

ISSUER = "token.actions.githubusercontent.com"
HOURS = 6  # as long as GitHub lets a job run: service updates take half an hour per node


def workflow_identity(scope: Construct, construct_id: str) -> iam.CfnOIDCProvider:
    """The account's trust in GitHub's tokens. An account has one, for all its environments."""
    provider = iam.CfnOIDCProvider(
        Construct(scope, construct_id),
        "Resource",
        url=f"https://{ISSUER}",
        client_id_list=["sts.amazonaws.com"],
    )
    # Other environments' roles are bound to it.
    provider.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    return provider


def workflow_role(
    scope: Construct,
    construct_id: str,
    *,
    name: str,
    account: str,
    repository: str,
    github_environment: str,
    may: Sequence[Statement],
) -> iam.CfnRole:
    """What the jobs of one GitHub environment of one repository may do in the account."""
    subject = f"repo:{repository}:environment:{github_environment}"
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{ISSUER}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}
        },
    }
    scope = Construct(scope, construct_id)
    may_do = ManagedPolicy(scope, "Policy", description=f"What {name} may do", statements=may)
    return iam.CfnRole(
        scope,
        "Resource",
        role_name=name,
        description=f"GitHub environment {github_environment} of {repository.split('@')[0]}",
        assume_role_policy_document=policy([trust]),
        managed_policy_arns=[may_do.arn],
        max_session_duration=HOURS * 3600,
    )
