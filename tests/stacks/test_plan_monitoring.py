"""Dashboard, ways to people, events and reviews as the templates make them (§3.2, 3.3, 7)."""

import json
import re
from typing import Any

import pytest

from constructs.alarms.catalog import every_alarm
from constructs.reviews.review_kinds import REVIEWS, ReviewKind
from environments.load import environment_names, load
from environments.schema import Settings
from reviews.capacity.forecast import MEASURES, lines, measured
from reviews.configuration import drift
from reviews.metrics.measures import NAMES, Measure, shown
from tests.stacks.limits import over
from tests.stacks.template import (
    HERE,
    PREFIX,
    alarms,
    function,
    listed,
    schedule,
    topics,
    variables,
)
from tests.support import Stacks, schema_of
from tools.assembly import Document, Stack

TOPIC_ARN = f"arn:aws:sns:{HERE}:{PREFIX}-events"
EACH = pytest.mark.parametrize("kind", REVIEWS, ids=lambda kind: kind.name)
MEMBERS = ["vibewell-redis-001", "vibewell-redis-002", "vibewell-redis-003"]


@pytest.mark.plan("3.2")
@pytest.mark.parametrize(
    ("title", "metrics", "drawn"),
    [
        ("Memory", {"DatabaseMemoryUsagePercentage"}, [75, 90]),
        ("CPU", {"EngineCPUUtilization", "CPUUtilization"}, [70, 85, 45]),
        ("Network bandwidth", {"NetworkBytesIn", "NetworkBytesOut"}, []),
        ("Connections", {"CurrConnections"}, [1000, 5000]),
        ("Hits and misses", {"CacheHits", "CacheMisses"}, []),
        ("Replication lag", {"ReplicationLag"}, [0.5, 2]),
        ("CPU credits", {"CPUCreditBalance"}, [115]),
    ],
)
def test_the_dashboard_shows_the_plans_graphs_for_every_node_with_each_threshold(
    monitoring: Stack, title: str, metrics: set[str], drawn: list[float]
) -> None:
    first, *widgets = json.loads(monitoring.only("AWS::CloudWatch::Dashboard")["DashboardBody"])[
        "widgets"
    ]
    states = {arn.rsplit(":", 1)[-1] for arn in first["properties"]["alarms"]}
    assert states == {properties["AlarmName"] for properties in alarms(monitoring)}
    (graph,) = (one["properties"] for one in widgets if one["properties"]["title"] == title)
    assert {(line[0], line[1], line[3]) for line in graph["metrics"]} == {
        ("AWS/ElastiCache", metric, member) for metric in metrics for member in MEMBERS
    }
    assert [line["value"] for line in graph["annotations"]["horizontal"]] == drawn


@pytest.mark.plan("3.3")
def test_slack_hears_warnings_and_critical_alarms(monitoring: Stack, production: Settings) -> None:
    slack = monitoring.only("AWS::Chatbot::SlackChannelConfiguration")
    assert slack["SnsTopicArns"] == [
        {"Ref": name} for name in monitoring.of_type("AWS::SNS::Topic")
    ]
    assert slack["SlackChannelId"] == production.notifications.slack_channel_id
    assert slack["GuardrailPolicies"] == ["arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"]
    assert production.notifications.slack_channel_name == "#vibewell-production-alerts"


@pytest.mark.plan("3.3")
def test_pagerduty_hears_critical_alarms_over_https(monitoring: Stack) -> None:
    subscription = monitoring.only("AWS::SNS::Subscription", Protocol="https")
    assert subscription["TopicArn"] == topics(monitoring)["critical"]
    assert subscription["Endpoint"] == (
        "{{resolve:secretsmanager:example/pagerduty:SecretString:integration_url}}"
    ), "the address is the key to the service, so it is read at deployment"


@pytest.mark.plan("3.3")
def test_cloudwatch_of_this_account_may_encrypt_and_publish(monitoring: Stack) -> None:
    condition = {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{HERE}:alarm:*"},
    }
    (key_id,) = monitoring.of_type("AWS::KMS::Key")
    policies = monitoring.of_type("AWS::SNS::TopicPolicy").values()
    for policy, actions in (
        (monitoring.only("AWS::KMS::Key")["KeyPolicy"], ["kms:Decrypt", "kms:GenerateDataKey"]),
        *((one["PolicyDocument"], "sns:Publish") for one in policies),
    ):
        (grant,) = (
            one
            for one in policy["Statement"]
            if one["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        )
        assert (grant["Action"], grant["Condition"]) == (actions, condition)
    for topic in monitoring.of_type("AWS::SNS::Topic").values():
        assert topic["KmsMasterKeyId"] == {"Fn::GetAtt": [key_id, "Arn"]}


@pytest.mark.plan("3.3")
@pytest.mark.parametrize("environment", environment_names())
def test_the_group_tells_its_topic_of_events_in_the_one_form_that_elasticache_can(
    templates: Stacks, environment: str
) -> None:
    data = templates[f"vibewell-redis-{environment}-data"]
    name, topic = data.one("AWS::SNS::Topic")
    group, properties = data.one("AWS::ElastiCache::ReplicationGroup")
    assert properties["NotificationTopicArn"] == {"Ref": name}
    # An encrypted topic, or another condition than aws:SourceOwner, is silent (ElastiCache user
    # guide, "SNS topic access policy requirement").
    assert "KmsMasterKeyId" not in topic
    policy_id, policy = data.one("AWS::SNS::TopicPolicy")
    (allowed,) = (one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow")
    assert (allowed["Principal"], allowed["Action"]) == ({"AWS": "*"}, "sns:Publish")
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceOwner": "111122223333"}}
    assert policy_id in data.resources[group]["DependsOn"], "it is open before the group is made"


@pytest.mark.plan("3.3")
def test_each_event_reaches_the_channel_or_a_queue(monitoring: Stack) -> None:
    found = function(monitoring, "events")
    subscription = monitoring.only("AWS::SNS::Subscription", Protocol="lambda")
    permission = monitoring.only("AWS::Lambda::Permission", Principal="sns.amazonaws.com")
    assert subscription["TopicArn"] == permission["SourceArn"] == TOPIC_ARN
    assert "VpcConfig" not in found, "it must speak when the network does not"
    assert found["ReservedConcurrentExecutions"] == 1, "in the order in which they came"
    channel = found["Environment"]["Variables"]["CHANNEL_TOPIC_ARN"]
    assert channel == topics(monitoring)["warning"], "the channel alone reads it"
    queue, properties = monitoring.one("AWS::SQS::Queue")
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    assert found["DeadLetterConfig"] == {"TargetArn": arn}
    assert subscription["RedrivePolicy"] == {"deadLetterTargetArn": arn}
    assert properties["MessageRetentionPeriod"] == 14 * 24 * 3600
    statements = monitoring.only("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    assert {
        one["Principal"]["Service"]: one["Condition"]["ArnEquals"]["aws:SourceArn"]
        for one in statements
        if one["Effect"] == "Allow"
    } == {
        "sns.amazonaws.com": TOPIC_ARN,
        # Named before it is made: by its name, which must be the rule's.
        "events.amazonaws.com": f"arn:aws:events:{HERE}:rule/"
        f"{monitoring.only('AWS::Events::Rule')['Name']}",
    }


def statements(monitoring: Stack, name: str) -> list[Document]:
    role = monitoring.only("AWS::IAM::Role", Description=f"Function {PREFIX}-{name}")
    policies = monitoring.of_type("AWS::IAM::ManagedPolicy")
    return [
        statement
        for arn in role["ManagedPolicyArns"]
        for statement in policies[arn["Ref"]]["PolicyDocument"]["Statement"]
    ]


def allowed(monitoring: Stack, name: str) -> dict[str, Any]:
    """Actions but those on its own log, each with its resource."""
    return {
        action: statement["Resource"]
        for statement in statements(monitoring, name)
        for action in listed(statement["Action"])
        if not action.startswith("logs:Create") and action != "logs:PutLogEvents"
    }


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        pytest.param(name, expression, marks=pytest.mark.plan(section), id=name)
        for section, name, expression in (
            ("7.1", "updates", "cron(0 8 1 * ? *)"),
            ("7.1", "security-updates", "cron(0 8 * * ? *)"),
            ("7.2", "metrics", "cron(0 8 ? * MON *)"),
            ("7.2", "capacity", "cron(0 8 1 * ? *)"),
            ("7.3", "configuration", "cron(0 8 ? * MON *)"),
        )
    ],
)
def test_a_review_is_run_on_its_day_even_if_lambda_is_busy_for_a_while(
    monitoring: Stack, name: str, expression: str
) -> None:
    found = schedule(monitoring, f"review-{name}")
    assert found["ScheduleExpression"] == expression
    assert found.get("State", "ENABLED") == "ENABLED"
    assert found["Target"]["RetryPolicy"]["MaximumRetryAttempts"] >= 5
    assert found["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] == 3600


CHANGING = re.compile(
    r"^\w+:(Add|Apply|Attach|Authorize|Batch|Cancel|Create|Delete|Detach|Disable|Enable|Modify|"
    r"Purchase|Put|Reboot|Remove|Reset|Revoke|Rotate|Set|Start|Stop|Tag|Test|Update)"
)


@pytest.mark.plan("7.1", "7.2", "7.3")
@EACH
def test_a_review_writes_to_its_own_folder_and_to_the_channel_alone(
    monitoring: Stack, kind: ReviewKind
) -> None:
    name = f"review-{kind.name}"
    found = allowed(monitoring, name)
    arn = {"Fn::GetAtt": [monitoring.one("AWS::S3::Bucket")[0], "Arn"]}
    own = {"Fn::Join": ["", [arn, f"/{kind.name}/*"]]}
    assert found["s3:PutObject"] == found["s3:GetObject"] == own
    (listing,) = (s for s in statements(monitoring, name) if s["Action"] == "s3:ListBucket")
    assert listing["Condition"] == {"StringLike": {"s3:prefix": [f"{kind.name}/*"]}}
    assert found["sns:Publish"] == topics(monitoring)["warning"]
    assert "VpcConfig" not in function(monitoring, name)
    assert {action for action in found if CHANGING.match(action)} == {"s3:PutObject"}
    assert "secretsmanager:GetSecretValue" not in found
    keys = set(monitoring.of_type("AWS::KMS::Key"))
    assert found["kms:Decrypt"]["Fn::GetAtt"][0] in keys, "the reports' key, not the token's"
    # Plain text is refused for every action that a function has.
    (deny,) = monitoring.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    used = {"s3:GetObject", "s3:ListBucket", "s3:PutObject"}
    assert used <= set(found) & set(deny["Action"])


@pytest.mark.plan("7.2")
def test_only_figures_which_have_no_arn_are_read_by_a_wildcard(monitoring: Stack) -> None:
    for name in ("metrics", "capacity"):
        for statement in statements(monitoring, f"review-{name}"):
            if statement["Resource"] == "*":
                assert statement["Action"] == "cloudwatch:GetMetricData"
    history = allowed(monitoring, "review-metrics")["cloudwatch:DescribeAlarmHistory"]
    assert history == f"arn:aws:cloudwatch:{HERE}:alarm:{PREFIX}-*", "this environment's alone"
    watch = allowed(monitoring, "review-watch")
    assert set(watch) == {"s3:ListBucket", "lambda:InvokeFunction"}, "a note is there, unread"


# Why each is left out stands in constructs/reviews/configuration_review.py.
NOT_GIVEN = {
    ("AWS::EC2::VPCEndpoint", "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation"),
    ("AWS::Events::Rule", "iam:PassRole"),
    ("AWS::Lambda::Function", "kms:Decrypt"),
    ("AWS::SSM::Association", "resource-groups:GetGroupQuery"),
    ("AWS::SSM::Association", "resource-groups:ListGroupResources"),
    ("AWS::SSM::Association", "resource-groups:ListGroups"),
}
# What our own review asks beyond what CloudFormation's readers do.
ASKED = {
    *(f"cloudformation:{one}" for one in ("GetTemplate", "ListStackResources")),
    *(f"cloudformation:De{one}" for one in ("scribeStackResourceDrifts", "tectStackDrift")),
    *(
        f"cloudformation:De{one}"
        for one in ("tectStackResourceDrift", "scribeStackDriftDetectionStatus")
    ),
    *("elasticache:DescribeSnapshots", "kms:GenerateDataKey", "lambda:GetPolicy", "sns:Publish"),
    *("s3:GetObject", "s3:ListBucket", "s3:PutObject", "secretsmanager:GetResourcePolicy"),
}


@pytest.mark.plan("7.3")
@pytest.mark.parametrize("environment", environment_names())
def test_drift_can_be_detected_of_every_type_but_the_secret_and_nothing_else_is_read(
    templates: Stacks, environment: str
) -> None:
    monitoring = templates[f"vibewell-redis-{environment}-monitoring"]
    given = {
        action
        for policy in monitoring.of_type("AWS::IAM::ManagedPolicy").values()
        if "review-configuration" in policy["Description"] or "reads for" in policy["Description"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
    }
    kinds = {r["Type"] for stack in templates.values() for r in stack.resources.values()}
    wanted = set(ASKED)
    for kind in kinds - {"AWS::SecretsManager::Secret"}:
        reads = schema_of(kind).get("handlers", {}).get("read", {}).get("permissions", [])
        wanted |= {action for action in reads if (kind, action) not in NOT_GIVEN}
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert wanted - given == set()
    assert given - wanted - logs - {"secretsmanager:DescribeSecret"} == set()
    timeout = function(templates[f"{PREFIX}-monitoring"], "review-configuration")["Timeout"]
    assert timeout - drift.LONGEST_SECONDS >= 120, "time is left for the report"


def test_every_template_is_below_aws_limits_and_tells_functions_no_secret(
    templates: Stacks,
) -> None:
    assert not over(templates)
    for stack in templates.values():
        for found in stack.of_type("AWS::Lambda::Function").values():
            assert "resolve:" not in json.dumps(found["Environment"])


def told(stack: Stack, environment: str, review: str, variable: str) -> Any:
    name = f"vibewell-redis-{environment}-review-{review}"
    found = stack.only("AWS::Lambda::Function", FunctionName=name)
    return json.loads(found["Environment"]["Variables"][variable])


def weekly(stack: Stack, environment: str = "production") -> dict[str, Measure]:
    found = told(stack, environment, "metrics", "MEASURES")
    return {one.name: one for one in (Measure.read(document, "g") for document in found)}


@pytest.mark.plan("7.2")
@pytest.mark.parametrize("environment", environment_names())
def test_every_figure_with_an_alarm_is_reviewed_at_the_alarms_own_line(
    templates: Stacks, environment: str
) -> None:
    found = weekly(templates[f"vibewell-redis-{environment}-monitoring"], environment)
    specs = every_alarm(load(environment))
    silence = {one.name for one in specs if one.name.endswith(("-not-run", "not-reporting"))}
    assert set(found) == {one.name for one in specs} - silence | {"network-in", "network-out"}
    for spec in specs:
        if spec.name in silence:
            continue
        lowest = min(one.threshold for one in specs if one.name == spec.name)
        measure = found[spec.name]
        assert measure.warning == pytest.approx(lowest * measure.factor), spec.name
        assert measure.beyond == spec.beyond
    if environment == "production":
        assert set(NAMES) <= set(found), "a name for something that is not reviewed"
    for name in found:
        title = shown(name)[0]
        assert title[0].isupper()
        assert "-" not in title
    assert shown("an-alarm-of-tomorrow") == ("An alarm of tomorrow", "")


@pytest.mark.plan("7.2")
def test_the_plans_figures_are_the_plans_lines(monitoring: Stack) -> None:
    found = weekly(monitoring)
    lines_of = {
        "memory": 75,
        "engine-cpu": 70,
        "host-cpu": 45,
        "connections": 1000,
        "hit-rate": 80,
        "replication-lag": 500,  # milliseconds
        "network-in": 256,  # megabits a second of a cache.t3.medium
    }
    assert {name: found[name].warning for name in lines_of} == pytest.approx(lines_of)
    assert found["hit-rate"].combined == "share"
    assert found["hit-rate"].metrics == ("CacheHits", "CacheMisses")
    assert found["network-allowance"].combined == "total"
    assert len(found["network-allowance"].metrics) == 2
    assert (found["cpu-credits"].combined, found["cpu-credits"].beyond) == ("lowest", "below")


@pytest.mark.plan("7.2")
@pytest.mark.parametrize("environment", environment_names())
def test_capacity_is_told_every_line_and_what_to_do_there(
    templates: Stacks, environment: str
) -> None:
    settings = load(environment)
    stack = templates[f"vibewell-redis-{environment}-monitoring"]
    found = lines(told(stack, environment, "capacity", "LINES"))
    assert measured(MEASURES, found), "each line is known to the function"
    limits = settings.alarms
    memory = limits.memory_percent
    assert (found["memory"].warning, found["memory"].critical) == (memory.warning, memory.critical)
    assert found["engine-cpu"].warning == limits.cpu_percent.warning
    assert found["connections"].critical == limits.connections.critical
    assert {"network-in", "network-out"} < set(found)
    assert all(line.then.endswith(".") for line in found.values())
    if environment == "production":
        assert "cache.m6g.large" in found["memory"].then
        assert "$0.149 instead of $0.068" in found["memory"].then
        assert str(settings.application.connections) in found["connections"].then


@pytest.mark.plan("7.1")
def test_the_price_of_staying_comes_from_the_settings(monitoring: Stack) -> None:
    told = json.loads(variables(monitoring, "review-updates")["SUPPORT"])
    assert (told["engine"], told["ends"]) == ("Redis 6.2", "2027-01-31")
    assert told["monthly"] == pytest.approx(3 * 0.068 * 730)
    assert told["percent"] == [80, 80, 160]
