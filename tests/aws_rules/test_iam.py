"""IAM's rules, each on both sides; what is not modelled is said so and never allows."""

from collections.abc import Mapping
from typing import Any

import pytest

from aws_rules.iam import (
    Caller,
    CannotBeJudged,
    Match,
    Policy,
    Request,
    arn_like,
    consult,
    hold,
    like,
    match,
)

ACCOUNT = "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Rotation"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:token-AbCdEf"
READ = Request("secretsmanager:GetSecretValue", SECRET, {"aws:SecureTransport": "true"})


def says(**statement: Any) -> str:
    """What one statement of an identity says to READ."""
    whole = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*", **statement}
    whole = {key: value for key, value in whole.items() if value is not None}
    policy = Policy("policy P", {"Statement": [whole]})
    said = consult([policy], READ, Caller(ACCOUNT, role=ROLE), of_identity=True)
    (found,) = [key for key, places in vars(said).items() if places] or ["nothing"]
    return found


@pytest.mark.parametrize(
    ("glob", "value", "matches"),
    [
        ("a*c", "abbc", True),
        ("a?c", "abc", True),
        ("a?c", "abbc", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
    ],
)
def test_only_star_and_question_mark_are_wildcards(glob: str, value: str, matches: bool) -> None:
    assert like(value, glob) is matches


@pytest.mark.parametrize(
    ("glob", "matches"),
    [
        (SECRET, True),
        ("*", True),
        (f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:token-??????", True),
        ("arn:*:*:*:*:*", True),
        ("arn:aws:secretsmanager:*:secret:token-AbCdEf", False),
        ("arn:aws:secretsmanager*", False),
    ],
)
def test_a_wildcard_stays_within_its_part_of_an_arn(glob: str, matches: bool) -> None:
    assert arn_like(SECRET, glob) is matches


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({}, "allows"),
        ({"Action": "secretsmanager:getsecretvalue"}, "allows"),
        ({"Action": ["ssm:*", "*:Get*"]}, "allows"),
        ({"Action": "secretsmanager:Put*"}, "nothing"),
        ({"Action": None, "NotAction": "ssm:*"}, "allows"),
        ({"Action": None, "NotAction": "secretsmanager:Get*"}, "nothing"),
        ({"Resource": SECRET}, "allows"),
        ({"Resource": SECRET.replace("token", "Token")}, "nothing"),
        ({"Resource": None, "NotResource": "arn:aws:sns:*:*:*"}, "allows"),
        ({"Resource": None, "NotResource": SECRET}, "nothing"),
        ({"Effect": "Deny"}, "denies"),
        ({"Effect": "Deny", "Action": "ssm:*"}, "nothing"),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, "allows"),
        ({"Condition": {"Bool": {"aws:SecureTransport": False}}}, "nothing"),
        ({"Condition": {"Null": {"aws:SecureTransport": "true"}}}, "nothing"),
        ({"Condition": {"Null": {"aws:SecureTransport": False}}}, "allows"),
        ({"Effect": "Deny", "Condition": {"Null": {"aws:x": "true"}}}, "unclear_denies"),
        ({"Action": "ssm:*", "Condition": {"Null": {"aws:x": "true"}}}, "nothing"),
        ({"Resource": "arn:aws:s3:::${aws:username}/*"}, "unclear_allows"),
    ],
)
def test_a_statement(statement: dict[str, Any], expected: str) -> None:
    assert says(**statement) == expected


def test_an_action_without_a_resource_needs_a_statement_on_everything() -> None:
    request = Request("secretsmanager:GetRandomPassword", "*")
    for resource, allowed in (("*", True), ("arn:aws:secretsmanager:*:*:*", False)):
        statement = {"Effect": "Allow", "Action": "*", "Resource": resource}
        policy = Policy("policy P", {"Statement": statement})
        said = consult([policy], request, Caller(ACCOUNT, role=ROLE), of_identity=True)
        assert bool(said.allows) is allowed


CONTEXT = {
    "aws:SourceAccount": ACCOUNT,
    "aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:memory",
    "kms:EncryptionContext:SecretARN": SECRET,
    "aws:TagKeys": ["a", "b"],
    "aws:SourceIp": "10.1.2.3",
    "aws:MultiFactorAuthAge": "300",
    "aws:CurrentTime": "2026-11-30T12:00:00Z",
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({}, True),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringEquals": {"AWS:sourceaccount": ["1", ACCOUNT]}}, True),
        ({"StringEquals": {"aws:SourceAccount": "4444*"}}, False),
        ({"StringLike": {"aws:SourceAccount": "4444*"}}, True),
        ({"StringLike": {"aws:SourceAccount": "5*"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:*:*:alarm:*"}}, True),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:cloudwatch:*:*:alarm:cpu"}}, False),
        ({"StringEquals": {"kms:EncryptionContext:SecretARN": SECRET}}, True),
        ({"StringEquals": {"kms:ViaService": "sns.us-east-1.amazonaws.com"}}, False),
        ({"StringEquals": {"aws:SourceAccount": "1", "aws:unheard": "x"}}, False),
        ({"StringNotEquals": {"aws:SourceAccount": ["1", ACCOUNT]}}, False),
        ({"StringNotEquals": {"aws:SourceAccount": ["1", "2"]}}, True),
        ({"StringNotLike": {"kms:ViaService": "sns.*"}}, True),  # true of a key that is absent
        ({"StringEqualsIfExists": {"kms:ViaService": "x"}}, True),
        ({"StringEqualsIfExists": {"aws:SourceAccount": "1"}}, False),
        ({"StringEqualsIgnoreCase": {"kms:EncryptionContext:SecretARN": SECRET.upper()}}, True),
        ({"Null": {"kms:ViaService": "true"}}, True),
        ({"Null": {"aws:SourceAccount": ["true"]}}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, False),
        ({"ForAllValues:StringEquals": {"kms:ViaService": "x"}}, True),  # of no value: true
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}, True),
        ({"ForAnyValue:StringEquals": {"kms:ViaService": "x"}}, False),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
        ({"NotIpAddress": {"aws:SourceIp": ["10.1.0.0/16", "192.168.0.0/16"]}}, False),
        ({"NumericLessThanEquals": {"aws:MultiFactorAuthAge": 300}}, True),
        ({"NumericGreaterThan": {"aws:MultiFactorAuthAge": "300"}}, False),
        ({"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}, True),
        ({"DateGreaterThanEquals": {"aws:CurrentTime": "2027-01-01"}}, False),
    ],
)
def test_a_condition(condition: Mapping[str, Mapping[str, Any]], holds: bool) -> None:
    assert hold(condition, CONTEXT) is holds


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, "condition key aws:SourceVpce"),
        ({"StringResembles": {"aws:SourceAccount": ACCOUNT}}, "operator StringResembles"),
        ({"ForMostValues:StringEquals": {"aws:TagKeys": "a"}}, "operator ForMostValues"),
        ({"NumericEquals": {"aws:SourceAccount": "four"}}, "operator NumericEquals with four"),
        ({"StringEquals": {"aws:SourceAccount": "${aws:x}"}}, "policy variable"),
        ({"StringEquals": {"kms:EncryptionContext:SecretVersionId": "1"}}, "SecretVersionId"),
    ],
)
def test_an_unknown_condition_cannot_be_judged(
    condition: Mapping[str, Mapping[str, Any]], what: str
) -> None:
    with pytest.raises(CannotBeJudged, match=r"add it to aws_rules/iam\.py") as found:
        hold(condition, CONTEXT)
    assert what in str(found.value)


BY_ROLE = Caller(ACCOUNT, role=ROLE)
BY_SERVICE = Caller(ACCOUNT, service="cloudwatch.amazonaws.com")
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
ANOTHER = {"AWS": f"{ROLE}2"}
THEIRS = {"AWS": "arn:aws:iam::111122223333:root"}


@pytest.mark.parametrize(
    ("caller", "statement", "expected"),
    [
        (BY_ROLE, {"Principal": "*"}, Match.DIRECT),
        (BY_ROLE, {"Principal": {"AWS": "*"}}, Match.DIRECT),
        (BY_ROLE, {"Principal": {"AWS": ROLE}}, Match.DIRECT),
        (BY_ROLE, {"Principal": {"AWS": [f"{ROLE}2", ROLE]}}, Match.DIRECT),
        (BY_ROLE, {"Principal": ROOT}, Match.ACCOUNT),
        (BY_ROLE, {"Principal": {"AWS": ACCOUNT}}, Match.ACCOUNT),
        (BY_ROLE, {"Principal": THEIRS}, Match.NONE),
        (BY_ROLE, {"Principal": ANOTHER}, Match.NONE),
        (BY_ROLE, {"Principal": {"Service": "lambda.amazonaws.com"}}, Match.NONE),
        (BY_SERVICE, {"Principal": {"Service": "cloudwatch.amazonaws.com"}}, Match.DIRECT),
        (BY_SERVICE, {"Principal": {"Service": "events.amazonaws.com"}}, Match.NONE),
        (BY_SERVICE, {"Principal": ROOT}, Match.NONE),
        (BY_SERVICE, {"Principal": "*"}, Match.NONE),
        (BY_SERVICE, {"Effect": "Deny", "Principal": "*"}, Match.DIRECT),
        # NotPrincipal is everybody else.
        (BY_ROLE, {"NotPrincipal": {"AWS": ROLE}}, Match.NONE),
        (BY_ROLE, {"NotPrincipal": ANOTHER}, Match.DIRECT),
        (BY_ROLE, {"Effect": "Deny", "NotPrincipal": THEIRS}, Match.DIRECT),
        (BY_ROLE, {"Effect": "Deny", "NotPrincipal": {"Service": "sns"}}, Match.DIRECT),
    ],
)
def test_whom_a_policy_names(caller: Caller, statement: dict[str, Any], expected: Match) -> None:
    assert match({"Effect": "Allow", **statement}, caller) is expected


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}},
        {"Effect": "Deny", "NotPrincipal": {"AWS": ACCOUNT}},
        {"Effect": "Deny"},
        {"Effect": "Deny", "Principal": {"AWS": "arn:aws:sts::444455556666:assumed-role/R/s"}},
        {"Effect": "Allow", "Principal": {"Federated": "cognito-identity.amazonaws.com"}},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::*:role/Rotation"}},
    ],
)
def test_another_form_of_principal_cannot_be_judged(statement: dict[str, Any]) -> None:
    with pytest.raises(CannotBeJudged):
        match(statement, BY_ROLE)
