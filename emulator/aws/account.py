"""The limits of an account, as its profile sets them.

Sources of the words of each refusal, users' reports: aws-samples/siem-on-amazon-opensearch-service
issue 175 for concurrency, hashicorp/terraform-provider-awscc issue 1011 for channels.
"""

import json

WORKSPACE = "T0REHEARSAL"


class Account:
    """One account; by default one that has been in use, with its quotas as they begin."""

    def __init__(self) -> None:
        self.concurrency = 1000
        self.minimum_unreserved = 100  # by Lambda, for functions that reserve nothing
        self.creates_roles = True  # whether a service makes its role for its caller
        self.zones_without: dict[str, str] = {}  # by endpoint service
        self.quotas: dict[str, dict[str, float]] = {"elasticache": {"Nodes per Region": 300.0}}
        self.channels: dict[str, dict[str, str]] = {}  # by the configuration's ARN

    def limit(self, **values: str) -> None:
        """Change some, each as JSON text."""
        for name, value in values.items():
            if name not in vars(self):
                raise ValueError(f"an account has no {name}")
            setattr(self, name, json.loads(value))

    def refuse_concurrency(self, reserved: int) -> str | None:
        """Lambda's answer to this much reserved concurrency in all; None if it takes it."""
        if self.concurrency - reserved >= self.minimum_unreserved or not reserved:
            return None
        return (
            "Specified ReservedConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution below its minimum value of "
            f"[{self.minimum_unreserved}]."
        )

    def refuse_channel(self, arn: str, team: str, channel: str) -> str | None:
        """Chatbot's answer to a second configuration of a channel."""
        if any(
            (configured["SlackTeamId"], configured["SlackChannelId"]) == (team, channel)
            for other, configured in self.channels.items()
            if other != arn
        ):
            return (
                f"Slack channel with ID {channel} in Slack team {team} has already been configured "
                "for AWS account"
            )
        return None


THE_ACCOUNT = Account()
