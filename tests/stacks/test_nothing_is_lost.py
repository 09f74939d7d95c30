"""No update destroys data: what CloudFormation would replace or delete is pinned.

A pinned value changes only with a note in docs/reference/migrations.md that says how the data
survives. Which properties replace a resource is read from CloudFormation's own schemas.
"""

import json
import re

import pytest

from environments.load import environment_names
from tests.support import ROOT, Document, Stacks, schema_of
from tools.assembly import Stack

STATEFUL = {
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::VPC",
    "AWS::EC2::Subnet",
    "AWS::ElastiCache::ParameterGroup",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElastiCache::SubnetGroup",
    "AWS::ElastiCache::User",
    "AWS::ElastiCache::UserGroup",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
}

# A change of it makes CloudFormation write a new random token that Redis does not have. The
# schema calls that an update in place.
REPLACES_THE_VALUE = {"AWS::SecretsManager::Secret": ["GenerateSecretString", "KmsKeyId"]}

# An update that these types pass through without being replaced: their absence would replace.
UPDATE_POLICY = {"AWS::ElastiCache::ReplicationGroup": {"UseOnlineResharding": True}}


def replacing_properties(kind: str) -> list[str]:
    """The properties whose change makes CloudFormation replace a resource of this type."""
    schema = schema_of(kind)
    paths = [
        *schema.get("createOnlyProperties", []),
        *schema.get("conditionalCreateOnlyProperties", []),
    ]
    top = {path.removeprefix("/properties/").split("/")[0] for path in paths}
    return sorted(top | set(REPLACES_THE_VALUE.get(kind, [])))


def identity(templates: Stacks, environment: str) -> Document:
    """Each stateful resource with what it cannot change without being replaced."""
    return {
        stack.name: {
            logical_id: {
                "Type": resource["Type"],
                "Replacing": {
                    name: resource["Properties"][name]
                    for name in replacing_properties(resource["Type"])
                    if name in resource["Properties"]
                },
            }
            for logical_id, resource in stack.resources.items()
            if resource["Type"] in STATEFUL
        }
        for stack in templates.values()
        if stack.name.startswith(f"vibewell-redis-{environment}-")
    }


PINNED = ROOT / "tests" / "pinned"


@pytest.mark.parametrize("environment", environment_names())
def test_no_stateful_resource_changes_its_identity(templates: Stacks, environment: str) -> None:
    pinned = json.loads((PINNED / f"{environment}.json").read_text())
    assert identity(templates, environment) == pinned, (
        "CloudFormation would replace or delete what differs. If that is meant, write the note in "
        "docs/reference/migrations.md first, then the new value into tests/pinned."
    )


def test_the_schemas_still_say_what_replaces_a_replication_group() -> None:
    # If a newer schema moves one of these, the pins above are read again, not silently weakened.
    assert {"KmsKeyId", "ReplicationGroupId", "CacheSubnetGroupName", "Port", "AuthToken"} <= set(
        replacing_properties("AWS::ElastiCache::ReplicationGroup")
    )


def test_a_change_of_shards_never_replaces_the_group(templates: Stacks) -> None:
    # Without it CloudFormation replaces the whole group when NumNodeGroups changes.
    for stack in templates.values():
        for resource in stack.resources.values():
            if policy := UPDATE_POLICY.get(resource["Type"]):
                assert resource["UpdatePolicy"] == policy


def protected(stack: Stack) -> bool:
    return bool(stack.artifact["properties"].get("terminationProtection", False))


@pytest.mark.parametrize("part", ["data", "monitoring", "operations"])
def test_production_and_staging_cannot_be_deleted_by_a_slip(templates: Stacks, part: str) -> None:
    for environment, kept in (("production", True), ("staging", True), ("development", False)):
        assert protected(templates[f"vibewell-redis-{environment}-{part}"]) is kept


def policies_written_down() -> dict[str, tuple[str, str]]:
    """docs/reference/data-protection.md's table: type -> (on deletion, on replacement)."""
    text = (ROOT / "docs" / "reference" / "data-protection.md").read_text()
    rows = re.findall(r"^\| (`AWS::.+`) \| (\w+) \| (\w+) \| (.+) \|$", text, re.MULTILINE)
    assert all(len(reason) > 10 for *_, reason in rows), "every policy has its reason"
    return {kind: (gone, new) for kinds, gone, new, _ in rows for kind in kinds[1:-1].split("`, `")}


def test_every_resource_has_the_policy_that_is_written_down(templates: Stacks) -> None:
    written = policies_written_down()
    for stack in templates.values():
        for logical_id, resource in stack.resources.items():
            kind = resource["Type"]
            assert kind in written, f"{kind} has no row in docs/reference/data-protection.md"
            actual = (
                resource.get("DeletionPolicy", "Delete"),
                resource.get("UpdateReplacePolicy", "Delete"),
            )
            expected = written[kind]
            if kind.startswith("AWS::ElastiCache::User") and not protected(stack):
                expected = ("Delete", "Delete")
            assert actual == expected, f"{stack.name} {logical_id}"


def test_a_creation_that_is_rolled_back_keeps_nothing(templates: Stacks) -> None:
    # Retain would leave a key or a bucket behind with each attempt, which nothing ever used.
    for stack in templates.values():
        for logical_id, resource in stack.resources.items():
            assert resource.get("DeletionPolicy") != "Retain", f"{stack.name} {logical_id}"


def test_what_is_kept_has_no_name_that_a_second_deployment_would_meet(templates: Stacks) -> None:
    for stack in templates.values():
        for logical_id, resource in stack.resources.items():
            if resource.get("DeletionPolicy", "Delete").startswith("Retain"):
                named = [key for key in resource["Properties"] if key.endswith("Name")]
                # Its id is fixed: docs/operate/disaster-recovery.md says how a leftover is removed.
                if resource["Type"] == "AWS::ElastiCache::User":
                    named.remove("UserName")
                assert not named, f"{stack.name} {logical_id} is kept and would collide"


@pytest.mark.parametrize("environment", environment_names())
@pytest.mark.parametrize(
    ("kind", "begins", "readers"),
    [
        # An upgrade of the engine replaces it.
        pytest.param(
            "ParameterGroup",
            '{{"Ref": "{}"}}',
            ("operations", "monitoring"),
            marks=pytest.mark.plan("7.1"),
        ),
        # The address of a restored group may be another.
        pytest.param(
            "ReplicationGroup",
            '{{"Fn::GetAtt": ["{}", ',
            ("operations",),
            marks=pytest.mark.plan("4.2"),
        ),
    ],
)
def test_no_stack_imports_what_an_upgrade_or_a_restore_changes(
    templates: Stacks, environment: str, kind: str, begins: str, readers: tuple[str, ...]
) -> None:
    """CloudFormation refuses to change an export in use: nothing could be deployed any more."""
    prefix = f"vibewell-redis-{environment}"
    data = templates[f"{prefix}-data"]
    value = begins.format(data.one(f"AWS::ElastiCache::{kind}")[0])
    outputs = {
        name: output
        for name, output in data.body["Outputs"].items()
        if json.dumps(output["Value"]).startswith(value)
    }
    exported = [one["Export"]["Name"] for one in outputs.values() if "Export" in one]
    others = {
        part: json.dumps(templates[f"{prefix}-{part}"].body)
        for part in ("operations", "monitoring")
    }
    assert not [name for name in exported if any(name in body for body in others.values())]
    for part in readers:
        assert any(f'"OutputName": "{name}"' in others[part] for name in outputs)
    # Stacks that an earlier release deployed import it still.
    assert exported
