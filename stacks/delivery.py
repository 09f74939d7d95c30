"""Who outside AWS may deliver an environment: deployed once by hand, never by a workflow."""

from functools import partial

import aws_cdk as cdk

from constructs import Construct
from constructs.common import permissions
from constructs.common.permissions import Statement
from constructs.delivery.bootstrapped import Bootstrapped
from constructs.delivery.workflow_role import workflow_identity, workflow_role
from environments.access import access_arns
from environments.delivery_settings import Delivery
from environments.schema import Settings
from stacks.environment_stack import EnvironmentStack

allow = partial(
    permissions.allow,
    because="AWS ends these names itself, and CDK names a template by its content",
)


class DeliveryStack(EnvironmentStack):
    """The two roles of an environment's workflows: one prepares, the other is approved.

    Only the second can change anything. Neither reads a secret: the health check logs in inside
    AWS, with what it reads from Secrets Manager there.
    """

    def __init__(self, scope: Construct, *, settings: Settings, delivery: Delivery) -> None:
        super().__init__(
            scope,
            "delivery",
            settings=settings,
            description=f"Redis of {settings.environment.name}: the roles of its workflows",
        )
        self._settings = settings
        self._there = Bootstrapped.of(self)
        here, redis = self._there.place, settings.redis
        # Those that workflows deliver, without this one: else they could widen their own roles.
        self._stacks = [here.arn("cloudformation", f"stack/{one}/*") for one in settings.stacks]
        # CloudFormation names the secret, beginning with its logical id.
        self._secrets = here.arn("secretsmanager", "secret:TokenSecret*")
        self._group = here.arn("elasticache", f"replicationgroup:{redis.replication_group_id}")
        self._nodes = here.arn("elasticache", f"cluster:{redis.topology.member_pattern}")
        # The user that clients log in as, and its user group.
        access = access_arns(redis.replication_group_id)
        self._access = [here.arn("elasticache", one) for one in access]
        identity = workflow_identity(self, "Identity") if delivery.own_identity_provider else None
        name, prefix = settings.environment.name, settings.prefix
        executing = [*self._executing(), *([] if delivery.approval else self._deploying())]
        plan, deliver = (
            workflow_role(
                self,
                label,
                name=f"{prefix}-{label.lower()}",
                account=settings.environment.account,
                repository=delivery.repository,
                github_environment=environment,
                may=may,
            )
            for label, environment, may in (
                ("Plan", f"{name}-plan", self._preparing()),
                ("Deliver", name, executing),
            )
        )
        if identity:
            for role in (plan, deliver):
                role.add_resource_dependency(identity)
        cdk.CfnOutput(self, "PlanRole", value=plan.attr_arn)
        cdk.CfnOutput(self, "DeliverRole", value=deliver.attr_arn)
        cdk.CfnOutput(self, "LookUpRole", value=self._there.role("lookup-role"))

    def _reading(self) -> list[Statement]:
        """What the guard of every deployment asks, to see that the token is at rest."""
        here, path = self._there.place, self._settings.parameter_path
        return [
            allow(
                "ssm:GetParameter",
                on=[here.arn("ssm", f"parameter{path}/REDIS_PASSWORD_SECRET_ARN")],
            ),
            allow(
                "secretsmanager:DescribeSecret",  # its labels, never its value
                on=[self._secrets],
                when={
                    "StringEquals": {"aws:ResourceTag/environment": self._settings.environment.name}
                },
            ),
            allow("elasticache:DescribeReplicationGroups", on=[self._group]),
            allow("elasticache:DescribeUserGroups", "elasticache:DescribeUsers", on=self._access),
            allow("elasticache:DescribeCacheClusters", on=[self._nodes]),
            allow(
                "cloudformation:DescribeChangeSet",
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStacks",
                "cloudformation:GetTemplate",  # would the user of Redis be changed?
                on=self._stacks,
            ),
        ]

    def _preparing(self) -> list[Statement]:
        """Create change sets, and nothing that executes one."""
        there = self._there
        return [
            *self._reading(),
            allow(
                "sts:AssumeRole", on=[there.role("lookup-role"), there.role("file-publishing-role")]
            ),
            allow(
                "cloudformation:CreateChangeSet",
                "cloudformation:DeleteChangeSet",
                "cloudformation:ListChangeSets",
                on=self._stacks,
            ),
            allow("s3:GetObject", on=[there.objects]),
            allow("ssm:GetParameter", "ssm:GetParameters", on=[there.version]),
            allow(
                "iam:PassRole",
                on=[there.role("cfn-exec-role")],
                when={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
            ),
        ]

    def _executing(self) -> list[Statement]:
        """Execute what was prepared, apply service updates, and ask whether it is well."""
        health = self._there.place.arn("lambda", f"function:{self._settings.prefix}-health")
        return [
            *self._reading(),
            allow("cloudformation:ExecuteChangeSet", on=self._stacks),
            allow("lambda:InvokeFunction", on=[health]),
            allow(
                "elasticache:BatchApplyUpdateAction",
                "elasticache:DescribeUpdateActions",
                on=[self._group],
            ),
        ]

    def _deploying(self) -> list[Statement]:
        """What ``make deploy`` takes: CDK's own roles, and a look at the deployed engine."""
        roles = ("deploy-role", "file-publishing-role", "lookup-role")
        return [
            allow("sts:AssumeRole", on=[self._there.role(role) for role in roles]),
            allow("cloudformation:GetTemplate", on=self._stacks),
        ]
