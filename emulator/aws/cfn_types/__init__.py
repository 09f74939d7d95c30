"""CloudFormation resource types that the embedded AWS lacks or does not deploy as AWS does."""

from emulator.aws.cfn_types import (
    elasticache,
    schedules,
    secrets,
    security_groups,
    server_values,
    sns,
    taken_names,
)
from emulator.aws.patches.cloudformation import register
from emulator.elasticache.state import Promises


def install(promises: Promises) -> None:
    """Make the embedded CloudFormation deploy them, users as these promises say."""
    for kind in (
        sns.SlackChannelConfiguration(),
        elasticache.ParameterGroup(),
        elasticache.ReplicationGroup(),
        elasticache.SubnetGroup(),
        elasticache.User(promises),
        elasticache.UserGroup(),
        schedules.Schedule(),
        secrets.ResourcePolicy(),
        secrets.RotationSchedule(),
        secrets.Secret(),
        security_groups.Egress(),
        security_groups.Ingress(),
        server_values.Association(),
        server_values.Document(),
        sns.Subscription(),
    ):
        register(kind)
    taken_names.install()
