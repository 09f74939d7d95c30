"""AWS::SNS::Subscription, confirmed by its receiver, and Chatbot's channels, which subscribe."""

import json
import os

from emulator.aws.cfn_types.base import (
    Created,
    Namer,
    Properties,
    ResourceType,
    is_true,
)
from emulator.aws.clients import client
from emulator.aws.inbox import CHATBOT_ENDPOINT
from emulator.aws.patches.account import THE_ACCOUNT
from emulator.nodes.waiting import wait_until

_CONFIRMED = 60  # seconds that a receiver may take
_ATTRIBUTES = ("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy")


def subscribe(topic: str, protocol: str, endpoint: str, attributes: dict[str, str]) -> str:
    """Subscribe, wait for the confirmation, return the subscription's ARN."""
    client("sns").subscribe(
        TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes
    )

    def confirmed() -> str | None:
        arn = _subscription(topic, endpoint)
        return arn if arn and arn.startswith("arn:") else None

    return wait_until(confirmed, seconds=_CONFIRMED, what=f"confirmation of a subscription {topic}")


def unsubscribe(topic: str, endpoint: str) -> None:
    """End the subscription if it is there."""
    arn = _subscription(topic, endpoint)
    if arn and arn.startswith("arn:"):
        client("sns").unsubscribe(SubscriptionArn=arn)


def _subscription(topic: str, endpoint: str) -> str | None:
    sns = client("sns")
    try:
        subscriptions = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    except sns.exceptions.NotFoundException:
        return None
    return next((s["SubscriptionArn"] for s in subscriptions if s["Endpoint"] == endpoint), None)


class Subscription(ResourceType):
    """A subscription; on AWS an HTTPS one stays pending until its receiver confirms."""

    name = "AWS::SNS::Subscription"
    create_only = ("Endpoint", "Protocol", "TopicArn")

    def create(self, properties: Properties, _named: Namer) -> Created:
        """`Ref` is the subscription's ARN."""
        endpoint, protocol, topic = (properties[key] for key in self.create_only)
        arn = subscribe(topic, protocol, endpoint, _attributes(properties))
        return arn, {"Arn": arn}

    def update(self, physical_id: str, old: Properties, new: Properties) -> Properties:
        """Attributes change in place; one that was dropped is emptied."""
        dropped = dict.fromkeys(_attributes(old).keys() - _attributes(new).keys(), "")
        for name, value in {**dropped, **_attributes(new)}.items():
            client("sns").set_subscription_attributes(
                SubscriptionArn=physical_id, AttributeName=name, AttributeValue=value
            )
        return {"Arn": physical_id}

    def delete(self, _physical_id: str, properties: Properties) -> None:
        """A topic that is gone took its subscriptions along."""
        unsubscribe(properties["TopicArn"], properties["Endpoint"])


def _attributes(properties: Properties) -> dict[str, str]:
    given = {name: properties[name] for name in _ATTRIBUTES if name in properties}
    if "RawMessageDelivery" in properties:
        given["RawMessageDelivery"] = is_true(properties["RawMessageDelivery"])
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
    }


_REQUIRED = ("ConfigurationName", "IamRoleArn", "SlackChannelId", "SlackWorkspaceId")


class SlackChannelConfiguration(ResourceType):
    """Recorded; its topics deliver to the rehearsal's inbox under the channel's id."""

    name = "AWS::Chatbot::SlackChannelConfiguration"
    create_only = ("SlackWorkspaceId", "ConfigurationName")
    custom_name = "ConfigurationName"

    def create(self, properties: Properties, _named: Namer) -> Created:
        """`Ref` is the ARN; a name that is taken is refused."""
        missing = [key for key in _REQUIRED if not properties.get(key)]
        if missing:
            raise ValueError(f"Chatbot: required properties are missing: {', '.join(missing)}")
        account, configuration = os.environ["MINISTACK_ACCOUNT_ID"], properties["ConfigurationName"]
        arn = f"arn:aws:chatbot::{account}:chat-configuration/slack-channel/{configuration}"
        if arn in THE_ACCOUNT.channels:
            raise ValueError(f"Chatbot: the configuration {configuration} already exists")
        return arn, self.update(arn, {}, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Properties:
        """Topics are followed and left, everything else is recorded."""
        team, channel = new["SlackWorkspaceId"], new["SlackChannelId"]
        taken = {"SlackTeamId": team, "SlackChannelId": channel}
        if taken in [other for arn, other in THE_ACCOUNT.channels.items() if arn != physical_id]:
            raise ValueError(
                f"Chatbot: Slack channel with ID {channel} in Slack team {team} has already been "
                "configured for AWS account"
            )
        THE_ACCOUNT.channels[physical_id] = taken
        self._leave(old)
        for topic in new.get("SnsTopicArns") or []:
            subscribe(topic, "https", _channel(new), {})
        return {"Arn": physical_id}

    def delete(self, physical_id: str, properties: Properties) -> None:
        """The channel leaves its topics."""
        THE_ACCOUNT.channels.pop(physical_id, None)
        self._leave(properties)

    @staticmethod
    def _leave(properties: Properties) -> None:
        for topic in properties.get("SnsTopicArns") or []:
            unsubscribe(topic, _channel(properties))


def _channel(properties: Properties) -> str:
    return f"{CHATBOT_ENDPOINT}/{properties['SlackChannelId']}"
