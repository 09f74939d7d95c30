"""Refuses an older engine than the group runs, and an engine that changes with anything else.

AWS refuses an older one too, after minutes and with a stack to roll back. An engine's change cannot
be rolled back for the same reason: where another change of the same deployment fails, the stack
ends in UPDATE_ROLLBACK_FAILED with some resources new and some old.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from environments.engines import ENGINES, Engine
from environments.schema import Settings
from tools.assembly import Document, read
from tools.command import Answer
from tools.context import committed
from tools.stacks.states import find, state_of


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


def check_engine_alone(settings: Settings, cloudformation: Any) -> None:
    """Raise Answer if the engine changes and the deployment has other changes too.

    Other changes are what differs from the deployed templates when these settings are synthesised
    with the engine that is deployed. What follows from the engine changes with it.
    """
    data, *_ = settings.stacks
    deployed = _deployed_engine(template(cloudformation, data))
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
        stack = _deployed(cloudformation, name)
        if stack is None:
            yield f"{name}, which is not deployed"
            continue
        if {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])} != tags:
            yield f"the tags of {name}"
        there = template(cloudformation, name)
        for section in ("Resources", "Outputs"):
            before, after = there.get(section, {}), wanted.get(section, {})
            for key in sorted(before.keys() | after.keys()):
                if _shown(before.get(key)) != _shown(after.get(key)):
                    yield f"{key} of {name}"


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


def _deployed(cloudformation: Any, stack: str) -> Document | None:
    """The stack's description; None where there is none, or one that never came to be."""
    described = find(cloudformation, stack)
    return described if described and state_of(described).changeable else None


def template(cloudformation: Any, stack: str) -> Document:
    """What is deployed under this name; empty if nothing is."""
    if _deployed(cloudformation, stack) is None:
        return {}
    body = cloudformation.get_template(StackName=stack)["TemplateBody"]
    there: Document = json.loads(body) if isinstance(body, str) else body
    return there


def _deployed_engine(template: Document) -> Engine | None:
    """The engine of a deployed group; None without one, or where the settings do not know it."""
    for resource in template.get("Resources", {}).values():
        if resource["Type"] == "AWS::ElastiCache::ReplicationGroup":
            properties = resource["Properties"]
            return ENGINES.get(f"{properties['Engine']}-{properties['EngineVersion']}")
    return None


def _shown(resource: Document | None) -> str:
    """As text to compare, without the paths that the command line has CDK write down."""
    kept = {key: value for key, value in (resource or {}).items() if key != "Metadata"}
    return json.dumps(kept, sort_keys=True)


def running(settings: Settings, elasticache: Any) -> Engine | None:
    """What the group's nodes run; None while there is no group, or no node of it."""
    group_id = settings.redis.replication_group_id
    try:
        answer = elasticache.describe_replication_groups(ReplicationGroupId=group_id)
    except elasticache.exceptions.ReplicationGroupNotFoundFault:
        return None
    members = answer["ReplicationGroups"][0].get("MemberClusters", [])
    if not members:
        return None
    node = elasticache.describe_cache_clusters(CacheClusterId=members[0])["CacheClusters"][0]
    version = ".".join(node["EngineVersion"].split(".")[:2])
    # One that the settings do not know yet is compared all the same.
    known = ENGINES.get(f"{node['Engine']}-{version}")
    return known or Engine(node["Engine"], version, family="")
