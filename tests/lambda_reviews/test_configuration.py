"""The weekly review: every check is made, a refused one is a finding, and the worst comes first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reviews import configuration
from reviews.configuration import Ours
from reviews.configuration.access import check_rules
from reviews.configuration.drift import LONGEST_SECONDS, Made, Stacks, patience
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
    "AWS::EC2::SecurityGroup": {
        "GroupName": "sg",
        "SecurityGroupEgress": [
            {"CidrIp": "255.255.255.255/32", "IpProtocol": "tcp", "FromPort": 6379}
        ],
    },
    "AWS::EC2::SecurityGroupIngress": {},
    "AWS::ElastiCache::ParameterGroup": {"Properties": {"timeout": "300"}},
    "AWS::IAM::Role": {},
    "AWS::KMS::Key": {},
    "AWS::Lambda::Function": {},
    "AWS::Logs::LogGroup": {},
    "AWS::S3::Bucket": {},
    "AWS::SNS::Topic": {"KmsMasterKeyId": "key"},
    "AWS::SQS::Queue": {},
    "AWS::SecretsManager::Secret": {},
}
STACKS = Stacks(
    ("p-data",),
    tuple(
        Made("p-data", kind.rpartition(":")[2], kind, f"{kind.rpartition(':')[2]}-1", properties)
        for kind, properties in PROPERTIES.items()
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
    assert [line.split(":")[0] for line in report.lines] == [
        "• review-access",
        "• review-drift",
        "• review-unused",
    ]
    assert page.index("#review-access") < page.index("#review-unused")


def test_what_others_named_cannot_speak_to_the_channel() -> None:
    line = Line("parameter groups", False, "<!channel> " + "x" * 500, "none", "review-unused")
    with a_desk() as (desk, _, _):
        (shown,) = configuration.report([line], desk, NOW).lines
    assert "<" not in shown
    assert len(shown) < 200


def rule(**changes: Any) -> dict[str, Any]:
    return {
        "SecurityGroupRuleId": "sgr-x",
        "IsEgress": False,
        "IpProtocol": "tcp",
        "FromPort": 6379,
        "ToPort": 6379,
        **changes,
    }


def with_rules(*rules: dict[str, Any]) -> Answering:
    return Answering(describe_security_group_rules={"SecurityGroupRules": list(rules)})


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (rule(SecurityGroupRuleId="SecurityGroupIngress-1", CidrIpv4="10.0.0.0/8"), None),
        (rule(IsEgress=True, CidrIpv4="255.255.255.255/32"), None),
        (rule(CidrIpv4="255.255.255.255/32"), "tcp 6379-6379 in from 255.255.255.255/32"),
        (
            rule(IsEgress=True, FromPort=1, CidrIpv4="255.255.255.255/32"),
            "tcp 1-6379 out to 255.255.255.255/32",
        ),
        (
            rule(IsEgress=True, IpProtocol="udp", CidrIpv4="255.255.255.255/32"),
            "udp 6379-6379 out to 255.255.255.255/32",
        ),
        (rule(CidrIpv4="0.0.0.0/0"), "tcp 6379-6379 in from 0.0.0.0/0"),
        (rule(CidrIpv6="::/0", IsEgress=True), "tcp 6379-6379 out to ::/0"),
        (rule(ReferencedGroupInfo={"GroupId": "sg-9"}), "tcp 6379-6379 in from sg-9"),
        (rule(PrefixListId="pl-1"), "tcp 6379-6379 in from pl-1"),
    ],
)
def test_a_rule_that_no_template_has_is_found(one: dict[str, Any], found: str | None) -> None:
    (line,) = check_rules(with_rules(one), STACKS)
    assert line.passed is (found is None)
    assert line.found == (found or "nothing beyond")


def test_a_rule_from_a_group_is_none_of_the_rules_that_a_template_writes_into_its_own() -> None:
    inline = {"SourceSecurityGroupId": "sg-1", "IpProtocol": "tcp", "FromPort": 6379}
    properties = {"GroupName": "sg", "SecurityGroupIngress": [inline]}
    made = Made("p-data", "SecurityGroup", "AWS::EC2::SecurityGroup", "sg-0", properties)
    rules = with_rules(rule(ReferencedGroupInfo={"GroupId": "sg-9"}))
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
    made = Made("p-data", "Topic", "AWS::SNS::Topic", "Events-1", {})
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
    made = Made("p-data", "Group", "AWS::ElastiCache::ReplicationGroup", "g", group)
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
