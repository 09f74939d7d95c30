"""Refuses a deployment from a stack's state, during a rotation, or to an older engine.

``make deploy`` asks here first.

When CloudFormation changes any property of the replication group it may send the token again, and
that can push the older of two accepted tokens out: a client that still uses it would be locked out
(docs/rotation.md). So a deployment waits until one token is left.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from environments.load import load
from environments.schema import Settings
from shared.errors import StoppedError
from shared.secret import Secret
from shared.versions import Versions
from tools.command import Answer, ended, session
from tools.engine_guard import check_engine
from tools.stacks.states import require_deployable

UNANSWERED = "deploy: AWS could not be asked about the group"
TOKEN_CHANGE = timedelta(minutes=20)  # what one change of the token takes on AWS, in the field


class DeploymentMustWait(Answer):
    """Why, and for how long."""


def main(name: str) -> int:
    """0 if the environment may be deployed now; 1 with the reason and the time to wait."""
    return ended(
        lambda: _may_be_deployed(name),
        failed=UNANSWERED,
        interrupted="deploy: nothing was deployed.",
    )


def _may_be_deployed(name: str) -> int:
    settings = load(name)
    client = session(settings).client
    require_deployable(client("cloudformation"), settings.stacks, name)
    try:
        check(settings, client, datetime.now(UTC))
    except StoppedError as failure:
        raise Answer(f"{UNANSWERED}: {failure}") from None
    check_engine(settings, client)
    return 0


def check(settings: Settings, client: Callable[[str], Any], now: datetime) -> None:
    """Raise DeploymentMustWait unless the group accepts one token and changes nothing.

    ``client`` makes a boto3 client of a service. Before the first deployment there is no token,
    and nothing to wait for. Raises Answer for a group that is gone while its token is there.
    """
    arn = _secret(settings, client("ssm"))
    if arn is None:
        return
    _check_labels(settings, Secret(client("secretsmanager"), arn).versions(), now)
    group_id = settings.redis.replication_group_id
    elasticache = client("elasticache")
    try:
        answer = elasticache.describe_replication_groups(ReplicationGroupId=group_id)
    except elasticache.exceptions.ReplicationGroupNotFoundFault:
        raise Answer(
            f"deploy: there is no group {group_id}, though its environment is deployed. Was it "
            f"lost, CloudFormation makes no other: make restore ENV={settings.environment.name} "
            "(docs/disaster-recovery.md). Was redis.replication_group_id changed, the group that "
            "is there would be replaced by an empty one: change it back (docs/migrations.md)."
        ) from None
    (group,) = answer["ReplicationGroups"]
    changing = group.get("PendingModifiedValues", {}).get("AuthTokenStatus")
    if group["Status"] != "available" or changing:
        raise DeploymentMustWait(
            f"deploy: {group_id} is {changing or group['Status']}. ElastiCache takes no second "
            f"change meanwhile. Try again in {_minutes(TOKEN_CHANGE)}."
        )


def _check_labels(settings: Settings, versions: Versions, now: datetime) -> None:
    reconcile = timedelta(minutes=settings.rotation.reconcile_minutes)
    if versions.unretired:
        due = (versions.current_since or now) + timedelta(
            hours=settings.rotation.retire_after_hours
        )
        # The schedule starts the retirement, and proves it in a later run.
        wait = max(due - now, timedelta()) + TOKEN_CHANGE + 2 * reconcile
        raise DeploymentMustWait(
            "deploy: the token was rotated and the one before it is not retired yet. A deployment "
            f"could lock out clients that still use it. Try again in {_minutes(wait)}."
        )
    if not versions.at_rest:
        raise DeploymentMustWait(
            "deploy: the token is being rotated. A deployment could push the new or the present "
            f"one out. Try again in {_minutes(TOKEN_CHANGE + reconcile)}: then the old token is "
            f"still to be retired, {settings.rotation.retire_after_hours} hours later."
        )


def _secret(settings: Settings, ssm: Any) -> str | None:
    try:
        answer = ssm.get_parameter(Name=f"{settings.parameter_path}/REDIS_PASSWORD_SECRET_ARN")
    except ssm.exceptions.ParameterNotFound:
        return None
    value: str = answer["Parameter"]["Value"]
    return value


def _minutes(time: timedelta) -> str:
    minutes = -(-int(time.total_seconds()) // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes > 90 else f"{minutes} min"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
