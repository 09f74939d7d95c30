"""Slow log and engine log, each in an encrypted log group of its own."""

import json

from aws_cdk import aws_logs as logs

from constructs import Construct
from constructs.common.encryption_key import EncryptionKey
from constructs.common.permissions import allow, place, policy
from environments.schema import Settings

KINDS = ("slow-log", "engine-log")


class RedisLogs(Construct):
    """Two log groups that ElastiCache may write to.

    One group for both would mix two formats, and ElastiCache refuses the same destination twice.
    Source: ElastiCache user guide, "Log delivery"; slow log from Redis 6.0, engine log from 6.2.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, key: EncryptionKey
    ) -> None:
        super().__init__(scope, construct_id)
        path = settings.parameter_path
        self.log_group_names = {kind: f"{path}/{kind}" for kind in KINDS}
        groups = []
        for kind, name in self.log_group_names.items():
            key.grant_to_log_group(name)
            group = logs.CfnLogGroup(
                self,
                "".join(word.title() for word in kind.split("-")),
                log_group_name=name,
                retention_in_days=settings.redis.log_retention_days,
                kms_key_id=key.key_arn,
            )
            groups.append(group)
        # Source: CloudWatch Logs user guide, "Logs sent to CloudWatch Logs", vended logs.
        here, names = place(self), self.log_group_names.values()
        write = allow(
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            on=[here.arn("logs", f"log-group:{name}:log-stream:*") for name in names],
            when={
                "StringEquals": {"aws:SourceAccount": here.account},
                "ArnLike": {"aws:SourceArn": here.arn("logs", "*")},
            },
            service="delivery.logs.amazonaws.com",
        )
        delivery = logs.CfnResourcePolicy(
            self,
            "Delivery",
            policy_name=f"{path.strip('/').replace('/', '-')}-log-delivery",
            policy_document=json.dumps(policy([write])),
        )
        delivery.node.add_dependency(*groups)
