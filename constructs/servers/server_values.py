"""What many connections need of the application servers' kernel and of systemd (§5.3)."""

from pathlib import Path
from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_ssm as ssm

from constructs import Construct
from constructs.common.permissions import place
from constructs.events.events import EventReports
from environments.application_settings import ServerTag
from environments.schema import Settings

SCRIPT = Path(__file__).with_suffix(".sh")
HOURS = 12  # a value that somebody changed is back after so long
FILES_A_CONNECTION = 4  # a server also opens logs, libraries, its own clients' sockets
LONGEST_SECONDS = 120


class ServerValues(Construct):
    """A document that sets, verifies or reverts the values, and an association that sets them.

    It runs on every server with the tag, at once on a new one, and a server without the values is
    not compliant. Servers must be managed by Systems Manager: the role they run in is not ours.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, tag: ServerTag
    ) -> None:
        super().__init__(scope, construct_id)
        prefix = settings.prefix
        document = ssm.CfnDocument(
            self,
            "Document",
            name=server_document(prefix),
            document_type="Command",
            document_format="JSON",
            content=content(prefix, settings.application.max_clients),
            target_type="/AWS::EC2::Instance",
            # Replace would make a second document of the same name, which is refused.
            update_method="NewVersion",
        )
        ssm.CfnAssociation(
            self,
            "Association",
            association_name=server_document(prefix),
            name=document.ref,
            document_version="$DEFAULT",
            parameters={"Action": ["apply"]},
            targets=[ssm.CfnAssociation.TargetProperty(key=f"tag:{tag.key}", values=[tag.value])],
            schedule_expression=f"rate({HOURS} hours)",
            compliance_severity="HIGH",
            # A mistake stops early: not on every server at once.
            max_concurrency="25%",
            max_errors="10%",
        )


def server_document(prefix: str) -> str:
    """The name of the document and of its association."""
    return f"{prefix}-server-values"


def content(prefix: str, max_clients: int) -> dict[str, Any]:
    """The document, of schema 2.2 (Systems Manager user guide, "Document schemas").

    ``prefix`` names the environment's own file on a server that several environments tag.
    """
    backlog = 1 << (max_clients - 1).bit_length()  # the kernel rounds a queue up to such a number
    commands = [
        "ACTION='{{ Action }}'",
        f"ENVIRONMENT={prefix}",
        f"BACKLOG={backlog}",
        f"FILES={backlog * FILES_A_CONNECTION}",
        *SCRIPT.read_text().splitlines(),
    ]
    return {
        "schemaVersion": "2.2",
        "description": f"Kernel and systemd values for {max_clients} connections",
        "parameters": {
            "Action": {
                "type": "String",
                "description": "apply sets what is missing, verify only looks, revert takes it "
                "back",
                "default": "verify",
                "allowedValues": ["apply", "verify", "revert"],
            }
        },
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "values",
                "precondition": {"StringEquals": ["platformType", "Linux"]},
                "inputs": {"runCommand": commands, "timeoutSeconds": str(LONGEST_SECONDS)},
            }
        ],
    }


def watch_servers(scope: Construct, prefix: str, reports: EventReports) -> None:
    """A rule that hands each failed run of the association to the function for events.

    The function writes to the channel, and not the rule: a policy of an encrypted topic or of its
    key could not say which rule may use it. ``prefix`` begins the names of the rule and of the
    association's document.
    """
    rule = events.CfnRule(
        scope,
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
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=reports.unread_arn),
            )
        ],
    )
    reports.function.invocable(scope, "RuleMayInvoke", "events", rule.attr_arn)


def server_rule_arn(scope: Construct, prefix: str) -> str:
    """The rule's ARN before there is a rule, for the queue that takes what it cannot hand over."""
    return place(scope).arn("events", f"rule/{server_document(prefix)}")
