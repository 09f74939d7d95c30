"""Refuses a deployment from a stack's state, of the user in a rotation, or to an older engine.

``make deploy`` asks here first. A deployment that leaves the user and its user group as they are is
safe at any moment: no update of anything else carries a password (docs/operate/rotation.md). One
that changes them may send passwords, the present one or an older one, so it waits until
AWSCURRENT's is the only one and nothing is being changed. One that changes the replication group
waits until that is available: ElastiCache would refuse it, and CloudFormation roll the stack back.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from environments.access import user_group_id, user_id
from environments.engines import ENGINES, Engine
from environments.schema import Settings
from shared.secret import Secret
from shared.user import ACTIVE, User
from shared.versions import Versions
from tools.assembly import Document, Stack, read
from tools.change_sets.changes import HOLDS_DATA
from tools.command import Answer, for_environment, session
from tools.context import ROOT, committed, synthesised
from tools.impact.templates import differences
from tools.stacks import find, require_deployable, template

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
        if types & set(LOGIN):
            check(settings, client, datetime.now(UTC))
        elif GROUP in types:
            check_group(settings, client("elasticache"))
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
    paths = [leaf.path.split(".") for leaf in differences(before, after)]
    names = {path[0] for path in paths if path[1:2] in ([], ["Type"], ["Properties"])}
    return {(before.get(name) or after[name])["Type"] for name in names}


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
    group = group_of(elasticache, group_id)
    if group is None:
        raise Answer(
            f"deploy: there is no group {group_id}, though its environment is deployed. Was it "
            f"lost, CloudFormation makes no other: make restore ENV={settings.environment.name} "
            "(docs/operate/disaster-recovery.md). Was redis.replication_group_id changed, the "
            "group that is there would be replaced by an empty one: change it back "
            "(docs/reference/migrations.md)."
        )
    _check_status(group_id, group["Status"], "available")


def group_of(elasticache: Any, group_id: str) -> Document | None:
    """A replication group as it is described; None where there is none."""
    try:
        answer = elasticache.describe_replication_groups(ReplicationGroupId=group_id)
    except elasticache.exceptions.ReplicationGroupNotFoundFault:
        return None
    described: Document = answer["ReplicationGroups"][0]
    return described


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


def check_engine(settings: Settings, client: Callable[[str], Any]) -> None:
    """Raise Answer if ElastiCache would not take the group to the settings' engine.

    ``client`` makes a boto3 client of a service. Before the first deployment nothing runs.
    """
    found = running(settings, client("elasticache"))
    wanted = settings.redis.engine
    if found is not None and not found.may_become(wanted):
        name = settings.environment.name
        raise Answer(
            f"deploy: environments/{name}.toml asks for {wanted.name}, which is older than what "
            f"{settings.redis.replication_group_id} runs: {found.name}. ElastiCache does not go "
            f'back in place. Write engine = "{found.name}", or restore a snapshot from before the '
            "upgrade (docs/operate/upgrades.md, The way back)."
        )


def running(settings: Settings, elasticache: Any) -> Engine | None:
    """What the group's nodes run; None while there is no group, or no node of it."""
    group = group_of(elasticache, settings.redis.replication_group_id)
    members = (group or {}).get("MemberClusters", [])
    if not members:
        return None
    node = elasticache.describe_cache_clusters(CacheClusterId=members[0])["CacheClusters"][0]
    version = ".".join(node["EngineVersion"].split(".")[:2])
    # One that the settings do not know yet is compared all the same.
    known = ENGINES.get(f"{node['Engine']}-{version}")
    return known or Engine(node["Engine"], version, family="")


def check_engine_alone(settings: Settings, cloudformation: Any) -> None:
    """Raise Answer if the engine changes and the deployment has other changes too.

    AWS refuses an older engine, so a change of it cannot be rolled back: where another change of
    the same deployment fails, the stack ends in UPDATE_ROLLBACK_FAILED, partly new, partly old.
    Other changes are what differs from the deployed templates when these settings are synthesised
    with the engine that is deployed. What follows from the engine changes with it.
    """
    resources = template(cloudformation, settings.stacks[0]).get("Resources", {})
    groups = [one["Properties"] for one in resources.values() if one["Type"] == GROUP]
    engines = (ENGINES.get(f"{one['Engine']}-{one['EngineVersion']}") for one in groups)
    deployed = next(engines, None)  # None too where the settings do not know it
    if deployed is None or deployed == settings.redis.engine:
        return
    redis = settings.redis.model_copy(update={"engine": deployed})
    others = list(_differences(settings.model_copy(update={"redis": redis}), cloudformation))
    if others:
        name, wanted = settings.environment.name, settings.redis.engine.name
        raise Answer(
            f"environments/{name}.toml: redis.engine: it changes from {deployed.name} to {wanted} "
            f"together with {', '.join(others)}. An engine does not go back in place: if another "
            "change failed, CloudFormation could not roll the deployment back. Write engine = "
            f'"{deployed.name}" and deploy the rest, then change the engine alone '
            f"(docs/operate/upgrades.md). If the group runs {wanted} already, that older line is "
            "refused: check out the revision that is deployed, deploy its engine's line alone "
            f'there with engine = "{wanted}", and come back.'
        )


def _differences(settings: Settings, cloudformation: Any) -> Iterator[str]:
    """What these settings would change: each resource, output or stack by its name."""
    for name, (wanted, tags) in _synthesised(settings).items():
        if not (there := template(cloudformation, name)):
            yield f"{name}, which is not deployed"
            continue
        given = (find(cloudformation, name) or {}).get("Tags", [])
        if {tag["Key"]: tag["Value"] for tag in given} != tags:
            yield f"the tags of {name}"
        before, after = (
            {key: one.get(key, {}) for key in ("Resources", "Outputs")} for one in (there, wanted)
        )
        paths = [leaf.path.split(".") for leaf in differences(before, after)]
        # Without the paths that the command line has CDK write down.
        yield from sorted({f"{path[1]} of {name}" for path in paths if path[2:3] != ["Metadata"]})


def _synthesised(settings: Settings) -> dict[str, tuple[Document, Document]]:
    """Template and tags of each stack, as the CDK command line has the app make them."""
    # Only a deployment that changes the engine pays for the library.
    import aws_cdk as cdk

    from app import build

    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(analytics_reporting=False, context=committed(), outdir=folder)
        build(app, [settings])
        assembly = Path(app.synth().directory)
        if json.loads((assembly / "manifest.json").read_text()).get("missing"):
            raise Answer(
                "cdk.context.json does not know the network of "
                f"{settings.environment.name}: run make synth with credentials for the account."
            )
        stacks = read(assembly)
    return {
        name: (stack.body, stack.artifact["properties"].get("tags", {}))
        for name, stack in stacks.items()
    }


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


main = for_environment("deploy", may_be_deployed, interrupted="nothing was deployed.")
