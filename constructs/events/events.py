"""ElastiCache's events in the channel, in plain words (§3.3, 7.1)."""

from collections.abc import Sequence

from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.alarms.metrics import Severity
from constructs.alarms.notifications import AlarmNotifications
from constructs.common.own_function import OwnFunction
from constructs.common.permissions import acknowledge, allow, only_over_tls, place, policy
from environments.schema import Settings


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
        why = "ElastiCache cannot publish to an encrypted topic; events name nodes, no data"
        acknowledge(topic, {"NIST+PCI:SNSEncryptedKMS": why})
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
            policy_document=policy(
                [
                    only_over_tls("sns:Publish", on=[self.arn], sid="AllowPublishThroughSSLOnly"),
                    from_elasticache,
                ]
            ),
        )


def event_topic_arn(scope: Construct, prefix: str) -> str:
    """The topic's ARN as another stack of its environment knows it, without an import."""
    return place(scope).arn("sns", _name(prefix))


def _name(prefix: str) -> str:
    return f"{prefix}-events"


DAYS_KEPT = 14  # SQS's longest
SECONDS_A_DAY = 86_400
LONGEST_SECONDS = 30


class EventReports(Construct):
    """A function that turns each event into a custom notification, the only text Chatbot shows.

    What it cannot handle, and what SNS or EventBridge cannot hand to it, is kept in a queue that
    has an alarm.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        notifications: AlarmNotifications,
        rules: Sequence[str] = (),
    ) -> None:
        """``rules`` are the ARNs of EventBridge's rules that may leave events in the queue.

        The topic is known by its name, so that this stack imports nothing of the data's.
        """
        super().__init__(scope, construct_id)
        prefix = settings.prefix
        self._topic_arn = event_topic_arn(self, prefix)
        unread = self._queue(f"{prefix}-events-unread", rules)
        self.unread_arn = unread.attr_arn
        # PagerDuty discards what is no alarm, so the text goes where only the channel reads; what
        # pages is the alarm on the metric that the function writes.
        channel = Severity.WARNING
        self.function = OwnFunction(
            self,
            "Function",
            settings=settings,
            name="events",
            handler="events.handler.handler",
            environment={
                "REPLICATION_GROUP_ID": settings.redis.replication_group_id,
                "CHANNEL_TOPIC_ARN": notifications.topic_arns[channel],
                "RUNBOOK": settings.notifications.runbook_url,
            },
            may=[allow("sqs:SendMessage", on=[unread.attr_arn])],
            timeout_seconds=LONGEST_SECONDS,
            key=notifications.key,
            unread=unread.attr_arn,
            outside="It calls SNS alone: it must work when the network does not",
        )
        notifications.grant_publish(self.function, channel)
        permission = self.function.invocable(self, "TopicMayInvoke", "sns", self._topic_arn)
        sns.CfnSubscription(
            self,
            "Subscription",
            topic_arn=self._topic_arn,
            protocol="lambda",
            endpoint=self.function.arn,
            redrive_policy={"deadLetterTargetArn": unread.attr_arn},
        ).add_resource_dependency(permission)

    def _queue(self, name: str, rules: Sequence[str]) -> sqs.CfnQueue:
        queue = sqs.CfnQueue(
            self,
            "Unread",
            queue_name=name,
            message_retention_period=DAYS_KEPT * SECONDS_A_DAY,
            sqs_managed_sse_enabled=True,
        )
        itself = "It is itself the queue for what could not be handled"
        by_name = "Plain text is refused for each action by name; the rule reads sqs:* alone"
        acknowledge(queue, {"AwsSolutions:SQS3": itself, "AwsSolutions:SQS4": by_name})
        actions = "ChangeMessageVisibility", "DeleteMessage", "ReceiveMessage", "SendMessage"
        only_tls = only_over_tls(*(f"sqs:{one}" for one in actions), on=[queue.attr_arn])
        senders = [("sns", self._topic_arn), *(("events", rule) for rule in rules)]
        received = [
            allow(
                "sqs:SendMessage",
                on=[queue.attr_arn],
                when={"ArnEquals": {"aws:SourceArn": arn}},
                service=f"{sender}.amazonaws.com",
            )
            for sender, arn in senders
        ]
        document = policy([only_tls, *received])
        sqs.CfnQueuePolicy(self, "UnreadPolicy", queues=[queue.ref], policy_document=document)
        return queue
