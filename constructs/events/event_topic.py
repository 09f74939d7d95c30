"""The topic that ElastiCache tells of failovers, replacements and snapshots."""

from aws_cdk import aws_sns as sns

from constructs import Construct, IConstruct
from constructs.alarms.alarm_topic import only_over_tls
from constructs.common.acknowledge import acknowledge
from constructs.common.arns import place
from constructs.common.permissions import policy


class EventTopic(Construct):
    """Unencrypted, in the group's account and region, open by aws:SourceOwner: nothing else works.

    ElastiCache marks the topic inactive, and is silent from then on, when it is encrypted or when
    its policy asks for aws:SourceAccount or anything else (ElastiCache user guide, "Managing
    ElastiCache Amazon SNS notifications", "SNS topic access policy requirement").
    """

    def __init__(self, scope: Construct, construct_id: str, *, prefix: str) -> None:
        """``prefix`` begins the topic's name."""
        super().__init__(scope, construct_id)
        topic = sns.CfnTopic(
            self, "Resource", topic_name=_name(prefix), display_name="Redis events"
        )
        acknowledge(
            topic,
            "NIST:SNSEncryptedKMS",
            "PCI:SNSEncryptedKMS",
            reason="ElastiCache cannot publish to an encrypted topic; events name nodes, no data",
        )
        self.arn = topic.ref
        from_elasticache = {
            "Sid": "AllowElastiCachePublish",
            "Effect": "Allow",
            # The user guide's own form: services that publish by the topic's owner are no
            # principal that could be named.
            "Principal": {"AWS": "*"},
            "Action": "sns:Publish",
            "Resource": self.arn,
            "Condition": {"StringEquals": {"aws:SourceOwner": place(self).account}},
        }
        self.policy = sns.CfnTopicPolicy(
            self,
            "Policy",
            topics=[self.arn],
            policy_document=policy([only_over_tls(self.arn), from_elasticache]),
        )


def event_topic_arn(scope: IConstruct, prefix: str) -> str:
    """The topic's ARN as another stack of its environment knows it, without an import."""
    return place(scope).arn("sns", _name(prefix))


def _name(prefix: str) -> str:
    return f"{prefix}-events"
