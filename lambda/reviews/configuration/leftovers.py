"""What is unused, what has no expiry, and what is not encrypted."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from reviews.configuration.drift import Stacks
from shared.aws_calls import ask, every
from shared.line import Line
from shared.snapshots import listed, taken

UNUSED = "review-unused"
UNENCRYPTED = "review-unencrypted"
PARAMETERS = "review-parameters"
OLD = timedelta(days=30)
GB_MONTH = 0.085  # US dollars for a snapshot, list price (ElastiCache pricing)


def check_parameters(elasticache: Any, stacks: Stacks) -> Iterator[Line]:
    """Parameters that somebody set are those of the template, with its values."""
    for group in stacks.of("AWS::ElastiCache::ParameterGroup"):
        wanted = {name: str(value) for name, value in group.properties["Properties"].items()}
        listing = elasticache.describe_cache_parameters, "Parameters"
        parameters = every(*listing, CacheParameterGroupName=group.physical_id, Source="user")
        found = {each["ParameterName"]: each.get("ParameterValue", "") for each in parameters}
        for name in sorted(wanted.keys() | found.keys()):
            there, asked = (of.get(name, "not set") for of in (found, wanted))
            yield Line.equal(f"parameter {name}", there, asked, PARAMETERS)


def check_unused(
    elasticache: Any, ec2: Any, stacks: Stacks, prefix: str, group_id: str, now: datetime
) -> Iterator[Line]:
    """Parameter groups, snapshots and security groups that a change or a person left behind."""
    groups = every(elasticache.describe_cache_parameter_groups, "CacheParameterGroups")
    names = [each["CacheParameterGroupName"] for each in groups]
    ours = stacks.ids("AWS::ElastiCache::ParameterGroup")
    left = [name for name in names if name.startswith(f"{prefix}-") and name not in ours]
    yield _line("parameter groups", left, "none left behind by an upgrade", UNUSED)
    named = [{"Name": "group-name", "Values": [f"{prefix}-*"]}]
    security_groups = every(ec2.describe_security_groups, "SecurityGroups", Filters=named)
    there = stacks.ids("AWS::EC2::SecurityGroup")
    left = [one["GroupName"] for one in security_groups if one["GroupId"] not in there]
    yield _line("security groups", left, f"none called {prefix}-… outside our stacks", UNUSED)
    replication_groups = stacks.of("AWS::ElastiCache::ReplicationGroup")
    # Our template gives a number of shards in cluster mode alone.
    cluster_mode = any("NumNodeGroups" in group.properties for group in replication_groups)
    old = [
        snapshot["SnapshotName"]
        for snapshot in listed(elasticache, group_id, cluster_mode=cluster_mode, source="user")
        if (when := taken(snapshot)) and now - when > OLD
    ]
    wanted = f"none older than {OLD.days} days: each costs ${GB_MONTH} per GB and month"
    yield _line("manual snapshots", old, wanted, UNUSED)


def check_logs(logs: Any, stacks: Stacks, prefixes: Sequence[str]) -> Iterator[Line]:
    """Log groups are of a stack, end some day, and are encrypted."""
    names = {
        group["logGroupName"]: group
        for prefix in prefixes
        for group in every(logs.describe_log_groups, "logGroups", logGroupNamePrefix=prefix)
    }
    left = sorted(names.keys() - stacks.ids("AWS::Logs::LogGroup"))
    yield _line("log groups", left, "only the stacks' own", UNUSED)
    endless = sorted(name for name, group in names.items() if not group.get("retentionInDays"))
    yield _line("retention of logs", endless, "every log group forgets", UNUSED)
    plain = sorted(name for name, group in names.items() if not group.get("kmsKeyId"))
    yield _line("encryption of logs", plain, "every log group has our key", UNENCRYPTED)


def check_encrypted(aws: Callable[[str], Any], stacks: Stacks, key_arn: str) -> Iterator[Line]:
    """Topics with a key, queues and the token's secret encrypted as the templates ask."""

    def line(name: str, encrypted: object, found: str, wanted: str) -> Line:
        return _line(f"encryption of {name}", [] if encrypted else [found], wanted, UNENCRYPTED)

    for topic in stacks.of("AWS::SNS::Topic"):
        if "KmsMasterKeyId" in topic.properties:  # ElastiCache's own topic may not have one
            read = aws("sns").get_topic_attributes
            attributes = ask(read, TopicArn=topic.physical_id)["Attributes"]
            name = topic.physical_id.rpartition(":")[2]
            yield line(name, attributes.get("KmsMasterKeyId"), "no key", "a key")
    for queue in stacks.of("AWS::SQS::Queue"):
        asked = {"AttributeNames": ["SqsManagedSseEnabled", "KmsMasterKeyId"]}
        answer = ask(aws("sqs").get_queue_attributes, QueueUrl=queue.physical_id, **asked)
        attributes = answer.get("Attributes", {})
        name, by_sqs = queue.physical_id.rpartition("/")[2], attributes.get("SqsManagedSseEnabled")
        encrypted = attributes.get("KmsMasterKeyId") or by_sqs == "true"
        yield line(name, encrypted, "none", "by SQS or a key")
    for secret in stacks.of("AWS::SecretsManager::Secret"):
        describe = aws("secretsmanager").describe_secret
        answer = ask(describe, SecretId=secret.physical_id)
        yield line("the token", answer.get("KmsKeyId") == key_arn, "another key", "our key")


def _line(name: str, wrong: list[str], wanted: str, section: str) -> Line:
    return Line(name, not wrong, ", ".join(wrong) or "none", wanted, section)
