"""RotateSecret that really rotates: Secrets Manager's part of a rotation by a function.

From the service's documentation (RotateSecret, "Rotation by Lambda function"): the function is
invoked synchronously, once per step; when a step fails the entire rotation is retried, with the
same version; a version that failed stays AWSPENDING, and while AWSPENDING is on another version
than AWSCURRENT a further RotateSecret is refused. Without RotateImmediately only testSecret runs,
on an AWSPENDING version that the service creates and removes. How often and how far apart it
retries is not documented: here it is twice more, without a pause.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from emulator.aws.clients import client
from emulator.aws.patches.details import secret_record

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
ATTEMPTS = 3

Answer = tuple[int, dict[str, Any]]


class Rotation:
    """The actions of Secrets Manager that concern rotation; None leaves the call to ministack."""

    def __init__(self) -> None:
        self.actions: dict[str, Callable[[dict[str, Any]], Answer | None]] = {
            "RotateSecret": self.rotate,
            "CancelRotateSecret": self.cancel,
            "GetSecretValue": self.get_value,
            "PutSecretValue": self.put_value,
        }
        self._attempts: list[dict[str, Any]] = []

    def history(self) -> list[dict[str, Any]]:
        """Each step that was run: secret, version, step, attempt, and the error if it failed."""
        return list(self._attempts)

    def rotate(self, call: dict[str, Any]) -> Answer:
        """RotateSecret: checks, configuration, and the four steps in the background."""
        secret = secret_record(call["SecretId"])
        if secret is None:
            return _refused("ResourceNotFoundException", "Secrets Manager can't find the secret.")
        if secret.get("DeletedDate"):
            return _refused("InvalidRequestException", "The secret is marked for deletion.")
        function = call.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
        if not function:
            return _refused(
                "InvalidRequestException",
                "No Lambda rotation function ARN is associated with this secret.",
            )
        if not _may_invoke(function):
            return _refused(
                "AccessDeniedException",
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the "
                "function policy grants access to the principal secretsmanager.amazonaws.com.",
            )
        if _pending(secret) is not None:
            return _refused(
                "InvalidRequestException",
                "A previous rotation isn't complete. That rotation will be reattempted.",
            )
        secret.update(
            RotationLambdaARN=function,
            RotationRules=call.get("RotationRules") or secret.get("RotationRules"),
            RotationEnabled=True,
        )
        token = call.get("ClientRequestToken") or str(uuid.uuid4())
        secret["Versions"][token] = _empty_version()
        arguments = (secret, function, token, call.get("RotateImmediately", True))
        threading.Thread(target=self._rotate, args=arguments, daemon=True).start()
        return 200, {"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token}

    def cancel(self, call: dict[str, Any]) -> Answer:
        """CancelRotateSecret: no more rotations; a pending version stays as it is."""
        secret = secret_record(call["SecretId"])
        if secret is None:
            return _refused("ResourceNotFoundException", "Secrets Manager can't find the secret.")
        secret["RotationEnabled"] = False
        pending = _pending(secret)
        version = {"VersionId": pending} if pending else {}
        return 200, {"ARN": secret["ARN"], "Name": secret["Name"], **version}

    def get_value(self, call: dict[str, Any]) -> Answer | None:
        """GetSecretValue: a version that has no value yet is not found."""
        secret = secret_record(call["SecretId"])
        if secret is None:
            return None
        label = call.get("VersionStage")
        asked = call.get("VersionId")
        for version, content in secret["Versions"].items():
            matches = version == asked if asked else label in content["Stages"]
            if matches and content["SecretString"] is None and content["SecretBinary"] is None:
                return _refused(
                    "ResourceNotFoundException",
                    f"Secrets Manager can't find the specified secret value for {version}.",
                )
        return None

    def put_value(self, call: dict[str, Any]) -> Answer | None:
        """PutSecretValue: a version's value never changes, and a label is on one version only."""
        secret = secret_record(call["SecretId"])
        token = call.get("ClientRequestToken")
        if secret is None or token is None:
            return None
        there = secret["Versions"].get(token, _empty_version())
        value = there["SecretString"]
        if value is not None and value != call.get("SecretString"):
            return _refused(
                "ResourceExistsException",
                f"You can't modify the existing version {token}: its value is set.",
            )
        for label in call.get("VersionStages", ["AWSCURRENT"]):
            for version, content in secret["Versions"].items():
                if label != "AWSCURRENT" and version != token and label in content["Stages"]:
                    content["Stages"].remove(label)
        return None

    def _rotate(self, secret: dict[str, Any], function: str, token: str, at_once: bool) -> None:
        if not at_once:
            self._run(secret, function, token, "testSecret", 1)
            secret["Versions"].pop(token, None)
            return
        for attempt in range(1, ATTEMPTS + 1):
            if all(self._run(secret, function, token, step, attempt) for step in STEPS):
                secret["LastRotatedDate"] = int(time.time())
                return

    def _run(
        self, secret: dict[str, Any], function: str, token: str, step: str, attempt: int
    ) -> bool:
        event = {
            "Step": step,
            "SecretId": secret["ARN"],
            "ClientRequestToken": token,
            "RotationToken": str(uuid.uuid4()),
        }
        error: str | None = None
        try:
            answer = client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
            if "FunctionError" in answer:
                error = json.load(answer["Payload"]).get("errorMessage", answer["FunctionError"])
        except ClientError as refused:
            error = str(refused)
        run = {"secret": secret["Name"], "version": token, "step": step}
        self._attempts.append({**run, "attempt": attempt, "error": error})
        return error is None


def _empty_version() -> dict[str, Any]:
    return {
        "SecretString": None,
        "SecretBinary": None,
        "CreatedDate": int(time.time()),
        "Stages": ["AWSPENDING"],
    }


def _pending(secret: dict[str, Any]) -> str | None:
    """The version that is AWSPENDING and not AWSCURRENT."""
    for version, content in secret["Versions"].items():
        if "AWSPENDING" in content["Stages"] and "AWSCURRENT" not in content["Stages"]:
            return str(version)
    return None


def _may_invoke(function: str) -> bool:
    lambda_ = client("lambda")
    try:
        policy = json.loads(lambda_.get_policy(FunctionName=function)["Policy"])
    except lambda_.exceptions.ResourceNotFoundException:
        return False
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": "secretsmanager.amazonaws.com"}
        for statement in policy["Statement"]
    )


def _refused(code: str, message: str) -> Answer:
    return 400, {"__type": code, "Message": message, "message": message}
