"""AWS::SNS::Subscription, confirmed by its receiver before the stack goes on."""

import json
from typing import Any

from emulator.aws.cfn_types.base import (
    Attributes,
    Namer,
    Properties,
    Resource,
    ResourceType,
    is_true,
)
from emulator.aws.clients import client
from emulator.aws.waiting import wait_until

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
        found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    except sns.exceptions.NotFoundException:
        return None
    return next((s["SubscriptionArn"] for s in found if s["Endpoint"] == endpoint), None)


class Subscription(ResourceType):
    """A subscription; on AWS an HTTPS one stays pending until its receiver confirms."""

    name = "AWS::SNS::Subscription"
    create_only = ("Endpoint", "Protocol", "TopicArn")

    def create(self, properties: Properties, _named: Namer) -> Resource:
        """`Ref` is the subscription's ARN."""
        arn = subscribe(
            properties["TopicArn"],
            properties["Protocol"],
            properties["Endpoint"],
            _attributes(properties),
        )
        return Resource(arn, {"Arn": arn})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
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
    found: dict[str, str] = {
        name: _text(properties[name]) for name in _ATTRIBUTES if name in properties
    }
    if "RawMessageDelivery" in properties:
        found["RawMessageDelivery"] = str(is_true(properties["RawMessageDelivery"])).lower()
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
