"""Whom an alarm reaches: what an environment file says under [notifications]."""

from typing import Annotated

from environments.section import Section, matching

EXAMPLE_RUNBOOK = "https://github.com/vibewell/vibewell-redis/blob/main/docs/runbook.md"
# Of a workspace, channels and a secret's name.
EXAMPLES = ("T0EXAMPLE0", "C0EXAMPLE0", "C0EXAMPLE1", "C0EXAMPLE2", "example/pagerduty")

# An alarm's description has 1,024 characters (CloudWatch API reference, PutMetricAlarm), of which
# ours need up to 300, and a function's variables 4 KB (Lambda quotas).
LONGEST_RUNBOOK = 500
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PORT = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
_BYTE = "25[0-5]|2[0-4][0-9]|1?[0-9]{1,2}"

# None repeats the value: it may be a secret in the wrong place.
_WORKSPACE_ID = matching(
    "T[A-Z0-9]{8,14}",
    "it is not a workspace id (a secret may be, so it is not repeated here)",
    "Chatbot takes the id, T and 8 or more capitals and digits, not the name",
    "Copy it from the AWS Chatbot console after authorising the workspace",
)
_CHANNEL_ID = matching(
    "[CG][A-Z0-9]{8,14}",
    "it is not a channel id (a secret may be, so it is not repeated here)",
    "Chatbot takes the id, C or G and 8 or more capitals and digits, not the name",
    "Copy the end of the channel's link in Slack",
)
_CHANNEL_NAME = matching(
    "#[a-z0-9_-]{1,80}",
    "Slack channel name {} is malformed",
    "Slack's names are # and up to 80 lower-case letters, digits, hyphens, underscores",
    'Write for example "#vibewell-production-alerts"',
)
# Not a key: PagerDuty's integration keys are 32 letters and digits, Slack's tokens begin with xox.
_SECRET_NAME = matching(
    "(?![A-Za-z0-9]{32,}$|xox[a-z]-)[A-Za-z0-9/_+=.@-]{1,512}",
    "it is not the name of a secret",
    "Secrets Manager takes letters, digits and /_+=.@- as a name, and the address or the key "
    "itself must never be in a file (it is not repeated here)",
    "Store the address in Secrets Manager and write the secret's name",
)
# Of an address, what goes into a message in Slack and into a template as it is. A host ends in a
# name or is four bytes.
_RUNBOOK = matching(
    rf"(?=.{{1,{LONGEST_RUNBOOK}}}$)https://"
    rf"(({_LABEL}\.)+(?![0-9]+[:/]|[0-9]+$){_LABEL}|(({_BYTE})\.){{3}}({_BYTE}))"
    rf"(:({_PORT}))?(/([A-Za-z0-9._~:/?&=+,;!()-]|%[0-9A-Fa-f]{{2}})*)?",
    f"it is not an https address of up to {LONGEST_RUNBOOK} characters, without fragment, name or "
    "password",
    "Every alarm's description has it, with #its-section appended, and CloudWatch takes 1,024 "
    "characters",
    "Write the address at which docs/runbook.md is read",
)


class Notifications(Section):
    """The Slack channel, and the secret that holds PagerDuty's integration address.

    The secret is a JSON object whose key ``integration_url`` is the address that PagerDuty gives
    for an Amazon CloudWatch integration: the address is the key to the service, so it is in no
    file and no template. ``test_monthly`` sends a test of the way to people once a month.
    """

    slack_workspace_id: Annotated[str, _WORKSPACE_ID]
    slack_channel_id: Annotated[str, _CHANNEL_ID]
    slack_channel_name: Annotated[str, _CHANNEL_NAME]
    pagerduty_secret_name: Annotated[str, _SECRET_NAME] | None = None
    test_monthly: bool = False
    runbook_url: Annotated[str, _RUNBOOK]
