"""ElastiCache's events on their way to SNS: sent only where AWS's would arrive.

Source: ElastiCache user guide, "Event Notifications and Amazon SNS" (same account and Region, no
encryption) and "Managing ElastiCache Amazon SNS notifications" (the topic's policy must open it by
aws:SourceOwner). A message that does not arrive is told to nobody; here it is kept for inspection.
The form of a message is that of public receivers: the event's name and its source.
"""

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from aws_rules.policies import Policy, Request, consult
from aws_rules.principals import Caller

# ElastiCache publishes as an account of AWS's own that nobody can name: only everyone includes it.
_PUBLISHER = "arn:aws:iam::000000000000:role/elasticache"


class EventTopic:
    """Sends one event after the other, in a thread: `client(service)` calls AWS."""

    def __init__(self, client: Callable[[str], Any], account: str, region: str) -> None:
        self._client = client
        self._account, self._region = account, region
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="elasticache-events")
        self._failures: list[dict[str, str]] = []

    def send(self, topic: str, event: str, source: str, refused: Callable[[], None]) -> None:
        """Publish an event; `refused` is called when it cannot arrive."""
        sent = self._worker.submit(self._send, topic, event, source)
        sent.add_done_callback(partial(self._note, topic, event, refused))

    def failures(self) -> list[dict[str, str]]:
        """Every event that did not arrive: event, topic, why."""
        return list(self._failures)

    def _note(
        self, topic: str, event: str, refused: Callable[[], None], sent: Future[None]
    ) -> None:
        error = sent.exception()
        if error is not None:
            refused()
            self._failures.append({"event": event, "topic": topic, "why": str(error)})

    def _send(self, topic: str, event: str, source: str) -> None:
        region, account = topic.split(":")[3:5]
        if (region, account) != (self._region, self._account):
            raise PermissionError(f"{topic} is in another account or Region than the group")
        attributes = self._client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
        if attributes.get("KmsMasterKeyId"):
            raise PermissionError(f"{topic} is encrypted, and ElastiCache cannot publish to it")
        context = {"aws:SourceOwner": account, "aws:SecureTransport": "true"}
        said = consult(
            [Policy(f"the policy of {topic}", json.loads(attributes["Policy"]))],
            Request("sns:Publish", topic, context),
            Caller("000000000000", role=_PUBLISHER),
            of_identity=False,
        )
        if said.denies or said.unclear_denies or not said.allows:
            raise PermissionError(f"the policy of {topic} does not let ElastiCache publish")
        self._client("sns").publish(
            TopicArn=topic,
            Subject="ElastiCache Notification Message",
            Message=json.dumps({event: source}),
        )
