"""A role that one GitHub environment's jobs take, without a key that could be lost."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from constructs import Construct
from constructs.common.permissions import ManagedPolicy, Statement, policy

ISSUER = "token.actions.githubusercontent.com"
HOURS = 2  # the longest job: a change of the nodes takes the better part of an hour


class WorkflowIdentity(Construct):
    """The account's trust in GitHub's tokens. An account has one, for all its environments."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        provider = iam.CfnOIDCProvider(
            self, "Resource", url=f"https://{ISSUER}", client_id_list=["sts.amazonaws.com"]
        )
        # Other environments' roles stand on it.
        provider.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self.provider = provider


class WorkflowRole(Construct):
    """What the jobs of one GitHub environment of one repository may do in the account."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        account: str,
        repository: str,
        github_environment: str,
        may: Sequence[Statement],
    ) -> None:
        super().__init__(scope, construct_id)
        subject = f"repo:{repository}:environment:{github_environment}"
        trust = {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{ISSUER}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}
            },
        }
        self.policy = ManagedPolicy(
            self, "Policy", description=f"What {name} may do", statements=may
        )
        self.role = iam.CfnRole(
            self,
            "Resource",
            role_name=name,
            description=f"GitHub environment {github_environment} of {repository.split('@')[0]}",
            assume_role_policy_document=policy([trust]),
            managed_policy_arns=[self.policy.arn],
            max_session_duration=HOURS * 3600,
        )
