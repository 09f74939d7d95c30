"""A topic that the alarms of this account publish to, encrypted and over TLS only."""

from aws_cdk import aws_sns as sns

from constructs import Construct
from constructs.common.arns import place
from constructs.common.encryption_key import EncryptionKey
from constructs.common.permissions import Statement, allow, policy


class AlarmTopic(Construct):
    """The topic and its policy."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        display_name: str,
        key: EncryptionKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self.arn = sns.CfnTopic(
            self,
            "Resource",
            topic_name=name,
            display_name=display_name,
            kms_master_key_id=key.arn,
        ).ref
        alarms = {"Sid": "1", **from_our_alarms(self, "sns:Publish", on=self.arn)}
        sns.CfnTopicPolicy(
            Construct(self, "Policy"),
            "Resource",
            topics=[self.arn],
            policy_document=policy([only_over_tls(self.arn), alarms]),
        )


def only_over_tls(topic_arn: str) -> Statement:
    """Refuse whatever is published to a topic in plain text."""
    return {
        "Sid": "AllowPublishThroughSSLOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def from_our_alarms(scope: Construct, *actions: str, on: str) -> Statement:
    """Allow CloudWatch ``actions`` on ``on`` when an alarm of this account and region asks."""
    here = place(scope)
    return allow(
        *actions,
        on=[on],
        when={
            "StringEquals": {"aws:SourceAccount": here.account},
            "ArnLike": {"aws:SourceArn": here.arn("cloudwatch", "alarm:*")},
        },
        service="cloudwatch.amazonaws.com",
    )
