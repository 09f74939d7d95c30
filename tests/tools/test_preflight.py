"""Each precondition that does not hold is refused, by answers of AWS's own shapes."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator
from moto.iam.aws_managed_policies import aws_managed_policies_data

from environments.schema import Settings
from tests.lambda_rotation.model.fake_aws import ServiceError, fake_service
from tests.support import Document, Stacks
from tests.tools.account import DATA, Case, Run
from tests.variants import changed
from tools.preflight import __main__ as preflight
from tools.preflight.account import OK, REFUSED, WARNING, Account, Finding, resources
from tools.preflight.tables import NAMES

pytestmark = pytest.mark.plan("2.4")

ZONES = ["us-east-1a", "us-east-1b", "us-east-1c"]
CHANNEL = {
    "SlackTeamName": "a",
    "SlackTeamId": "T0EXAMPLE0",
    "SlackChannelId": "C0EXAMPLE0",
    "SlackChannelName": "alerts",
    "ChatConfigurationArn": "arn:aws:chatbot::1:chat-configuration/slack-channel/others",
    "IamRoleArn": "arn:aws:iam::1:role/others",
    "SnsTopicArns": [],
}
OURS = "arn:aws:chatbot::1:chat-configuration/slack-channel/vibewell-redis-production-alerts"
NAMESAKE: dict[str, Any] = CHANNEL | {"ChatConfigurationArn": OURS, "SlackChannelId": "C0OTHER"}
NOW = datetime.now(UTC)
KEY = "arn:aws:kms:us-east-1:111122223333:key/1"


def services(*zones: str) -> dict[str, Any]:
    return {"ServiceDetails": [{"AvailabilityZones": list(zones)}]}


def dns(**attributes: bool) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["Attribute"][0].upper() + asked["Attribute"][1:]
        return {name: {"Value": attributes.get(name, True)}}

    return answer


def limits(free: int, concurrency: int = 1000) -> dict[str, Any]:
    """As in aws-samples/s3-to-lambda-patterns issue 36."""
    found = {"ConcurrentExecutions": concurrency, "UnreservedConcurrentExecutions": free}
    return {"AccountLimit": {**found, "TotalCodeSize": 1}, "AccountUsage": {"FunctionCount": 0}}


def offered(kind: str) -> dict[str, Any]:
    return {"ReservedCacheNodesOfferings": [{"CacheNodeType": kind}]}


# An account in which nothing is in the way. What is not here is answered with nothing.
GOOD: dict[str, Any] = {
    "get_parameter": {"Parameter": {"Value": "30"}},
    "describe_vpc_attribute": dns(),
    "describe_vpc_endpoint_services": services(*ZONES),
    "describe_subnets": {"Subnets": [{"AvailabilityZone": zone} for zone in ZONES]},
    "describe_reserved_cache_nodes_offerings": offered("cache.t3.medium"),
    "describe_slack_workspaces": {
        "SlackWorkspaces": [{"SlackTeamId": "T0EXAMPLE0", "SlackTeamName": "a"}]
    },
    "get_account_settings": limits(1000),
    "get_account_summary": {"SummaryMap": {"Roles": 1, "RolesQuota": 1000}},
    "describe_instance_information": {"InstanceInformationList": [{"InstanceId": "i-0"}]},
}


class World:
    """What AWS answers, by operation: a dict, the code of a refusal, or a function of the call."""

    def __init__(self, settings: Settings, templates: Stacks) -> None:
        self.answers = dict(GOOD)
        self.called: set[str] = set()
        stacks = {name: templates[name] for name in settings.stacks}
        session = boto3.Session("a", "b", region_name="us-east-1")
        self.account = Account(settings, stacks, {}, self.client, session, "a role")

    def client(self, service: str, _region: str | None = None) -> Any:
        fake = fake_service(service)
        model = fake.client.meta.service_model
        names = {
            method: model.operation_model(name)
            for method, name in fake.client.meta.method_to_api_mapping.items()
        }

        def answer(operation: str, asked: dict[str, Any]) -> dict[str, Any]:
            self.called.add(f"{model.signing_name}:{names[operation].name}")
            found = self.answers.get(operation, {})
            found = found(asked) if callable(found) else found
            if isinstance(found, str):
                raise ServiceError(found)
            shape = names[operation].output_shape
            report = ParamValidator().validate(found, shape) if found and shape else None
            # What is missing may be left out here: nothing may rest on it.
            assert not report or "nknown" not in report.generate_report(), report.generate_report()
            return dict(found)

        fake.answer = answer
        return fake.client

    def findings(self) -> Iterator[tuple[str, Finding]]:
        for subject, check in preflight.CHECKS:
            for finding in preflight.findings(self.account, check):
                yield subject, finding

    def shown(self, mark: str) -> str:
        return "\n".join(
            finding.shown(subject) for subject, finding in self.findings() if finding.mark == mark
        )


@pytest.fixture
def world(production: Settings, templates: Stacks) -> World:
    return World(production, templates)


def test_an_account_with_nothing_in_the_way_passes(world: World) -> None:
    found = dict(world.findings())
    assert {finding.mark for finding in found.values()} == {OK}
    # One line for each; the plan's environment has no delivery and makes no VPC.
    assert {subject for subject, _ in preflight.CHECKS} - found.keys() == {
        "identity provider",
        "VPCs per Region",
    }


TAKEN = "is there already, and is not this deployment's"


@pytest.mark.parametrize("kind", NAMES)
def test_a_name_that_is_taken_is_refused(world: World, kind: str) -> None:
    named = NAMES[kind]
    (name, *_) = sorted(world.account.names(kind, named.key))
    ends_in_it = {
        "TopicArn": f"arn:aws:sns:us-east-1:1:{name}",
        "QueueUrls[]": f"https://q/1/{name}",
    }
    path = named.path if "[]" in named.path else f"{named.path}[].{named.key}"
    listed, _, field = path.strip("[]").partition(",")[0].partition("[].")
    given = ends_in_it.get(field or path, name)
    one = {field: given} if field else given
    world.answers[named.operation] = {listed.removesuffix("[]"): [one]}
    assert f"✗ {kind}: {name} {TAKEN}" in world.shown(REFUSED)
    world.answers[named.operation] = {}
    assert TAKEN not in world.shown(REFUSED)


def test_a_hand_made_group_is_refused_with_the_two_ways(world: World) -> None:
    world.answers["describe_replication_groups"] = {
        "ReplicationGroups": [{"ReplicationGroupId": "vibewell-redis"}]
    }
    said = world.shown(REFUSED)
    assert "Next to it: write another redis.replication_group_id" in said
    assert "In its place: take a snapshot" in said


def test_what_is_left_of_a_login_is_refused_with_the_commands_in_their_order(world: World) -> None:
    world.answers["describe_users"] = {"Users": [{"UserId": "vibewell-redis-default"}]}
    said = world.shown(REFUSED)
    group = said.index("delete-user-group --user-group-id vibewell-redis-users")
    assert group < said.index("delete-user --user-id vibewell-redis-default")


Obstacle = tuple[str, str, dict[str, Any]]


def when(begins: str, words: str, **answers: Any) -> Obstacle:
    """How the line begins, what is in it, and what AWS answers."""
    return begins, words, answers


OBSTACLES: list[Obstacle] = [
    when("✗ bootstrap", "cdk bootstrap aws://", get_parameter={"Parameter": {"Value": "5"}}),
    when("✗ bootstrap", "Run node_modules/.bin/cdk", get_parameter="ParameterNotFound"),
    when(
        "✗ bootstrap",
        'Write "@aws-cdk/core:bootstrapQualifier": "own"',
        get_parameter="ParameterNotFound",
        get_parameters_by_path={"Parameters": [{"Name": "/cdk-bootstrap/own/version"}]},
    ),
    when("✗ VPC", "enable-dns-support", describe_vpc_attribute=dns(EnableDnsSupport=False)),
    when("! VPC", "dns-hostnames", describe_vpc_attribute=dns(EnableDnsHostnames=False)),
    when(
        "✗ endpoint services",
        'is not in us-east-1c. Write endpoint_zones = ["us-east-1a", "us-east-1b"]',
        describe_vpc_endpoint_services=services(*ZONES[:2]),
    ),
    when("✗ endpoint services", "another VPC", describe_vpc_endpoint_services=services()),
    when("✗ endpoint services", "no", describe_vpc_endpoint_services="InvalidServiceName"),
    when("! node type", "no reservation of", describe_reserved_cache_nodes_offerings={}),
    when("✗ Slack", "T0EXAMPLE0 is not authorised", describe_slack_workspaces={}),
    when(
        "✗ Slack",
        "delete-slack-channel-configuration --region us-east-1",
        describe_slack_channel_configurations={"SlackChannelConfigurations": [CHANNEL]},
    ),
    when(
        "✗ Slack",
        NAMESAKE["ChatConfigurationArn"],  # a hand-made one of our name, for another channel
        describe_slack_channel_configurations={"SlackChannelConfigurations": [NAMESAKE]},
    ),
    when("✗ PagerDuty", "no secret", describe_secret="ResourceNotFoundException"),  # noqa: S106 - an error
    when("✗ PagerDuty", "restore-secret", describe_secret={"DeletedDate": NOW}),
    when(
        "✗ PagerDuty",
        "enable-key",
        describe_secret={"KmsKeyId": KEY},
        describe_key={"KeyMetadata": {"KeyId": KEY, "KeyState": "Disabled"}},
        get_key_policy={"Policy": "arn:aws:iam::111122223333:root"},
    ),
    when(
        "! PagerDuty",
        "does not leave access to IAM",
        describe_secret={"KmsKeyId": KEY},
        describe_key={"KeyMetadata": {"KeyId": KEY}},
        get_key_policy={"Policy": "{}"},
    ),
    when(
        "! PagerDuty",
        "denies something",
        get_resource_policy={"ResourcePolicy": '{"Statement": {"Effect": "Deny"}}'},
    ),
    when(
        "✗ names of nodes",
        "the cache cluster vibewell-redis-002 is there already",
        describe_cache_clusters={"CacheClusters": [{"CacheClusterId": "vibewell-redis-002"}]},
    ),
    when("✗ service-linked role", "create-service-linked-role", get_role="NoSuchEntity"),
    when("! application servers", "none with role=", describe_instance_information={}),
    when("✗ Lambda concurrency", "reserved_concurrency", get_account_settings=limits(112)),
    when("✗ Lambda concurrency", "10 of 10", get_account_settings=limits(10, 10)),
    when("✗ roles", "9", get_account_summary={"SummaryMap": {"Roles": 9, "RolesQuota": 9}}),
    when(
        "✗ resource policies of CloudWatch Logs",
        "AWS does not raise it",
        describe_resource_policies={"resourcePolicies": [{"policyName": "a"}] * 10},
    ),
    when(
        "✗ nodes per Region",
        "18 are used, 3 are created, 20 are allowed",
        describe_cache_clusters={"CacheClusters": [{"NumCacheNodes": 2}] * 9},
        list_service_quotas={"Quotas": [{"QuotaName": "Nodes per Region", "Value": 20.0}]},
    ),
    when(
        "! nodes per Region",
        "by default, and this account's own quota is not listed",
        describe_cache_clusters={"CacheClusters": [{"NumCacheNodes": 298}]},
    ),
]


@pytest.mark.parametrize(("begins", "words", "answers"), OBSTACLES)
def test_each_precondition_that_does_not_hold_is_one_line_with_its_remedy(
    world: World, begins: str, words: str, answers: dict[str, Any]
) -> None:
    world.answers |= answers
    lines = [finding.shown(subject) for subject, finding in world.findings()]
    first = next(line for line in lines if line.startswith(f"- {begins}: "))
    assert words in first


def test_lambda_may_keep_back_as_much_as_was_ever_seen(world: World) -> None:
    world.answers["get_account_settings"] = limits(113)
    assert not world.shown(REFUSED)


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnrecognizedClientException"])
def test_what_cannot_be_read_is_a_warning_and_ends_nothing_else(world: World, code: str) -> None:
    class Refusing(dict[str, Any]):
        def get(self, *_: Any) -> str:
            return code

    world.answers = Refusing()
    found = list(world.findings())
    assert {finding.mark for subject, finding in found if subject != "session"} == {WARNING}
    assert len({subject for subject, _ in found}) > 25


def test_an_update_that_creates_nothing_is_asked_for_nothing_else(
    templates: Stacks, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "read", lambda _: {DATA: templates[DATA]})
    answers = {"ssm:GetParameter": {"Parameter.Value": "30"}, "sts:AssumeRole": "AccessDenied"}
    ended = run(Case(preflight.main, "production", "", answers))
    assert "read with your own credentials" in ended.said
    assert re.findall(r"^- ✓ ([\w ]+):", ended.said, re.M) == ["session", "bootstrap"]
    assert ended.said.count("\n- ") == 2


def test_an_update_is_asked_for_what_it_creates(
    production: Settings, templates: Stacks, production_document: Document, synth: Any
) -> None:
    """A channel that moved: its configuration is ours, and its new channel somebody's."""
    change = {"notifications.slack_channel_id": "C0EXAMPLE1"}
    wanted = synth([Settings.model_validate(changed(production_document, change))])
    world = World(production, wanted)
    before = resources({name: templates[name].body for name in wanted})
    world.account = replace(world.account, stacks=wanted, before=before)
    configurations = [CHANNEL | {"ChatConfigurationArn": OURS, "SlackChannelId": "C0EXAMPLE1"}]
    answer = {"SlackChannelConfigurations": configurations}
    world.answers["describe_slack_channel_configurations"] = answer
    assert [subject for subject, _ in world.findings()] == ["session", "bootstrap", "Slack"]
    assert not world.shown(REFUSED)
    configurations.append(CHANNEL | {"SlackChannelId": "C0EXAMPLE1"})
    assert "has a configuration already" in world.shown(REFUSED)


def test_the_look_up_role_may_read_all_of_it(world: World) -> None:
    """CDK's bootstrap gives it ReadOnlyAccess, and denies kms:Decrypt."""
    for *_, answers in OBSTACLES:
        world.answers = GOOD | answers
        list(world.findings())
    policies = json.loads(aws_managed_policies_data)
    statements = policies["ReadOnlyAccess"]["Document"]["Statement"]
    allowed = [action.lower() for one in statements for action in one["Action"]]
    named = {"monitoring": "cloudwatch", "ListFunctions": "ListFunctions"}
    for call in world.called:
        service, _, action = call.partition(":")
        asked = f"{named.get(service, service)}:{action}".lower()
        assert any(fnmatch(asked, pattern) for pattern in allowed), call
    assert len(world.called) > 30


def test_a_session_that_ends_too_early_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(more: Mapping[str, str]) -> str:
        with monkeypatch.context() as patch:
            keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
            for name, value in {**keys, **more}.items():
                patch.setenv(name, value)
            world.account = replace(world.account, session=boto3.Session())
            (line,) = (f.shown(s) for s, f in world.findings() if s == "session")
            return line

    def ends(**left: int) -> dict[str, str]:
        at = (datetime.now(UTC) + timedelta(**left)).isoformat()
        return {"AWS_SESSION_TOKEN": "c", "AWS_CREDENTIAL_EXPIRATION": at}

    assert said({}).startswith("- ✓")
    assert said({"AWS_SESSION_TOKEN": "c"}).startswith("- ! session: temporary keys do not say")
    assert said(ends(hours=3)).startswith("- ✓")
    assert "the keys end in 59 minutes; 2 hours" in said(ends(minutes=59, seconds=30))


def test_it_is_skipped_with_a_reason_and_says_who_did(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], world: World
) -> None:
    arn = "arn:aws:sts::111122223333:assumed-role/admin/ann"
    world.answers["get_caller_identity"] = {"Arn": arn, "Account": "111122223333"}
    monkeypatch.setattr(preflight, "session", lambda _: world)
    monkeypatch.setenv("SKIP_PREFLIGHT", "the quota is being raised")
    assert preflight.main(["production"]) == 0
    assert f"skipped by {arn}: the quota is being raised" in capsys.readouterr().out
