"""Scales an environment at once, by a change set of its data stack alone: ``make scale``.

usage: python -m tools.scale ENVIRONMENT NODE_TYPE REPLICAS CONFIRM CDK-COMMAND…

It writes the change of the settings with all that depends on it, shows price, interruption and
change set, and executes when CONFIRM, or what is typed, is the environment's name. Otherwise the
file is put back. The patch that is left is merged afterwards (docs/operate/scaling.md).
"""

import difflib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from environments.access import user_id
from environments.advice import HOURS_A_MONTH
from environments.load import load
from environments.node_types import PRICE_REGION, node_type
from environments.schema import Settings
from shared.secret import Secret
from shared.user import ACTIVE, User
from tools import deploy_guard
from tools.adopt.described import credit_floor
from tools.assembly import read
from tools.change_sets import changes as change_sets
from tools.change_sets.execute import LONGEST, execute
from tools.change_sets.prepare import Found, new_name, prepared, run
from tools.change_sets.record import Record
from tools.command import Answer, command, session
from tools.context import own_assembly
from tools.health import PATIENT, invoke, table
from tools.impact.templates import differences
from tools.settings_file import Changes, checked, differing, document_of, edited, text_of, write
from tools.stacks import find, require_deployable, template

PATCHES = Path("build/scale")
GROUP = "AWS::ElastiCache::ReplicationGroup"
# In CloudFormation's words; nothing else may be in the change set.
SCALED = frozenset({"CacheNodeType", "NumCacheClusters", "ReplicasPerNodeGroup"})

Client = Callable[..., Any]


def _scale(name: str, kind: str, replicas: str, confirm: str, *cdk: str) -> int:
    """0 when it is scaled and well, or shown. Raises Answer."""
    settings = load(name)
    moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    before = text_of(name)
    wanted = differing(document_of(name), changes(settings, kind, replicas))
    if not wanted:
        raise Answer(f"scale: {name} has this node type and these replicas already.")
    after = edited(before, {**wanted, "redis.scaled": moment})
    scaled = checked(name, after)
    refuse_smaller(settings, scaled)
    client = session(settings, LONGEST).client
    require_quiet(settings, client)
    print("\n".join(said(settings, scaled)))
    write(name, after)
    try:
        record, found = _prepared(settings, client, cdk)
    finally:
        write(name, before)  # it is not confirmed, and others deploy from this folder
    executes = False
    try:
        for stack, changed in found.items():
            print("\n".join(change_sets.table(stack, changed)))
        if not _confirmed(name, confirm):
            print(f"Nothing was changed. To execute it, add CONFIRM={name}")
            return 0
        require_quiet(settings, client)
        executes = True
    finally:
        if not executes:
            for one in record.changing:
                client("cloudformation").delete_change_set(ChangeSetName=one.change_set)
    patch = _patch(name, before, after)
    write(name, after)
    try:
        execute(record, client("cloudformation"))
    except Answer as failure:
        now = find(client("cloudformation"), settings.stacks[0]) or {}
        if str(now.get("StackStatus")).endswith("_IN_PROGRESS"):
            raise Answer(f"{failure}\nIt continues. Merge {patch} when it has ended.") from None
        write(name, before)
        raise Answer(f"{failure}\nThe settings were put back.") from None
    print(
        f"{name} is scaled. Merge {patch} now (git apply {patch}): until then make deploy and the "
        "delivery workflow refuse every revision without it. With its delivery alarms and health "
        "check know the new nodes."
    )
    return 0 if _is_well(scaled, client) else 1


def changes(settings: Settings, kind: str, replicas: str) -> Changes:
    """What the settings say afterwards. Raises Answer for what is no such change."""
    if settings.redis.existing:
        raise Answer(
            "scale: the group belongs to somebody else (docs/start/adoption.md), and no stack "
            "changes it. Its owner scales it; make adopt then reads it again."
        )
    if replicas and not replicas.isdecimal():
        raise Answer(f"scale: REPLICAS={replicas} is no number. Write for example REPLICAS=3")
    wanted: dict[str, Any] = {"redis.replicas": int(replicas)} if replicas else {}
    if kind:
        try:
            node_type(kind)
        except ValueError as problem:
            raise Answer(f"scale: NODE_TYPE: {problem}") from None
        wanted |= {
            "redis.node_type": kind,
            "alarms.cpu_credit_balance": credit_floor(settings, kind),
        }
    return wanted


def refuse_smaller(before: Settings, after: Settings) -> None:
    """Raise Answer for less memory or fewer replicas: there is no hurry, and data may not fit."""
    old, new = before.redis, after.redis
    if new.node_type.usable_gib < old.node_type.usable_gib or new.replicas < old.replicas:
        raise Answer(
            f"scale: from {old.node_type.name} with {old.replicas} replicas to "
            f"{new.node_type.name} with {new.replicas} is smaller. Data may not fit, and a "
            "scale-down that fails is recorded as done. Change the settings and deliver them, "
            "after docs/operate/scaling.md."
        )
    if new.node_type.supports_data_tiering != old.node_type.supports_data_tiering:
        raise Answer(
            f"scale: {new.node_type.name} differs from {old.node_type.name} in data tiering, which "
            "only a new group has. Choose another type."
        )


def require_quiet(settings: Settings, client: Client) -> None:
    """Raise Answer during a rotation, a backup or a stack update: one change at a time.

    A token that waits for its retirement is none: no password is sent by this change.
    """
    name, group_id = settings.environment.name, settings.redis.replication_group_id
    require_deployable(client("cloudformation"), settings.stacks, name)
    deploy_guard.check_group(settings, client("elasticache"))
    arn = deploy_guard.secret_arn(settings, client("ssm"))
    if arn is None:
        raise Answer(f"scale: {name} is not deployed. make deploy ENV={name} makes it.")
    versions = Secret(client("secretsmanager"), arn).versions()
    user = User(client("elasticache"), user_id(group_id)).describe()
    if versions.pending or versions.unfinished_since or user.status != ACTIVE:
        raise Answer(
            f"scale: the token of {name} is being rotated, and its user is {user.status}. "
            "ElastiCache takes no second change meanwhile. Try again in 20 minutes; the runbook's "
            "section rotation-unfinished says what holds a rotation up."
        )


def said(before: Settings, after: Settings) -> Iterator[str]:
    """Price and interruption."""
    old, new = before.redis, after.redis
    for label, redis in (("now", old), ("then", new)):
        price = redis.node_type.price(redis.engine.engine)
        month = (price or 0) * redis.topology.node_count * HOURS_A_MONTH
        yield (
            f"{label + ':':<6}{redis.topology.node_count} nodes of {redis.node_type.name}, "
            f"{redis.node_type.usable_gib:.2f} GiB each, ${month:,.2f} per month "
            f"(list price in {PRICE_REGION})"
        )
    if new.node_type != old.node_type:
        yield (
            "Interruption: ElastiCache creates new nodes next to the old ones and moves the "
            "addresses. Connections are cut at the end, and writes are refused for some seconds."
        )
    else:
        yield "Interruption: none. The primary forks once to copy its data to each new replica."


def _prepared(settings: Settings, client: Client, cdk: Sequence[str]) -> tuple[Record, Found]:
    """The change set of the data stack. Raises Answer if anything but the size would change."""
    cloudformation = client("cloudformation")
    with own_assembly(cdk) as assembly:
        data = read(assembly)[settings.stacks[0]]
        refuse_others(template(cloudformation, data.name), data.body)
        by_cdk, name = partial(run, [*cdk, "--app", str(assembly)]), new_name("scale-")
        record, found = prepared(cloudformation, by_cdk, name, settings.environment.name, [data])
    if not record.changing:
        raise Answer("scale: CloudFormation finds no change: the stack has this size already.")
    return record, found


def refuse_others(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raise Answer if templates differ in more than the size of the group.

    What CloudFormation derives from the group, such as a published address, is no difference.
    Policies of deletion and replacement, conditions and outputs count as properties do.
    """
    groups = [name for name, one in after["Resources"].items() if one["Type"] == GROUP]
    size = rf"Resources\.({'|'.join(groups)})\.Properties\.({'|'.join(SCALED)})"
    known = re.compile(rf"{size}|(Resources\.\w+\.)?Metadata(\..+)?")
    paths = {leaf.path for leaf in differences(before, after)}
    if found := sorted(path for path in paths if not known.fullmatch(path)):
        raise Answer(
            f"scale: this checkout would also change {', '.join(found)}. The fast lane changes the "
            "size alone. Check out the revision that is deployed, and run this there."
        )


def _confirmed(name: str, given: str) -> bool:
    if not given and sys.stdin.isatty():
        given = input(f"Type {name} to execute this: ")
    return given == name


def _patch(name: str, before: str, after: str) -> Path:
    PATCHES.mkdir(parents=True, exist_ok=True)
    file, path = PATCHES / f"{name}.patch", f"environments/{name}.toml"
    old, new = (text.splitlines(keepends=True) for text in (before, after))
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}")
    file.write_text("".join(lines))
    return file


def _is_well(settings: Settings, client: Client) -> bool:
    """The health check, which wants the nodes of before until the patch is delivered."""
    lambda_ = client("lambda", config=PATIENT)
    function = f"{settings.prefix}-health"
    document = invoke(lambda_, function, command="health", answers_with="checks")
    redis = settings.redis
    for check in document["checks"]:
        found = str(check["found"])
        check["passed"] |= {
            "group: CacheNodeType": found == redis.node_type.name,
            "group: nodes": found == str(redis.topology.node_count),
            "replication": found.startswith(f"master, {redis.replicas} replicas online"),
        }.get(check["name"], False)
    document["passed"] = all(check["passed"] for check in document["checks"])
    print("\n".join(table(document)))
    return bool(document["passed"])


main = command(
    "scale",
    _scale,
    takes=lambda given: len(given) >= 5 and given[0] and (given[1] or given[2]),
    usage="name an environment, and a node type, a number of replicas or both, for example\n"
    "  make scale ENV=production NODE_TYPE=cache.m7g.large REPLICAS=3",
    interrupted="what CloudFormation has started continues. make stacks and make health with "
    "ENV={0} show it, and git diff shows whether the settings were put back.",
)
