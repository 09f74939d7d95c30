"""Notifies the channel of a server whose values could not be set or kept (§5.3)."""

from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_

from constructs import Construct, IConstruct
from constructs.common.arns import place
from constructs.events.event_reports import EventReports
from constructs.servers.server_values import server_document


class ServerWatch(Construct):
    """A rule that hands each failed run of the association to the function for events.

    The function speaks to the channel, and not the rule: a policy of an encrypted topic or of its
    key could not say which rule may use it.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, prefix: str, reports: EventReports
    ) -> None:
        """``prefix`` begins the names of the rule and of the association's document."""
        super().__init__(scope, construct_id)
        rule = events.CfnRule(
            self,
            "Rule",
            name=server_document(prefix),
            description="An application server is without the values that its connections need",
            event_pattern={
                "source": ["aws.ssm"],
                "detail-type": ["EC2 State Manager Instance Association State Change"],
                "detail": {
                    "document-name": [server_document(prefix)],
                    "status": ["Failed", "TimedOut"],
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="reporter",
                    arn=reports.function.arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                        arn=reports.unread_arn
                    ),
                )
            ],
        )
        lambda_.CfnPermission(
            self,
            "RuleMayInvoke",
            action="lambda:InvokeFunction",
            function_name=reports.function.name,
            principal="events.amazonaws.com",
            source_account=place(self).account,
            source_arn=rule.attr_arn,
        )


def server_rule_arn(scope: IConstruct, prefix: str) -> str:
    """The rule's ARN before there is a rule, for the queue that takes what it cannot hand over."""
    return place(scope).arn("events", f"rule/{server_document(prefix)}")
