"""The function outside of the VPC: everything that is a call to AWS. Turns events into calls."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from recovery import manifest, removal, snapshots
from recovery.report import notification, outcome
from recovery.restore import look, restore
from recovery.run import Run
from recovery.settings import Settings
from recovery.watch import watch
from shared.aws_calls import ask
from shared.boto_config import CALLS, no_debugging
from shared.emf import emitted
from shared.secret import Secret


def handler(event: dict[str, Any], _context: object) -> dict[str, Any] | None:
    """Run ``{"step": ...}`` for the state machine, or ``{"watch": true}`` for our schedule."""
    no_debugging()
    settings = Settings.read(os.environ)
    if event.get("watch") is True:
        watch(made_once("elasticache"), made_once("stepfunctions"), settings, datetime.now(UTC))
        return None
    run = Run(settings.group_id, event["execution"], datetime.fromisoformat(event["started"]))
    return STEPS[event["step"]](settings, run, event)


def _choose(settings: Settings, _run: Run, _event: dict[str, Any]) -> dict[str, Any]:
    sentinels = manifest.read(made_once("ssm"), settings.manifest)
    found = snapshots.newest(made_once("elasticache"), settings)
    return {"snapshot": found.document(), "sentinels": sentinels}


def _restore(settings: Settings, run: Run, event: dict[str, Any]) -> dict[str, Any]:
    secret = Secret(made_once("secretsmanager"), settings.secret_arn)
    restore(made_once("elasticache"), secret, settings, run, event["snapshot"])
    return {"group": run.group_id}


def _look(settings: Settings, run: Run, _event: dict[str, Any]) -> dict[str, Any]:
    return look(made_once("elasticache"), settings, run, datetime.now(UTC))


def _remove(_settings: Settings, run: Run, event: dict[str, Any]) -> dict[str, Any]:
    return removal.remove(made_once("elasticache"), run, event["passes"])


def _report(settings: Settings, run: Run, event: dict[str, Any]) -> dict[str, Any]:
    found = outcome(event["state"], run)
    metrics = {"RecoveryFailed": float(not found.passed)}
    if found.measured:
        metrics |= found.measured.metrics()
    words = {"recovery": found.failure or "verified"}
    print(emitted(settings.group_id, datetime.now(UTC), metrics, words))
    ask(
        made_once("sns").publish,
        "publish the report",
        TopicArn=settings.topic_arn,
        Message=notification(found, settings, run),
    )
    measured = found.measured.document() if found.measured else {}
    return {"passed": found.passed, **measured}


STEPS = {
    "choose": _choose,
    "restore": _restore,
    "look": _look,
    "remove": _remove,
    "report": _report,
}


@cache
def made_once(service: str) -> Any:
    """A client of one service, made once a container."""
    return boto3.client(service, config=CALLS)
