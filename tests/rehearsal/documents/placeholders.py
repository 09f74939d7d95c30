"""What a person puts for the words in angle brackets, on a rehearsal."""

import secrets
import uuid
from collections.abc import Callable
from functools import partial

from emulator.clean_environment import ACCOUNT
from emulator.nodes.waiting import wait_until
from environments.access import access_string, user_group_id, user_id
from rehearsal.common.checkout import PAGERDUTY_SECRET
from rehearsal.common.deployed import Deployed, settled, token
from rehearsal.common.rehearsal import Rehearsal, only, resources
from rehearsal.recovery import Machine, names_of
from rehearsal.stack_states import FAILED, in_state

_PATIENCE = 240  # seconds
TOO_WIDE = "arn:aws:iam::aws:policy/AdministratorAccess"
LEFT_OVER = "vibewell-redis-recovery-0000"
GROUP = "vibewell-redis"


def snapshot(rehearsal: Rehearsal) -> str:
    """The daily one."""
    return names_of(rehearsal.aws("elasticache"), GROUP, "system")[-1]


def old_snapshot(rehearsal: Rehearsal) -> str:
    """A copy that nobody needs any more."""
    rehearsal.aws("elasticache").copy_snapshot(
        SourceSnapshotName=snapshot(rehearsal), TargetSnapshotName="too-old"
    )
    return "too-old"


def left_over(rehearsal: Rehearsal) -> str:
    """A group as a recovery test may leave one."""
    cache = rehearsal.aws("elasticache")
    cache.create_replication_group(
        ReplicationGroupId=LEFT_OVER,
        ReplicationGroupDescription="left over",
        Engine="redis",
        EngineVersion="6.2",
        CacheNodeType="cache.t3.medium",
        NumCacheClusters=1,
        AutomaticFailoverEnabled=False,
    )
    settled(rehearsal, LEFT_OVER)
    return LEFT_OVER


def secret(rehearsal: Rehearsal) -> str:
    """The one that clients read."""
    return only(rehearsal, "AWS::SecretsManager::Secret", "-data").physical_id


def version(rehearsal: Rehearsal) -> str:
    """Another version, which holds the token that opens Redis."""
    made = rehearsal.aws("secretsmanager").put_secret_value(
        SecretId=secret(rehearsal), SecretString=token(rehearsal), VersionStages=["SPARE"]
    )
    return str(made["VersionId"])


def key(rehearsal: Rehearsal) -> str:
    """The data stack's."""
    return only(rehearsal, "AWS::KMS::Key", "-data").physical_id


def receipt_handle(rehearsal: Rehearsal) -> str:
    """Of an event that nobody was told of."""
    queues = rehearsal.aws("sqs")
    queue = queues.get_queue_url(QueueName="vibewell-redis-production-events-unread")["QueueUrl"]
    queues.send_message(QueueUrl=queue, MessageBody="{}")
    (message,) = queues.receive_message(QueueUrl=queue)["Messages"]
    return str(message["ReceiptHandle"])


def role(rehearsal: Rehearsal) -> str:
    """The health check's, with a policy that somebody attached by hand."""
    found = rehearsal.aws("lambda").get_function(FunctionName="vibewell-redis-production-health")
    name = str(found["Configuration"]["Role"]).rpartition("/")[2]
    rehearsal.aws("iam").attach_role_policy(RoleName=name, PolicyArn=TOO_WIDE)
    return name


def left_over_bucket(rehearsal: Rehearsal) -> str:
    """An empty one."""
    name = f"left-over-{uuid.uuid4().hex[:8]}"
    rehearsal.aws("s3").create_bucket(Bucket=name)
    return name


def other_user(rehearsal: Rehearsal) -> str:
    """Another user `default`, which somebody put into the user group in our user's place."""
    cache, name = rehearsal.aws("elasticache"), f"other-{uuid.uuid4().hex[:8]}"
    cache.create_user(
        UserId=name,
        UserName="default",
        Engine="redis",
        AccessString="on ~* +@all",
        Passwords=[secrets.token_hex(16)],
    )
    group, ours = user_group_id(GROUP), user_id(GROUP)
    cache.modify_user_group(UserGroupId=group, UserIdsToAdd=[name], UserIdsToRemove=[ours])

    def there() -> bool | None:
        (found,) = cache.describe_user_groups(UserGroupId=group)["UserGroups"]
        return found["Status"] == "active" or None

    wait_until(there, seconds=_PATIENCE, what=f"{name} in {group}")
    return name


VALUES: dict[str, Callable[[Rehearsal], str]] = {
    "access string": lambda _: access_string([]),
    "account": lambda _: ACCOUNT,
    "address": lambda _: "10.0.0.7",
    "alarm": lambda it: it.aws("cloudwatch").describe_alarms()["MetricAlarms"][0]["AlarmName"],
    "association": lambda it: only(it, "AWS::SSM::Association").physical_id,
    "bucket": lambda _: "exported-snapshots",
    "execution": lambda it: Machine(it).start(),
    "key": key,
    "half deleted stack": partial(in_state, status="DELETE_FAILED"),
    "left over bucket": left_over_bucket,
    "left over group": left_over,
    "left over key": lambda it: str(it.aws("kms").create_key()["KeyMetadata"]["KeyId"]),
    "logical id": lambda _: FAILED,
    "log group": lambda _: "/aws/lambda/vibewell-redis-production-health",
    "old snapshot": old_snapshot,
    "other user": other_user,
    "parameter": lambda _: "timeout",
    "parameter group": lambda it: only(it, "AWS::ElastiCache::ParameterGroup").physical_id,
    "pagerduty secret": lambda _: PAGERDUTY_SECRET,
    "paused creation": partial(in_state, status="CREATE_FAILED"),
    "paused update": partial(in_state, status="UPDATE_FAILED"),
    "policy": lambda _: TOO_WIDE,
    "present version": lambda it: it.aws("secretsmanager").get_secret_value(SecretId=secret(it))[
        "VersionId"
    ],
    "primary address": lambda it: Deployed.of(it).published[0],
    "receipt handle": receipt_handle,
    "role": role,
    "secret": secret,
    "server": lambda _: "i-0123456789abcdef0",
    "snapshot": snapshot,
    "stack": lambda it: str(it.cdk.stacks[0]),
    "stack in review": partial(in_state, status="REVIEW_IN_PROGRESS"),
    "stack that failed": partial(in_state, status="ROLLBACK_COMPLETE"),
    "stack that is updated": partial(in_state, status="UPDATE_IN_PROGRESS"),
    "stack whose rollback failed": partial(in_state, status="ROLLBACK_FAILED"),
    "stuck stack": partial(in_state, status="UPDATE_ROLLBACK_FAILED"),
    "topic": lambda it: next(
        one.physical_id
        for one in resources(it, "AWS::SNS::Topic")
        if one.physical_id.endswith("-warning")
    ),
    "value": lambda _: "300",
    "version": version,
}
