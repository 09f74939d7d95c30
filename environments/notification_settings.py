"""Whom an alarm reaches: what an environment file says under [notifications]."""

from typing import Annotated

from environments.section import Section, matching

EXAMPLE_WORKSPACE = "T0EXAMPLE0"
EXAMPLE_CHANNELS = ("C0EXAMPLE0", "C0EXAMPLE1", "C0EXAMPLE2")
EXAMPLE_PAGERDUTY_SECRET = "example/pagerduty"  # noqa: S105 - the name of a secret, not a secret

_WORKSPACE = matching(
    r"T[A-Z0-9]{8,14}",
    "Slack workspace {} is not a workspace id",
    "Chatbot takes the id, T and 8 or more capitals and digits, not the name",
    "Copy it from the AWS Chatbot console after authorising the workspace",
)
_CHANNEL = matching(
    r"[CG][A-Z0-9]{8,14}",
    "Slack channel {} is not a channel id",
    "Chatbot takes the id, C or G and 8 or more capitals and digits, not the name",
    "Copy the end of the channel's link in Slack",
)
_CHANNEL_NAME = matching(
    r"#[a-z0-9_-]{1,80}",
    "Slack channel name {} is malformed",
    "Slack's names are # and up to 80 lower-case letters, digits, hyphens, underscores",
    'Write for example "#vibewell-production-alerts"',
)
_SECRET_NAME = matching(
    r"[A-Za-z0-9/_+=.@-]{1,512}",
    "pagerduty_secret_name is not the name of a secret",
    "Secrets Manager takes letters, digits and /_+=.@- as a name, and the address itself must "
    "never be in a file (it is not repeated here)",
    "Store the address in Secrets Manager and write the secret's name",
)
_RUNBOOK = matching(
    r"https://[!-\"$-~]+",
    "runbook_url {} is not an https address without a fragment",
    "Every alarm appends #its-section to it",
    "Write the address at which docs/runbook.md is read",
)


class Notifications(Section):
    """The Slack channel, and the secret that holds PagerDuty's integration address.

    The secret is a JSON object whose key ``integration_url`` is the address that PagerDuty gives
    for an Amazon CloudWatch integration: the address is the key to the service, so it is in no
    file and no template.
    """

    slack_workspace_id: Annotated[str, _WORKSPACE]
    slack_channel_id: Annotated[str, _CHANNEL]
    slack_channel_name: Annotated[str, _CHANNEL_NAME]
    pagerduty_secret_name: Annotated[str, _SECRET_NAME] | None = None
    runbook_url: Annotated[str, _RUNBOOK]
