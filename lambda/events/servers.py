"""A run of State Manager's association that failed on an application server.

Source: Systems Manager user guide, "EventBridge event examples": EC2 State Manager Instance
Association State Change.
"""

from typing import Any

from shared.notification import custom

_KIND = "EC2 State Manager Instance Association State Change"


def is_of_a_server(event: Any) -> bool:
    """Whether EventBridge, and not SNS, handed it over."""
    return isinstance(event, dict) and event.get("detail-type") == _KIND


def server_notification(event: dict[str, Any], group_id: str, runbook: str) -> str:
    """The custom notification; ``runbook`` is the address of the section on servers.

    Raises KeyError for an event that names no server.
    """
    detail = event["detail"]
    return custom(
        f"Redis {group_id}: an application server is not as it must be",
        f"{detail['instance-id']} has not the kernel and systemd values that its "
        f"connections need (run of {detail['document-name']}: {detail['status']}). It works, and "
        "drops connections when many come at once.",
        [f"Runbook: {runbook}"],
    )
