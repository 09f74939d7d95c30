"""Refuses a deployment from a stack's state, of the user in a rotation, or to an older engine.

``make deploy`` asks here first. A deployment that leaves the user and its user group as they are is
safe at any moment: no update of anything else carries a password (docs/operate/rotation.md). One
that changes them may send passwords, the present one or an older one, so it waits until
AWSCURRENT's is the only one and nothing is being changed. One that changes the replication group
waits until that is available: ElastiCache would refuse it, and CloudFormation roll the stack back.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from environments.access import user_group_id, user_id
from environments.schema import Settings
from shared.secret import Secret
from shared.user import ACTIVE, User
from shared.versions import Versions
from tools.assembly import Stack, read
from tools.change_sets.changes import HOLDS_DATA
from tools.command import Answer, for_environment, session
from tools.context import ROOT, synthesised
from tools.engine_guard import check_engine, template
from tools.stacks.states import require_deployable

CHANGE = timedelta(minutes=20)  # what one change takes on AWS, in the field
GROUP = "AWS::ElastiCache::ReplicationGroup"
LOGIN = ("AWS::ElastiCache::User", "AWS::ElastiCache::UserGroup")

Resources = Mapping[str, Any]


class DeploymentMustWait(Answer):
    """Why, and for how long."""


def may_be_deployed(settings: Settings) -> int:
    """0, or an Answer with the reason and the time to wait."""
    name, client = settings.environment.name, session(settings).client
    cloudformation, (data, *_) = client("cloudformation"), settings.stacks
    require_deployable(cloudformation, settings.stacks, name)
    if there := template(cloudformation, data):
        here = stacks_here(name)[data]
        check_scaled(settings, there, here.body)
        check_losses(there["Resources"], here.resources)
        types = changed(there["Resources"], here.resources)
        check_deployment(settings, client, datetime.now(UTC), types)
    check_engine(settings, client)
    return 0


def check_scaled(settings: Settings, before: Resources, after: Resources) -> None:
    """Raise Answer for a revision that does not know of the last ``make scale``."""
    there, here = (one.get("Metadata", {}).get("Scaled", "") for one in (before, after))
    if here < there:
        name = settings.environment.name
        raise Answer(
            f"deploy: {name} was scaled by make scale at {there}, and this revision is from before "
            "it: its group would be scaled back. Merge the patch that make scale left (its line "
            f'in environments/{name}.toml is scaled = "{there}") and deploy that. To go back on '
            "purpose, keep that line and change the others."
        )


def check_losses(before: Resources, after: Resources) -> None:
    """Raise Answer where what holds data leaves the template, and is not kept by its policy."""
    lost = [
        f"{name} ({one['Type']})"
        for name, one in before.items()
        if one["Type"] in HOLDS_DATA
        and after.get(name, {}).get("Type") != one["Type"]
        and not str(one.get("DeletionPolicy")).startswith("Retain")
    ]
    if lost:
        raise Answer(
            f"deploy: {', '.join(lost)} would be deleted: the settings or the code no longer have "
            "it. existing = true is for a group that this deployment never made. Put it back. To "
            "delete it on purpose, delete its stack (docs/start/leaving.md)."
        )


def stacks_here(name: str) -> dict[str, Stack]:
    """The environment's stacks as the checkout has them, by a process whose output is kept."""
    with tempfile.TemporaryDirectory() as folder:
        return read(synthesised(ROOT, name, Path(folder) / "out"))


def changed(before: Resources, after: Resources) -> set[str]:
    """The types of what a deployment would change, add or take away."""

    def compared(resource: Mapping[str, Any]) -> tuple[object, object]:
        return resource.get("Type"), resource.get("Properties")

    return {
        (before.get(name) or after[name])["Type"]
        for name in {*before, *after}
        if compared(before.get(name, {})) != compared(after.get(name, {}))
    }


def check_deployment(
    settings: Settings, client: Callable[[str], Any], now: datetime, types: set[str]
) -> None:
    """Raise DeploymentMustWait where a change of these types must wait. Answer: see ``check``."""
    if types & set(LOGIN):
        check(settings, client, now)
    elif GROUP in types:
        check_group(settings, client("elasticache"))


def check(settings: Settings, client: Callable[[str], Any], now: datetime) -> None:
    """Raise DeploymentMustWait unless the user has one password and nothing is being changed.

    ``client`` makes a boto3 client of a service. Before the first deployment there is no token,
    and nothing to wait for. Raises Answer for a group that is gone while its token is there.
    """
    arn = secret_arn(settings, client("ssm"))
    if arn is None:
        return
    _check_labels(settings, Secret(client("secretsmanager"), arn).versions(), now)
    elasticache, group_id = client("elasticache"), settings.redis.replication_group_id
    check_group(settings, elasticache)
    user = User(elasticache, user_id(group_id)).describe()
    _check_status(user_id(group_id), user.status, ACTIVE)
    answer = elasticache.describe_user_groups(UserGroupId=user_group_id(group_id))
    _check_status(user_group_id(group_id), answer["UserGroups"][0]["Status"], ACTIVE)
    if user.passwords != 1:
        raise DeploymentMustWait(
            f"deploy: the user {user_id(group_id)} has {user.passwords} passwords. The rotation's "
            "schedule leaves AWSCURRENT's alone: its log says what it waits for. Try again in "
            f"{_minutes(CHANGE + timedelta(minutes=settings.rotation.reconcile_minutes))}."
        )


def check_group(settings: Settings, elasticache: Any) -> None:
    """Raise DeploymentMustWait unless the group is available. Raises Answer where it is gone."""
    group_id = settings.redis.replication_group_id
    try:
        answer = elasticache.describe_replication_groups(ReplicationGroupId=group_id)
    except elasticache.exceptions.ReplicationGroupNotFoundFault:
        raise Answer(
            f"deploy: there is no group {group_id}, though its environment is deployed. Was it "
            f"lost, CloudFormation makes no other: make restore ENV={settings.environment.name} "
            "(docs/operate/disaster-recovery.md). Was redis.replication_group_id changed, the "
            "group that is there would be replaced by an empty one: change it back "
            "(docs/reference/migrations.md)."
        ) from None
    (group,) = answer["ReplicationGroups"]
    _check_status(group_id, group["Status"], "available")


def _check_status(what: str, status: str, wanted: str) -> None:
    if status != wanted:
        raise DeploymentMustWait(
            f"deploy: {what} is {status}. ElastiCache takes no second change meanwhile. "
            f"Try again in {_minutes(CHANGE)}."
        )


def _check_labels(settings: Settings, versions: Versions, now: datetime) -> None:
    retire_after = timedelta(hours=settings.rotation.retire_after_hours)
    reconcile = timedelta(minutes=settings.rotation.reconcile_minutes)
    if not versions.retired(now, retire_after):
        due = (versions.current_since(now) or now) + retire_after
        # The schedule starts the retirement, and proves it in a later run.
        wait = max(due - now, timedelta()) + CHANGE + 2 * reconcile
        raise DeploymentMustWait(
            "deploy: the user would be changed, and the token before the present one is not "
            "retired yet. That could lock out clients that still use it. "
            f"Try again in {_minutes(wait)}."
        )
    if not versions.at_rest(now, retire_after):
        raise DeploymentMustWait(
            "deploy: the user would be changed, and the token is being rotated. That could push "
            f"the new or the present one out. Try again in {_minutes(CHANGE + reconcile)}: then "
            f"the old token is still to be retired, {settings.rotation.retire_after_hours} hours "
            "later."
        )


def secret_arn(settings: Settings, ssm: Any) -> str | None:
    """The ARN of the token's secret, as it is published; None before the first deployment."""
    try:
        answer = ssm.get_parameter(Name=f"{settings.parameter_path}/REDIS_PASSWORD_SECRET_ARN")
    except ssm.exceptions.ParameterNotFound:
        return None
    value: str = answer["Parameter"]["Value"]
    return value


def _minutes(time: timedelta) -> str:
    minutes = -(-int(time.total_seconds()) // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes > 90 else f"{minutes} min"


main = for_environment(
    "deploy",
    may_be_deployed,
    interrupted="nothing was deployed.",
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
