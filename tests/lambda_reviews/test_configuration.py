"""The weekly review: every check is made, a refused one is a finding, and the worst comes first."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reviews import configuration
from reviews.configuration import Ours
from reviews.configuration.access import check_rules, strangers
from reviews.configuration.drift import LONGEST_SECONDS, Resource, Stacks, patience
from reviews.configuration.leftovers import OLD, check_encrypted, check_unused
from shared.errors import AwsRefusedError
from shared.line import Line
from tests.aws_samples import group_snapshot, member_snapshot
from tests.lambda_reviews.world import a_desk, body, keys, messages
from tests.support import Answering, Refusing

pytestmark = pytest.mark.plan("7.3")

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
OURS = Ours(("p-data",), "p", "111122223333", "arn:aws:kms:key", ("/aws/lambda/p-",))
PROPERTIES: dict[str, dict[str, Any]] = {
    "EC2::SecurityGroup": {
        "GroupName": "sg",
        "SecurityGroupEgress": [
            {"CidrIp": "255.255.255.255/32", "IpProtocol": "tcp", "FromPort": 6379}
        ],
    },
    "ElastiCache::ParameterGroup": {"Properties": {"timeout": "300"}},
    "SNS::Topic": {"KmsMasterKeyId": "key"},
}
KINDS = (
    "EC2::SecurityGroup EC2::SecurityGroupIngress ElastiCache::ParameterGroup IAM::Role KMS::Key"
)
KINDS += " Lambda::Function Logs::LogGroup S3::Bucket SNS::Topic SQS::Queue SecretsManager::Secret"
STACKS = Stacks(
    ("p-data",),
    tuple(
        Resource("p-data", name, f"AWS::{kind}", f"{name}-1", PROPERTIES.get(kind, {}))
        for kind in KINDS.split()
        for name in [kind.rpartition(":")[2]]
    ),
)


def checked(
    code: str = "AccessDenied", ours: Ours = OURS, stacks: Stacks = STACKS, **clients: Any
) -> dict[str, Line]:
    """The lines by name, where AWS refuses what no client here answers."""

    def aws(service: str) -> Any:
        return clients.get(service) or Refusing(code)

    return {line.name: line for line in configuration.check(aws, ours, stacks, "g", NOW)}


def test_a_read_that_aws_refuses_is_a_finding_and_never_silence() -> None:
    lines = checked()
    assert not [line for line in lines.values() if line.passed]
    assert all("AccessDenied" in line.found for line in lines.values())
    assert not [line for line in lines.values() if "hush" in line.found]
    names = lines.keys()
    assert {"drift of p-data", "parameters", "security groups", "roles", "unused", "logs"} <= names
    for resource in ("Key", "Function", "Bucket", "Secret", "Topic", "Queue"):
        assert f"policy of {resource} {resource}" in names


def test_stacks_whose_drift_takes_too_long_share_the_time_and_are_findings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paused: list[float] = []
    monkeypatch.setattr(configuration.drift, "patience", lambda: patience(paused.append))
    busy = Answering(
        detect_stack_drift={"StackDriftDetectionId": "d"},
        describe_stack_drift_detection_status={"DetectionStatus": "DETECTION_IN_PROGRESS"},
    )
    ours = replace(OURS, stacks=("p-data", "p-operations", "p-monitoring"))
    made = tuple(replace(STACKS.resources[0], stack=stack) for stack in ours.stacks)
    found = checked(ours=ours, stacks=Stacks(ours.stacks, made), cloudformation=busy)
    late = [line for line in found.values() if "was not detected" in line.found]
    assert [line.name for line in late] == [f"drift of {stack}" for stack in ours.stacks]
    assert sum(paused) == LONGEST_SECONDS


def test_without_its_stacks_it_has_not_run() -> None:
    with a_desk() as (desk, s3, topic):
        with pytest.raises(AwsRefusedError, match="refused GetTemplate"):
            configuration.review(lambda _: Refusing(), OURS, desk, NOW)
        assert (keys(s3), messages(topic)) == ([], [])


def test_what_lets_somebody_in_comes_first() -> None:
    sections = ["review-unused", "review-drift", "review-access"]
    lines = [Line(section, False, "found", "wanted", section) for section in sections]
    with a_desk() as (desk, s3, _):
        report = configuration.report(lines, desk, NOW)
        desk.deliver(report, NOW)
        page = body(s3, "configuration/2026-11-23.html")
    first = [line.split(":")[0] for line in report.lines]
    assert first == [f"• review-{name}" for name in ("access", "drift", "unused")]
    assert page.index("#review-access") < page.index("#review-unused")


def test_what_others_named_cannot_speak_to_the_channel() -> None:
    line = Line("parameter groups", False, "<!channel> " + "x" * 500, "none", "review-unused")
    with a_desk() as (desk, _, _):
        (shown,) = configuration.report([line], desk, NOW).lines
    assert "<" not in shown
    assert len(shown) < 200


RULE = {"SecurityGroupRuleId": "sgr-x", "IsEgress": False, "IpProtocol": "tcp"}
RULE |= {"FromPort": 6379, "ToPort": 6379}
EVERYBODY, ONE = {"CidrIpv4": "0.0.0.0/0"}, {"CidrIpv4": "255.255.255.255/32"}
OUT = {"IsEgress": True}


def with_rule(**changes: Any) -> Answering:
    return Answering(describe_security_group_rules={"SecurityGroupRules": [RULE | changes]})


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (EVERYBODY | {"SecurityGroupRuleId": "SecurityGroupIngress-1"}, None),
        (OUT | ONE, None),
        (ONE, "tcp 6379-6379 in from 255.255.255.255/32"),
        (OUT | ONE | {"FromPort": 1}, "tcp 1-6379 out to 255.255.255.255/32"),
        (OUT | ONE | {"IpProtocol": "udp"}, "udp 6379-6379 out to 255.255.255.255/32"),
        (EVERYBODY, "tcp 6379-6379 in from 0.0.0.0/0"),
        (OUT | {"CidrIpv6": "::/0"}, "tcp 6379-6379 out to ::/0"),
        ({"ReferencedGroupInfo": {"GroupId": "sg-9"}}, "tcp 6379-6379 in from sg-9"),
        ({"PrefixListId": "pl-1"}, "tcp 6379-6379 in from pl-1"),
    ],
)
def test_a_rule_that_no_template_has_is_found(changes: dict[str, Any], found: str | None) -> None:
    (line,) = check_rules(with_rule(**changes), STACKS)
    assert line.passed is (found is None)
    assert line.found == (found or "nothing beyond")


def test_a_rule_from_a_group_is_none_of_the_rules_that_a_template_writes_into_its_own() -> None:
    inline = {"SourceSecurityGroupId": "sg-1", "IpProtocol": "tcp", "FromPort": 6379}
    properties = {"GroupName": "sg", "SecurityGroupIngress": [inline]}
    made = Resource("p-data", "SecurityGroup", "AWS::EC2::SecurityGroup", "sg-0", properties)
    rules = with_rule(ReferencedGroupInfo={"GroupId": "sg-9"})
    (line,) = check_rules(rules, Stacks(("p-data",), (made,)))
    assert (line.passed, line.found) == (False, "tcp 6379-6379 in from sg-9")


GOOD = {"topic": "key", "queue": {"SqsManagedSseEnabled": "true"}, "secret": OURS.key_arn}


@pytest.mark.parametrize(
    ("changes", "unencrypted"),
    [
        ({}, []),
        ({"queue": {"SqsManagedSseEnabled": "false", "KmsMasterKeyId": "key"}}, []),
        ({"queue": {"SqsManagedSseEnabled": "false"}}, ["encryption of Queue-1"]),
        ({"queue": {}}, ["encryption of Queue-1"]),
        ({"topic": None}, ["encryption of Topic-1"]),
        ({"secret": "arn:aws:kms:another"}, ["encryption of the token"]),
    ],
)
def test_what_is_not_encrypted_as_the_templates_ask_is_found(
    changes: dict[str, Any], unencrypted: list[str]
) -> None:
    lines = encryption(STACKS, GOOD | changes)
    assert [line.name for line in lines if not line.passed] == unencrypted
    assert len(lines) == 3


def test_only_a_topic_whose_template_has_a_key_must_have_one() -> None:
    made = Resource("p-data", "Topic", "AWS::SNS::Topic", "Events-1", {})
    assert encryption(Stacks(("p-data",), (made,)), GOOD) == []


def encryption(stacks: Stacks, found: dict[str, Any]) -> list[Line]:
    clients = {
        "sns": Answering(get_topic_attributes={"Attributes": {"KmsMasterKeyId": found["topic"]}}),
        "sqs": Answering(get_queue_attributes={"Attributes": found["queue"]}),
        "secretsmanager": Answering(describe_secret={"KmsKeyId": found["secret"]}),
    }
    return list(check_encrypted(clients.__getitem__, stacks, OURS.key_arn))


@pytest.mark.parametrize(("age", "passed"), [(OLD, True), (OLD + timedelta(seconds=1), False)])
@pytest.mark.parametrize("cluster_mode", [False, True])
def test_a_manual_snapshot_is_old_after_a_month(
    age: timedelta, passed: bool, cluster_mode: bool
) -> None:
    given: dict[str, Any] = {"source": "manual", "SnapshotName": "before-change"}
    snapshots = [
        member_snapshot("g-002", NOW - age, **given),
        member_snapshot("g-staging-001", NOW - 2 * OLD, source="manual"),
    ]
    if cluster_mode:
        snapshots[0] = group_snapshot("g", NOW - age, NOW, **given)
    cache = Answering(
        describe_cache_parameter_groups={"CacheParameterGroups": []},
        describe_snapshots={"Snapshots": snapshots},
    )
    ec2 = Answering(describe_security_groups={"SecurityGroups": []})
    group = {"NumNodeGroups": 2} if cluster_mode else {"NumCacheClusters": 3}
    made = Resource("p-data", "Group", "AWS::ElastiCache::ReplicationGroup", "g", group)
    stacks = Stacks(("p-data",), (*STACKS.resources, made))
    lines = check_unused(cache, ec2, stacks, "p", "g", NOW)
    (line,) = (line for line in lines if line.name == "manual snapshots")
    assert (line.passed, line.found) == (passed, "none" if passed else "before-change")


@pytest.mark.parametrize(
    ("code", "passed"),
    [("NoSuchBucketPolicy", True), ("ResourceNotFoundException", True), ("AccessDenied", False)],
)
def test_a_resource_without_a_policy_is_no_finding_and_a_refusal_is(
    code: str, passed: bool
) -> None:
    assert checked(code)["policy of Bucket Bucket"].passed is passed


ACCOUNT = "111122223333"
ROOT_OF_ACCOUNT = f"arn:aws:iam::{ACCOUNT}:root"
OF_OURS = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def admitted(principal: Any, condition: Any = None, **fields: Any) -> list[str]:
    statement = {"Effect": "Allow", "Action": "sns:Publish", "Principal": principal}
    statement |= {"Condition": condition, **fields}
    return list(strangers(json.dumps({"Statement": [statement]}), ACCOUNT))


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        ({"AWS": ROOT_OF_ACCOUNT}, None),
        ({"AWS": ACCOUNT}, None),
        ({"Service": "cloudwatch.amazonaws.com"}, OF_OURS),
        ({"AWS": "*"}, {"StringEquals": {"aws:SourceOwner": ACCOUNT}}),
        ("*", OF_OURS),
    ],
)
def test_our_own_are_no_strangers(principal: Any, condition: Any) -> None:
    assert admitted(principal, condition) == []


@pytest.mark.parametrize(
    ("principal", "condition", "who"),
    [
        ("*", None, "anybody"),
        ({"AWS": "*"}, None, "anybody"),
        ({"AWS": "*"}, {"StringEquals": {"aws:SourceOwner": "999988887777"}}, "anybody"),
        ({"AWS": "*"}, {"StringEquals": {"aws:SourceOwner": [ACCOUNT, "9"]}}, "anybody"),
        ({"AWS": "*"}, {"StringLike": {"aws:SourceOwner": "*"}}, "anybody"),
        ({"AWS": "*"}, {"Bool": {"aws:SecureTransport": "true"}}, "anybody"),
        ({"AWS": ["999988887777", ACCOUNT]}, None, "999988887777"),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/eve"}, None, "user/eve"),
        ({"Federated": "accounts.example.com"}, None, "accounts.example.com"),
        ({"Service": "cloudwatch.amazonaws.com"}, None, "for any account"),
        (None, None, "everybody but a few"),
    ],
)
def test_a_stranger_is_named(principal: Any, condition: Any, who: str) -> None:
    (words,) = admitted(principal, condition)
    assert who in words
    assert words.endswith("may sns:Publish")


def test_a_refusal_and_no_policy_let_nobody_in() -> None:
    assert admitted("*", Effect="Deny") == list(strangers(None, ACCOUNT)) == []
