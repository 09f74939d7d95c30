"""How an alarm reaches people: two topics, Slack on both, PagerDuty on critical (§3.3)."""

import aws_cdk as cdk
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from constructs import Construct
from constructs.acknowledge import acknowledge
from constructs.alarm_specs import Severity
from environments.notification_settings import Notifications


class AlarmNotifications(Construct):
    """A topic for each severity.

    The topics' key is our own: with ``alias/aws/sns`` CloudWatch may not encrypt, and drops every
    message without a word (aws/aws-cdk#11121).
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, prefix: str, settings: Notifications
    ) -> None:
        """``prefix`` begins the names of the topics and of the Slack configuration."""
        super().__init__(scope, construct_id)
        key = self._key(prefix)
        self.topics = {
            severity: self._topic(severity, f"{prefix}-{severity}", key) for severity in Severity
        }
        self._slack(prefix, settings)
        if settings.pagerduty_secret_name:
            self._pagerduty(settings.pagerduty_secret_name)

    def _key(self, prefix: str) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            alias=f"alias/{prefix}-alarms",
            description="Alarm messages on their way",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],  # in a key policy: this key
                conditions=self._from_our_alarms(),
            )
        )
        return key

    def _topic(self, severity: Severity, name: str, key: kms.Key) -> sns.Topic:
        topic = sns.Topic(
            self,
            severity.title(),
            topic_name=name,
            display_name=f"Redis {severity}",
            master_key=key,
            enforce_ssl=True,
        )
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions=self._from_our_alarms(),
            )
        )
        return topic

    def _slack(self, prefix: str, settings: Notifications) -> None:
        read = iam.ManagedPolicy(
            self,
            "ChatbotPolicy",
            description="Look at alarms and their graphs",
            statements=[
                iam.PolicyStatement(
                    actions=[
                        "cloudwatch:DescribeAlarms",
                        "cloudwatch:GetMetricData",
                        "cloudwatch:GetMetricStatistics",
                        "cloudwatch:GetMetricWidgetImage",
                        "cloudwatch:ListMetrics",
                    ],
                    resources=["*"],  # metrics have no ARN to name
                )
            ],
        )
        acknowledge(
            read,
            "AwsSolutions:IAM5[Resource::*]",
            reason="CloudWatch's read actions on metrics take no resource but *",
        )
        role = iam.Role(
            self,
            "ChatbotRole",
            assumed_by=iam.ServicePrincipal("chatbot.amazonaws.com"),
            description="What the Slack channel may do",
            managed_policies=[read],
        )
        chatbot.CfnSlackChannelConfiguration(
            self,
            "Slack",
            configuration_name=f"{prefix}-alerts",
            slack_workspace_id=settings.slack_workspace_id,
            slack_channel_id=settings.slack_channel_id,
            iam_role_arn=role.role_arn,
            # Left out, Chatbot's guardrail is AdministratorAccess (aws/aws-cdk#30420).
            guardrail_policies=["arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"],
            logging_level="ERROR",
            sns_topic_arns=[topic.topic_arn for topic in self.topics.values()],
        )

    def _pagerduty(self, secret_name: str) -> None:
        # The address is the key to the service: CloudFormation reads it at deployment.
        sns.CfnSubscription(
            self,
            "PagerDuty",
            topic_arn=self.topics[Severity.CRITICAL].topic_arn,
            protocol="https",
            endpoint=f"{{{{resolve:secretsmanager:{secret_name}:SecretString:integration_url}}}}",
        )

    def _from_our_alarms(self) -> dict[str, dict[str, str]]:
        stack = cdk.Stack.of(self)
        return {
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {
                "aws:SourceArn": f"arn:aws:cloudwatch:{stack.region}:{stack.account}:alarm:*"
            },
        }
