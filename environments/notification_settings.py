"""Whom an alarm reaches: what an environment file says under [notifications]."""

import re

from pydantic import field_validator

from environments.section import Section, refusal

EXAMPLE_WORKSPACE = "T0EXAMPLE0"
EXAMPLE_CHANNELS = ("C0EXAMPLE0", "C0EXAMPLE1", "C0EXAMPLE2")
EXAMPLE_RUNBOOK = "https://github.com/vibewell/vibewell-redis/blob/main/docs/runbook.md"
EXAMPLE_PAGERDUTY_SECRET = "example/pagerduty"  # noqa: S105 - the name of a secret, not a secret

_WORKSPACE_ID = re.compile(r"T[A-Z0-9]{8,14}")
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{8,14}")
_SECRET_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
# Keys rather than names: PagerDuty's integration keys are 32 of these, Slack's tokens begin so.
_KEY = re.compile(r"[A-Za-z0-9]{32,}|xox[a-z]-.*")
# Of an address, what goes into a message in Slack and into a template as it is.
_RUNBOOK = re.compile(
    r"https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]+)?(/[A-Za-z0-9._~:/?&=%+,;!()-]*)?"
)
# An alarm's description has 1,024 characters (CloudWatch API reference, PutMetricAlarm), of which
# ours need up to 300, and a function's variables 4 KB (Lambda quotas).
LONGEST_RUNBOOK = 500


class Notifications(Section):
    """The Slack channel, and the secret that holds PagerDuty's integration address.

    The secret is a JSON object whose key ``integration_url`` is the address that PagerDuty gives
    for an Amazon CloudWatch integration: the address is the key to the service, so it is in no
    file and no template. ``test_monthly`` sends a test of the way to people once a month.
    """

    slack_workspace_id: str
    slack_channel_id: str
    slack_channel_name: str
    pagerduty_secret_name: str | None = None
    test_monthly: bool = False
    runbook_url: str

    @field_validator("slack_workspace_id")
    @classmethod
    def _workspace_is_an_id(cls, value: str) -> str:
        if not _WORKSPACE_ID.fullmatch(value):
            raise refusal(
                "it is not a workspace id (a secret may be, so it is not repeated here)",
                "Chatbot takes the id, T and 8 or more capitals and digits, not the name",
                "Copy it from the AWS Chatbot console after authorising the workspace",
            )
        return value

    @field_validator("slack_channel_id")
    @classmethod
    def _channel_is_an_id(cls, value: str) -> str:
        if not _CHANNEL_ID.fullmatch(value):
            raise refusal(
                "it is not a channel id (a secret may be, so it is not repeated here)",
                "Chatbot takes the id, C or G and 8 or more capitals and digits, not the name",
                "Copy the end of the channel's link in Slack",
            )
        return value

    @field_validator("slack_channel_name")
    @classmethod
    def _channel_name_is_one_that_slack_takes(cls, value: str) -> str:
        if not re.fullmatch(r"#[a-z0-9_-]{1,80}", value):
            raise refusal(
                f"Slack channel name {value!r} is malformed",
                "Slack's names are # and up to 80 lower-case letters, digits, hyphens, underscores",
                'Write for example "#vibewell-production-alerts"',
            )
        return value

    @field_validator("pagerduty_secret_name")
    @classmethod
    def _secret_is_named_not_written(cls, value: str | None) -> str | None:
        if value is not None and (not _SECRET_NAME.fullmatch(value) or _KEY.fullmatch(value)):
            raise refusal(
                "it is not the name of a secret",
                "Secrets Manager takes letters, digits and /_+=.@- as a name, and the address or "
                "the key itself must never be in a file (it is not repeated here)",
                "Store the address in Secrets Manager and write the secret's name",
            )
        return value

    @field_validator("runbook_url")
    @classmethod
    def _runbook_can_be_opened(cls, value: str) -> str:
        if not _RUNBOOK.fullmatch(value) or len(value) > LONGEST_RUNBOOK:
            raise refusal(
                f"it is not an https address of up to {LONGEST_RUNBOOK} characters, without "
                "fragment, name or password",
                "Every alarm's description has it, with #its-section appended, and CloudWatch "
                "takes 1,024 characters",
                "Write the address at which docs/runbook.md is read",
            )
        return value
