"""What AWS would refuse the functions, whatever their code did: held against the templates."""

from urllib.parse import urlsplit

import pytest

from emulator.iam import network
from emulator.iam.recorded import Call
from emulator.iam.verdict import Judge
from rehearsal.common.rehearsal import Rehearsal, resources
from rehearsal.common.steps import as_deployed

pytestmark = pytest.mark.plan("4.2")

OPERATOR = "vibewell-redis-production-recovery"


@pytest.fixture(scope="module")
def judge(deployed: Rehearsal) -> Judge:
    deployment, context = as_deployed(deployed)
    return Judge(deployment, network.read(deployment, context), {})


def findings(deployed: Rehearsal, judge: Judge, function: str, action: str, **given: str) -> str:
    found = deployed.aws("lambda").get_function_configuration(FunctionName=function)
    parameters = {name: (value,) for name, value in given.items()}
    variables = found["Environment"]["Variables"]
    address = variables.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") if "secrets" in action else None
    host = urlsplit(address or "").hostname or ""
    call = Call(found["FunctionArn"], found["Role"], action, parameters, host)
    return "\n".join(judge.findings([call], []))


@pytest.mark.parametrize("action", ["DeleteReplicationGroup", "ModifyReplicationGroup"])
@pytest.mark.parametrize("function", [OPERATOR, f"{OPERATOR}-verifier", f"{OPERATOR}-keeper"])
def test_no_function_of_the_test_may_change_the_real_group(
    deployed: Rehearsal, judge: Judge, function: str, action: str
) -> None:
    said = findings(
        deployed, judge, function, f"elasticache:{action}", ReplicationGroupId="vibewell-redis"
    )
    assert f"needs elasticache:{action} on" in said
    assert said.count("replicationgroup:vibewell-redis") == 1


def test_the_operator_may_delete_what_it_made(deployed: Rehearsal, judge: Judge) -> None:
    name = "vibewell-redis-recovery-0a1b"
    action = "elasticache:DeleteReplicationGroup"
    assert not findings(deployed, judge, OPERATOR, action, ReplicationGroupId=name)
    # A final snapshot would be one more thing that is left.
    final = {"ReplicationGroupId": name, "FinalSnapshotIdentifier": "last"}
    assert "snapshot:last" in findings(deployed, judge, OPERATOR, action, **final)


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        ("vibewell-redis-002", True),
        ("vibewell-redis", False),  # in cluster mode alone
        ("vibewell-redis-staging-001", False),
        ("vibewell-redis-dev", False),
        ("vibewell-redis-2026-001", False),
    ],
)
def test_the_operator_may_restore_this_groups_automatic_snapshots_and_no_neighbours(
    deployed: Rehearsal, judge: Judge, source: str, allowed: bool
) -> None:
    made = {
        "ReplicationGroupId": "vibewell-redis-recovery-0a1b",
        "SnapshotName": f"automatic.{source}-2026-12-07-02-13",
    }
    said = findings(deployed, judge, OPERATOR, "elasticache:CreateReplicationGroup", **made)
    assert ("snapshot:automatic" in said) is not allowed


@pytest.mark.parametrize("function", [OPERATOR, f"{OPERATOR}-verifier"])
def test_the_token_of_the_real_group_is_not_readable_for_the_test(
    deployed: Rehearsal, judge: Judge, function: str
) -> None:
    secrets = {
        found.stack.rpartition("-")[2]: found.physical_id
        for found in resources(deployed, "AWS::SecretsManager::Secret")
    }
    action = "secretsmanager:GetSecretValue"
    assert not findings(deployed, judge, function, action, SecretId=secrets["operations"])
    assert "needs secretsmanager:GetSecretValue on" in findings(
        deployed, judge, function, action, SecretId=secrets["data"]
    )
