"""Clients that a model answers: boto3's own, or quick ones for searches.

In boto3's own everything of botocore stays but the network: checks of parameters, debug lines and
exceptions. They are made once a process, for that takes longer than a whole rotation, and ask
whatever world came last.
"""

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

Answer = Callable[[str, dict[str, Any]], dict[str, Any]]


class ServiceError(Exception):
    """The model's refusal."""

    def answer(self, asked: dict[str, Any]) -> Any:
        """The service's answer. It may repeat what it was asked: ours always does."""
        error = {"Code": str(self), "Message": f"{self}: {asked}"}
        return {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}


class FakeService:
    """One service's client; ``answer`` takes an operation's name and its parameters."""

    def __init__(self, name: str) -> None:
        self.answer: Answer | None = None
        self.client = boto3.client(
            name,
            region_name="us-east-1",
            aws_access_key_id="model",
            aws_secret_access_key="model",  # noqa: S106 - no such account
            # Composing the user agent is a third of a call's time.
            config=Config(retries={"total_max_attempts": 1}, user_agent="model"),
        )
        events = self.client.meta.events
        events.register("before-parameter-build.*.*", self._remember)
        events.register("before-call.*.*", self._call)

    @staticmethod
    def _remember(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        context["model_parameters"] = dict(params)

    def _call(self, model: Any, context: dict[str, Any], **_: object) -> tuple[object, Any]:
        assert self.answer is not None
        parameters = context["model_parameters"]
        try:
            answer, status = self.answer(xform_name(model.name), parameters), 200
        except ServiceError as refused:
            answer, status = refused.answer(parameters), 400
        return SimpleNamespace(status_code=status, headers={}), answer


class QuickClient:
    """The same answers without botocore."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**asked: Any) -> dict[str, Any]:
            try:
                return self._answer(operation, asked)
            except ServiceError as refused:
                raise ClientError(refused.answer(asked), operation) from None

        call.__name__ = operation
        return call


@cache
def fake_service(name: str) -> FakeService:
    return FakeService(name)
