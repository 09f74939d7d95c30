"""The engine that an environment's file names, and the one that the nodes really run."""

from botocore.exceptions import ClientError

from rehearsal.common.checks import replication_group
from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.checks.replication_group import PARAMETERS, described
from rehearsal.common.deployed import only
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps.deploy import deploy
from rehearsal.rotation.guard import ask as ask_guard
from rehearsal.upgrade.data_check import logged_in
from rehearsal.upgrade.identity import require_nothing_replaced


def named(rehearsal: Rehearsal) -> str:
    """The engine in the environment's file, as `redis-6.2`."""
    return str(rehearsal.checkout.settings["redis"]["engine"])


def running(rehearsal: Rehearsal) -> str:
    """The engine that every server says of itself, in the file's words.

    RehearsalError if they differ.
    """
    found: dict[str, str] = {}
    for node in described(rehearsal)["NodeGroups"][0]["NodeGroupMembers"]:
        endpoint = node["ReadEndpoint"]
        with logged_in(rehearsal, (endpoint["Address"], int(endpoint["Port"]))) as redis:
            said = redis.info("server")
        engine = "valkey" if "valkey_version" in said else "redis"
        version = ".".join(said[f"{engine}_version"].split(".")[:2])
        found[node["CacheClusterId"]] = f"{engine}-{version}"
    if len(set(found.values())) != 1:
        raise RehearsalError(f"the nodes run different servers: {found}")
    return found.popitem()[1]


def change_to(rehearsal: Rehearsal, engine: str) -> str:
    """Change the file's one line to this engine and deploy it with the CDK command line."""
    old = only(rehearsal, PARAMETERS).physical_id
    before = running(rehearsal)
    rehearsal.checkout.set("engine", f'"{engine}"')
    rehearsal.cdk.synth(rehearsal.checkout.name)
    said = require_nothing_replaced(rehearsal)
    deploy(rehearsal)
    expect("the servers", running(rehearsal), engine)
    replication_group.check(rehearsal)
    new = only(rehearsal, PARAMETERS).physical_id
    expect_that(new != old, f"the group still has the parameters of {before}: {old}")
    expect_that(
        not _there(rehearsal, old), f"the parameter group of {before} was left behind: {old}"
    )
    return f"{before} -> {engine} on every node; {said}; its own parameter group, the old is gone"


def refused(rehearsal: Rehearsal, engine: str) -> str:
    """The way back: `make deploy` says no before AWS is asked, and AWS says no to what insists."""
    now = named(rehearsal)
    rehearsal.checkout.set("engine", f'"{engine}"')
    try:
        status, said = ask_guard(rehearsal)
        expect_that(
            status == 1 and "older" in said and "docs/operate/upgrades.md" in said,
            f"make deploy does not refuse {now} -> {engine}: {said}",
        )
        rehearsal.cdk.synth(rehearsal.checkout.name)
        try:
            deploy(rehearsal)
        except RehearsalError as refusal:
            expect_that("cannot be downgraded" in str(refusal), f"another refusal: {refusal}")
        else:
            raise RehearsalError(f"{now} -> {engine} was deployed: AWS would not have done it")
    finally:
        rehearsal.checkout.set("engine", f'"{now}"')
        rehearsal.cdk.synth(rehearsal.checkout.name)
    expect("the servers after the refusal", running(rehearsal), now)
    expect("the group", described(rehearsal)["Status"], "available")
    return said


def _there(rehearsal: Rehearsal, parameter_group: str) -> bool:
    try:
        rehearsal.aws("elasticache").describe_cache_parameter_groups(
            CacheParameterGroupName=parameter_group
        )
    except ClientError as error:
        if error.response["Error"]["Code"].startswith("CacheParameterGroupNotFound"):
            return False
        raise
    return True
