"""A rotation that works here: allowed as it is, and refused with any one thing taken away."""

import pytest

from emulator.iam.actions import Call
from emulator.iam.verdict import Connection
from tests.emulator.iam.example import (
    CALLS,
    DATA,
    FUNCTION,
    OPERATIONS,
    PRIMARY,
    ROLE,
    SECRET,
    allow,
    call,
    findings,
    properties,
    statements,
    templates,
)


def test_what_the_templates_allow_gives_no_finding() -> None:
    assert findings(templates()) == []


def test_one_permission_removed_is_found() -> None:
    changed = templates()
    statements(changed)[0]["Action"].remove("secretsmanager:PutSecretValue")
    assert findings(changed) == [
        f"Function in stack operations needs secretsmanager:PutSecretValue on {SECRET}: no "
        "statement of its role allows it; add one to Role in stack operations"
    ]


def test_one_ingress_rule_removed_is_found() -> None:
    changed = templates()
    del changed[DATA]["Resources"]["FunctionToRedis"]
    assert findings(changed) == [
        "Function in stack operations cannot reach vibewell-redis on port 6379: security group "
        "RedisGroup in stack data of vibewell-redis has no ingress rule for port 6379 from "
        "security group FunctionGroup in stack data; add an AWS::EC2::SecurityGroupIngress for it"
    ]


def test_one_endpoint_removed_is_found() -> None:
    changed = templates()
    del changed[DATA]["Resources"]["Elasticache"]
    assert findings(changed) == [
        "Function in stack operations cannot reach elasticache: its subnets have no way out and "
        "Vpc has no endpoint for com.amazonaws.us-east-1.elasticache; add an interface endpoint "
        "whose security group lets the function in on port 443 to the stack of that VPC, and its "
        "name to the function's environment"
    ]


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey"])
def test_the_use_of_the_secrets_key_is_a_permission_too(action: str) -> None:
    changed = templates()
    statements(changed)[1]["Action"].remove(action)
    result = findings(changed)
    assert result
    assert all(f"needs {action} on arn:aws:kms:" in finding for finding in result)


def test_a_key_policy_without_the_account_leaves_nothing_to_the_role() -> None:
    changed = templates()
    policy = properties(changed, DATA, "Key")["KeyPolicy"]
    policy["Statement"] = [allow("kms:*", Principal={"Service": "logs.amazonaws.com"})]
    result = findings(changed)
    assert len(result) == 3
    assert all("allows neither the role nor the account" in finding for finding in result)
    policy["Statement"] = [allow("kms:*", Principal={"AWS": ROLE})]
    assert findings(changed) == []


def test_a_secrets_own_policy_allows_or_denies() -> None:
    changed = templates()
    changed[DATA]["Resources"]["SecretPolicy"] = {
        "Type": "AWS::SecretsManager::ResourcePolicy",
        "Properties": {
            "SecretId": {"Ref": "Secret"},
            "ResourcePolicy": {
                "Statement": allow("secretsmanager:GetSecretValue", Principal={"AWS": ROLE})
            },
        },
    }
    statements(changed)[0]["Action"] = "secretsmanager:PutSecretValue"
    assert findings(changed) == []
    policy = properties(changed, DATA, "SecretPolicy")["ResourcePolicy"]
    policy["Statement"] = {**policy["Statement"], "Effect": "Deny", "Principal": "*"}
    statements(changed)[0]["Action"] = "secretsmanager:*"
    (finding,) = findings(changed)
    assert "SecretPolicy in stack data denies it" in finding


def test_a_function_must_be_able_to_be_in_its_vpc_and_to_log() -> None:
    changed = templates()
    del properties(changed, OPERATIONS, "Role")["ManagedPolicyArns"]
    result = findings(changed, (), ())
    for action in ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces"):
        assert any(f"Lambda needs {action}" in finding for finding in result)
    assert any("logs:PutLogEvents" in finding for finding in result)


def test_a_function_outside_the_vpc_reaches_aws_but_no_node() -> None:
    changed = templates()
    del properties(changed, OPERATIONS, "Function")["VpcConfig"]
    (finding,) = findings(changed)
    assert "cannot reach vibewell-redis on port 6379: it is in no VPC" in finding


@pytest.mark.parametrize(
    ("calls", "connections", "reason"),
    [
        ((call("secretsmanager:DeleteSecret"),), (), "unknown action secretsmanager:DeleteSecret"),
        ((call("secretsmanager:GetSecretValue", SecretId="x"),), (), "no template has the secret"),
        ((), (Connection(FUNCTION, "127.0.0.9", 80),), "no Redis node of the rehearsal ever had"),
        ((), (Connection(f"{FUNCTION}2", PRIMARY, 6379),), "no template has this function"),
    ],
)
def test_what_is_not_known_is_a_finding(
    calls: tuple[Call, ...], connections: tuple[Connection, ...], reason: str
) -> None:
    (finding,) = findings(templates(), calls, connections)
    assert "it cannot be judged" in finding
    assert reason in finding


def test_a_denial_under_an_unknown_condition_is_not_passed_over() -> None:
    changed = templates()
    unknown = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
    statements(changed).append(
        {**allow("secretsmanager:Get*"), "Effect": "Deny", "Condition": unknown}
    )
    (finding,) = findings(changed)
    assert "condition key aws:SourceVpce: add it to" in finding


@pytest.mark.parametrize(
    ("attached", "reason"),
    [
        ({"PermissionsBoundary": "arn:aws:iam::aws:policy/x"}, "has a permissions boundary"),
        ({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}, "add what it says to"),
    ],
)
def test_a_role_with_more_than_is_known_cannot_be_judged(
    attached: dict[str, object], reason: str
) -> None:
    changed = templates()
    properties(changed, OPERATIONS, "Role").update(attached)
    result = findings(changed)
    assert len(result) >= len(CALLS)
    assert all(reason in finding for finding in result)


def test_an_endpoints_policy_is_asked_too() -> None:
    changed = templates()
    endpoint = properties(changed, DATA, "Secretsmanager")
    read = allow("secretsmanager:GetSecretValue", Principal="*")
    endpoint["PolicyDocument"] = {"Statement": [read]}
    (finding,) = findings(changed)
    assert "cannot reach secretsmanager: no statement of the policy of endpoint" in finding
    read["Action"] = "secretsmanager:*"
    assert findings(changed) == []


@pytest.mark.parametrize(
    "change", [{"Runtime": "nodejs24.x"}, {"Environment": {"Variables": {"PYTHONPATH": "lib"}}}]
)
def test_a_function_whose_connections_cannot_be_recorded_is_found(
    change: dict[str, object],
) -> None:
    changed = templates()
    properties(changed, OPERATIONS, "Function").update(change)
    (finding,) = findings(changed)
    assert "where it connects to cannot be recorded" in finding
