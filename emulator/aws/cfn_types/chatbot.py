"""AWS::Chatbot::SlackChannelConfiguration: a channel that subscribes itself to its topics."""

import os

from emulator.aws.cfn_types.base import Attributes, Namer, Properties, Resource, ResourceType
from emulator.aws.cfn_types.sns import subscribe, unsubscribe
from emulator.aws.inbox import CHATBOT_ENDPOINT

_REQUIRED = ("ConfigurationName", "IamRoleArn", "SlackChannelId", "SlackWorkspaceId")


class SlackChannelConfiguration(ResourceType):
    """Recorded; its topics deliver to the rehearsal's inbox under the channel's id."""

    name = "AWS::Chatbot::SlackChannelConfiguration"
    create_only = ("SlackWorkspaceId", "ConfigurationName")
    custom_name = "ConfigurationName"

    def __init__(self) -> None:
        self._configurations: dict[str, Properties] = {}

    def create(self, properties: Properties, _named: Namer) -> Resource:
        """`Ref` is the ARN; a name that is taken is refused."""
        missing = [key for key in _REQUIRED if not properties.get(key)]
        if missing:
            raise ValueError(f"Chatbot: required properties are missing: {', '.join(missing)}")
        account, configuration = os.environ["MINISTACK_ACCOUNT_ID"], properties["ConfigurationName"]
        arn = f"arn:aws:chatbot::{account}:chat-configuration/slack-channel/{configuration}"
        if arn in self._configurations:
            raise ValueError(f"Chatbot: the configuration {configuration} already exists")
        self._configurations[arn] = properties
        self._follow(properties, properties.get("SnsTopicArns") or [])
        return Resource(arn, {"Arn": arn})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """Topics are followed and left, everything else is recorded."""
        self.delete(physical_id, old)
        self._configurations[physical_id] = new
        self._follow(new, new.get("SnsTopicArns") or [])
        return {"Arn": physical_id}

    def delete(self, physical_id: str, properties: Properties) -> None:
        """The channel leaves its topics."""
        self._configurations.pop(physical_id, None)
        for topic in properties.get("SnsTopicArns") or []:
            unsubscribe(topic, _endpoint(properties))

    @staticmethod
    def _follow(properties: Properties, topics: list[str]) -> None:
        for topic in topics:
            subscribe(topic, "https", _endpoint(properties), {})


def _endpoint(properties: Properties) -> str:
    return f"{CHATBOT_ENDPOINT}/{properties['SlackChannelId']}"
