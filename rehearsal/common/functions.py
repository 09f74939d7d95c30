"""Our functions as deployed: schedules, the health check, the reviews, events in the channel."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from rehearsal.common.deployed import described, settled
from rehearsal.common.errors import RehearsalError, eventually, expect_that
from rehearsal.common.rehearsal import Clients, Rehearsal, only, resources

_WORDS = "a replica took over"


def check_events(rehearsal: Rehearsal) -> str:
    """Fail over, and wait until the channel shows it."""
    before = len(_shown(rehearsal))
    fail_over(rehearsal, wait=False)

    def arrived() -> bool:
        if _configuration(rehearsal)["TopicStatus"] != "active":
            (*_, last) = rehearsal.ask("event_failures")
            raise RehearsalError(f"ElastiCache holds the topic for inactive: {last['why']}")
        return len(_shown(rehearsal)) > before

    eventually(arrived, "a failover in the channel")
    settled(rehearsal, described(rehearsal)["ReplicationGroupId"])
    return "Failover: the channel shows it in plain words"


def fail_over(rehearsal: Rehearsal, *, wait: bool = True) -> None:
    """A failover of the first shard, by ElastiCache's own call."""
    group = described(rehearsal)
    name, shard = group["ReplicationGroupId"], group["NodeGroups"][0]["NodeGroupId"]
    rehearsal.aws("elasticache").test_failover(ReplicationGroupId=name, NodeGroupId=shard)
    if wait:
        settled(rehearsal, name)


def topic_of(rehearsal: Rehearsal) -> str:
    """The ARN of the topic of the group's events."""
    found: str = _configuration(rehearsal)["TopicArn"]
    return found


def _configuration(rehearsal: Rehearsal) -> dict[str, Any]:
    clusters = rehearsal.aws("elasticache").describe_cache_clusters()["CacheClusters"]
    found: dict[str, Any] | None = clusters[0].get("NotificationConfiguration")
    if found is None:
        raise RehearsalError("the group has no topic for its events")
    return found


def _shown(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    return [one for one in rehearsal.ask("messages") if one["shown"] and _WORDS in one["message"]]


def check_health(rehearsal: Rehearsal) -> str:
    """Every line of its document passed."""
    document = invoked(rehearsal)
    failed = [
        f"{line['name']}: found {line['found']}, wanted {line['wanted']}"
        for line in document["checks"]
        if not line["passed"]
    ]
    expect_that(not failed, f"the health check failed: {'; '.join(failed)}")
    expect_that(document["passed"] is True, "no line failed, and yet it did not pass")
    return f"{len(document['checks'])} checks passed"


def invoke(rehearsal: Rehearsal, function: str, **event: object) -> dict[str, Any]:
    """What a function answers to an event. RehearsalError if it failed."""
    answer = rehearsal.aws("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    said: dict[str, Any] = json.load(answer["Payload"])
    expect_that("FunctionError" not in answer, f"{function} failed: {said}")
    return said


def invoked(rehearsal: Rehearsal) -> dict[str, Any]:
    """The document of one health check."""
    return invoke(rehearsal, health_function(rehearsal))


def health_function(rehearsal: Rehearsal) -> str:
    """The name of the function that is invoked from outside."""
    return f"vibewell-redis-{rehearsal.checkout.name}-health"


REVIEW = "vibewell-redis-production-review-"
TITLE = "Redis production: "


def check_reviews(rehearsal: Rehearsal) -> str:
    """Every review makes its report and its message, and the watch knows that it ran."""
    deployed = [one.physical_id for one in resources(rehearsal, "AWS::Lambda::Function")]
    names = [one.removeprefix(REVIEW) for one in deployed if one.startswith(REVIEW)]
    names.remove("watch")
    found = {name: run_review(rehearsal, name) for name in names}
    wrong = found["configuration"]["lines"] if found["configuration"]["findings"] else []
    expect_that(not wrong, f"what was just deployed is not as the templates ask: {wrong}")
    ages = run_review(rehearsal, "watch")
    late = {metric: age for metric, age in ages.items() if age > 1}
    expect_that(not late, f"the watch does not know that a review ran: {late}")
    expect_that(len(ages) == len(names), f"{len(ages)} of {len(names)} reviews are watched")
    return f"{len(names)} reviews ran: {', '.join(sorted(names))}"


def run_review(rehearsal: Rehearsal, name: str) -> dict[str, Any]:
    """What one invocation answers with."""
    return invoke(rehearsal, f"{REVIEW}{name}", scheduled=True)


def review_messages(rehearsal: Rehearsal, since: float) -> list[dict[str, Any]]:
    """The reviews' messages in the channel since then, without ElastiCache's own events."""
    shown = (
        json.loads(one["message"])
        for one in rehearsal.ask("messages")
        if one["shown"] and one["service"] == "slack" and one["time"] >= since
    )
    contents = [message["content"] for message in shown if message.get("source") == "custom"]
    return [content for content in contents if content["title"].startswith(TITLE)]


def review_page(rehearsal: Rehearsal, name: str) -> str:
    """Today's report, in HTML."""
    bucket = only(rehearsal, "AWS::S3::Bucket").physical_id
    kept = rehearsal.aws("s3").get_object(
        Bucket=bucket, Key=f"{name}/{datetime.now(UTC):%Y-%m-%d}.html"
    )
    text: str = kept["Body"].read().decode()
    return text


def fire(aws: Clients, name: str) -> Any:
    """Invoke a schedule's target as EventBridge Scheduler would, and return what its API answers.

    A function is invoked asynchronously, a state machine is started; RehearsalError for a schedule
    that is switched off and for a target that this project does not use.
    """
    schedule = aws("scheduler").get_schedule(Name=name)
    if schedule["State"] != "ENABLED":
        raise RehearsalError(f"schedule {name} is {schedule['State']}: it would not fire")
    target = schedule["Target"]
    arn, text = target["Arn"], _with_context(target.get("Input", "{}"), schedule["Arn"])
    service = arn.split(":")[2]
    if service == "lambda":
        return aws("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=text)
    if service == "states":
        return aws("stepfunctions").start_execution(stateMachineArn=arn, input=text)
    raise RehearsalError(f"schedule {name} has the target {arn}, which the rehearsal cannot invoke")


def _with_context(text: str, schedule: str) -> str:
    """Scheduler's context attributes (user guide, "Adding context attributes")."""
    for name, value in {
        "schedule-arn": schedule,
        "scheduled-time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
    }.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text
