"""How an alarm reaches people: two topics, Slack on both, PagerDuty on critical (§3.3)."""

from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns

from constructs import Construct
from constructs.alarms.metrics import Severity
from constructs.common.encryption_key import EncryptionKey
from constructs.common.permissions import (
    Grantee,
    ManagedPolicy,
    Statement,
    allow,
    place,
    service_role,
)
from environments.notification_settings import Notifications
from environments.schema import Settings


def from_our_alarms(scope: Construct, *actions: str, on: str) -> Statement:
    """Allow CloudWatch ``actions`` on ``on`` when an alarm of this account and region asks."""
    here = place(scope)
    ours = {
        "StringEquals": {"aws:SourceAccount": here.account},
        "ArnLike": {"aws:SourceArn": here.arn("cloudwatch", "alarm:*")},
    }
    return allow(*actions, on=[on], when=ours, service="cloudwatch.amazonaws.com")


class AlarmNotifications(Construct):
    """A topic for each severity.

    The topics' key is our own: with ``alias/aws/sns`` CloudWatch may not encrypt, and drops every
    message without a word (aws/aws-cdk#11121).
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        prefix, reached = settings.prefix, settings.notifications
        self.key = EncryptionKey(
            self, "Key", alias=f"{prefix}-alarms", description="Alarm messages on their way"
        )
        self.key.admit(
            from_our_alarms(self, "kms:Decrypt", "kms:GenerateDataKey", on="*")  # this key
        )
        self.topic_arns = {
            severity: self._topic(f"{prefix}-{severity}", severity) for severity in Severity
        }
        self._slack(prefix, reached)
        if reached.pagerduty_secret_name:
            self._pagerduty(reached.pagerduty_secret_name)

    def _topic(self, name: str, severity: Severity) -> str:
        topic = sns.Topic(
            self,
            severity.title(),
            topic_name=name,
            display_name=f"Redis {severity}",
            master_key=self.key,
            enforce_ssl=True,
        )
        alarms = from_our_alarms(self, "sns:Publish", on=topic.topic_arn)
        topic.add_to_resource_policy(iam.PolicyStatement.from_json(alarms))
        return topic.topic_arn

    def grant_publish(self, grantee: Grantee, severity: Severity) -> None:
        """Let it write to the topic of one severity."""
        grantee.permit(
            allow("sns:Publish", on=[self.topic_arns[severity]]),
            allow("kms:Decrypt", "kms:GenerateDataKey", on=[self.key.key_arn]),
        )

    def _slack(self, prefix: str, settings: Notifications) -> None:
        read = ManagedPolicy(
            self,
            "ChatbotPolicy",
            description="Look at alarms and their graphs",
            statements=[
                allow(
                    "cloudwatch:DescribeAlarms",
                    "cloudwatch:GetMetricData",
                    "cloudwatch:GetMetricStatistics",
                    "cloudwatch:GetMetricWidgetImage",
                    "cloudwatch:ListMetrics",
                    on=["*"],
                    because="CloudWatch's read actions on metrics take no resource but *",
                )
            ],
        )
        what = "What the Slack channel may do"
        role_arn = service_role(
            self, "ChatbotRole", read, service="chatbot.amazonaws.com", description=what
        )
        chatbot.CfnSlackChannelConfiguration(
            self,
            "Slack",
            configuration_name=f"{prefix}-alerts",
            slack_workspace_id=settings.slack_workspace_id,
            slack_channel_id=settings.slack_channel_id,
            iam_role_arn=role_arn,
            # Left out, Chatbot's guardrail is AdministratorAccess (aws/aws-cdk#30420).
            guardrail_policies=["arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"],
            logging_level="ERROR",
            sns_topic_arns=list(self.topic_arns.values()),
        )

    def _pagerduty(self, secret_name: str) -> None:
        # The address is the key to the service: CloudFormation reads it at deployment.
        sns.CfnSubscription(
            self,
            "PagerDuty",
            topic_arn=self.topic_arns[Severity.CRITICAL],
            protocol="https",
            endpoint=f"{{{{resolve:secretsmanager:{secret_name}:SecretString:integration_url}}}}",
        )
