"""Slow log and engine log, each in an encrypted log group of its own."""

import json

import aws_cdk as cdk
from aws_cdk import aws_logs as logs

from constructs import Construct
from constructs.data_key import DataKey

KINDS = ("slow-log", "engine-log")


class RedisLogs(Construct):
    """Two log groups that ElastiCache may write to.

    One group for both would mix two formats, and ElastiCache refuses the same destination twice.
    Source: ElastiCache user guide, "Log delivery"; slow log from Redis 6.0, engine log from 6.2.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, path: str, retention_days: int, key: DataKey
    ) -> None:
        """``path`` is what both names begin with; ``retention_days`` how long lines are kept."""
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self.log_group_names = {kind: f"{path}/{kind}" for kind in KINDS}
        groups = []
        for kind, name in self.log_group_names.items():
            key.grant_to_log_group(name)
            group = logs.CfnLogGroup(
                self,
                "".join(word.title() for word in kind.split("-")),
                log_group_name=name,
                retention_in_days=retention_days,
                kms_key_id=key.key_arn,
            )
            groups.append(group)
        self.delivery = logs.CfnResourcePolicy(
            self,
            "Delivery",
            policy_name=f"{path.strip('/').replace('/', '-')}-log-delivery",
            policy_document=json.dumps(self._policy(stack)),
        )
        for group in groups:
            self.delivery.node.add_dependency(group)

    def _policy(self, stack: cdk.Stack) -> dict[str, object]:
        # Source: CloudWatch Logs user guide, "Logs sent to CloudWatch Logs", vended logs.
        prefix = f"arn:aws:logs:{stack.region}:{stack.account}"
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "delivery.logs.amazonaws.com"},
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": [
                        f"{prefix}:log-group:{name}:log-stream:*"
                        for name in self.log_group_names.values()
                    ],
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": stack.account},
                        "ArnLike": {"aws:SourceArn": f"{prefix}:*"},
                    },
                }
            ],
        }
