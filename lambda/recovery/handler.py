"""The function outside of the VPC: everything that is a call to AWS. Turns events into calls."""

import os
from datetime import UTC, datetime
from typing import Any

from recovery import manifest
from recovery.report import metrics, notification, outcome
from recovery.restore import look, newest, remove, restore
from recovery.settings import Run, Settings
from recovery.watch import watch
from shared.aws_calls import ask
from shared.boto_config import client, no_debugging
from shared.emf import emitted
from shared.secret import Secret


def handler(event: dict[str, Any], _context: object) -> dict[str, Any] | None:
    """Run ``{"step": ...}`` for the state machine, or ``{"watch": true}`` for our schedule."""
    no_debugging()
    settings = Settings.read(os.environ)
    if event.get("watch") is True:
        watch(client("elasticache"), client("stepfunctions"), settings, datetime.now(UTC))
        return None
    run = Run(settings.group_id, event["execution"], datetime.fromisoformat(event["started"]))
    match event["step"]:
        case "choose":
            sentinels = manifest.read(client("ssm"), settings.manifest)
            found = newest(client("elasticache"), settings)
            return {"snapshot": found, "sentinels": sentinels}
        case "restore":
            secret = Secret(client("secretsmanager"), settings.secret_arn)
            restore(client("elasticache"), secret, settings, run, event["snapshot"])
            return {"group": run.group_id}
        case "look":
            return look(client("elasticache"), settings, run, datetime.now(UTC))
        case "remove":
            return remove(client("elasticache"), run, event["passes"])
        case "report":
            return _report(settings, run, event["state"])
        case unknown:
            raise ValueError(f"no step is called {unknown}")


def _report(settings: Settings, run: Run, state: dict[str, Any]) -> dict[str, Any]:
    found = outcome(state, run)
    figures, times = {"RecoveryFailed": float(not found.passed)}, dict[str, float]()
    if found.measured:
        figures |= metrics(*found.measured)
        point, time = (round(one.total_seconds(), 3) for one in found.measured)
        times = {"point_seconds": point, "time_seconds": time}
    words = {"recovery": found.failure or "verified"}
    print(emitted(settings.group_id, datetime.now(UTC), figures, words))
    message = notification(found, settings, run)
    ask(client("sns").publish, TopicArn=settings.topic_arn, Message=message)
    return {"passed": found.passed, **times}
