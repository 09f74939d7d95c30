"""A review: a function on a schedule that writes a report and tells the channel of it (§7)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from constructs import Construct
from constructs.alarms.metrics import Severity
from constructs.alarms.notifications import AlarmNotifications
from constructs.common.encryption_key import EncryptionKey
from constructs.common.own_function import OwnFunction, invoke_on_schedule
from constructs.common.permissions import (
    Grantee,
    ManagedPolicy,
    Statement,
    acknowledge,
    allow,
    only_over_tls,
    policy,
    wildcard,
)
from constructs.reviews.review_kinds import ReviewKind
from environments.schema import Settings

KEPT = cdk.Duration.days(400)  # last year's report of the same week is still there
OVERWRITTEN = cdk.Duration.days(30)  # after which what was written over is gone
UNFINISHED = cdk.Duration.days(7)

# By name, for no action is a wildcard here.
_READS_AND_WRITES = (
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutObject",
)


class ReportStore(s3.Bucket):
    """An encrypted bucket that only the account reads, over TLS; what is old leaves by itself.

    It is kept when its stack goes, as CloudFormation deletes no bucket that has objects; so its
    name is CloudFormation's, which a second deployment does not meet.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: EncryptionKey) -> None:
        """``key`` encrypts every report; who writes or reads one needs it too."""
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            # A report that is written over, by a second run or a mistake, can be had back.
            versioned=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="reports-leave",
                    expiration=KEPT,
                    noncurrent_version_expiration=OVERWRITTEN,
                    abort_incomplete_multipart_upload_after=UNFINISHED,
                )
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        self._key = key
        # Not by the library's enforce_ssl, which would refuse s3:* and have another logical id: a
        # policy that replaces one of the same bucket is taken away with it.
        everything = [self.bucket_arn, f"{self.bucket_arn}/*"]
        document = only_over_tls(*_READS_AND_WRITES, on=everything, sid="AllowOverTLSOnly")
        over_tls = s3.CfnBucketPolicy(
            self, "Policy", bucket=self.bucket_name, policy_document=policy([document])
        )
        self._logical_id = cdk.Stack.of(self).get_logical_id(
            cast("cdk.CfnElement", self.node.default_child)
        )
        trail = "Access logs would need a second bucket; the account's CloudTrail has data events"
        by_name = "Plain text is refused for each action by name; the rule reads s3:* alone"
        again = "A review can be run again: a copy in another Region would cost more than it saves"
        lock = "Reports are for reading, no records that must not be deleted"
        refused = {"AwsSolutions:S10": by_name, "NIST+PCI:S3BucketSSLRequestsOnly": by_name}
        logged = {"AwsSolutions:S1": trail, "NIST+PCI:S3BucketLoggingEnabled": trail}
        once = {
            "NIST+PCI:S3BucketReplicationEnabled": again,
            "NIST:S3BucketDefaultLockEnabled": lock,
        }
        acknowledge(self, {**logged, **refused, **once})
        acknowledge(over_tls, refused)

    def grant_review(self, grantee: Grantee, review: str) -> None:
        """Let it write below its own prefix, and read there what it wrote."""
        grantee.permit(allow("s3:GetObject", "s3:PutObject", on=[f"{self.bucket_arn}/{review}/*"]))
        self.grant_list(grantee, [f"{review}/*"])
        grantee.permit(allow("kms:Decrypt", "kms:GenerateDataKey", on=[self._key.key_arn]))

    def folder(self, review: str) -> str:
        """The rule against the resource of ``grant_review`` that holds a ``*``."""
        return wildcard(f"<{self._logical_id}.Arn>/{review}/*")

    def grant_list(self, grantee: Grantee, prefixes: Sequence[str]) -> None:
        """Let it ask which objects there are below ``prefixes``, and how old they are."""
        below = {"StringLike": {"s3:prefix": list(prefixes)}}
        grantee.permit(allow("s3:ListBucket", on=[self.bucket_arn], when=below))


LONGEST_SECONDS = 600
ATTEMPTS = 20  # of the scheduler to hand it over, in an hour
OUTSIDE = "It calls AWS's API alone; inside, each service would take an endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all reviews of an environment share."""

    settings: Settings
    store: ReportStore
    notifications: AlarmNotifications


class Review(Construct):
    """It may write below its own prefix of the store, notify the channel, and what it is given.

    ``watch_reviews`` publishes when it last ran.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        shared: Shared,
        kind: ReviewKind,
        module: str,
        environment: Mapping[str, str],
        may: Sequence[Statement],
        more_policies: Sequence[ManagedPolicy] = (),
    ) -> None:
        """``module`` is in the package of reviews, ``may`` what it reads.

        ``more_policies`` are for what has no room in its own.
        """
        super().__init__(scope, construct_id)
        settings, store, notifications = shared.settings, shared.store, shared.notifications
        # The topic that the channel alone reads: PagerDuty discards what is no alarm.
        channel = Severity.WARNING
        self.kind = kind
        self.function = OwnFunction(
            self,
            "Function",
            settings=settings,
            name=kind.function_name,
            handler=f"reviews.{module}.handler",
            environment={
                "REVIEW": kind.name,
                "METRICS": kind.metric_prefix,
                "REPORTS_BUCKET": store.bucket_name,
                "CHANNEL_TOPIC_ARN": notifications.topic_arns[channel],
                "REPLICATION_GROUP_ID": settings.redis.replication_group_id,
                "ENVIRONMENT": settings.environment.name,
                "RUNBOOK": settings.notifications.runbook_url,
                **environment,
            },
            may=may,
            more_policies=more_policies,
            timeout_seconds=LONGEST_SECONDS,
            key=notifications.key,
            outside=OUTSIDE,
        )
        store.grant_review(self.function, kind.name)
        why = "Reports of this review, whose names are dates"
        acknowledge(self.function.policy, {store.folder(kind.name): why})
        notifications.grant_publish(self.function, channel)
        what, description = kind.what, f"The {kind.what}: report and message"
        invoke_on_schedule(self, self.function, what, kind.schedule, description, attempts=ATTEMPTS)


EVERY_MINUTES = 15  # longer than a review takes: one that fails is begun again, none beside itself
WATCH_SECONDS = 60


def watch_reviews(scope: Construct, shared: Shared, reviews: Sequence[Review]) -> None:
    """Publish the age of each review's last run, for the alarms.

    The function asks the store, and not the reviews: one that breaks off before its message was
    sent has not run. After the first deployment it has every review run once, so that no reader
    waits a month for the first report, or for the news that it cannot be made.
    """
    settings, store = shared.settings, shared.store
    watched = {
        one.kind.name: {"metric": one.kind.age_metric, "function": one.function.given_name}
        for one in reviews
    }
    function = OwnFunction(
        scope,
        "Function",
        settings=settings,
        name="review-watch",
        handler="reviews.watch.handler",
        environment={
            "REPORTS_BUCKET": store.bucket_name,
            "REPLICATION_GROUP_ID": settings.redis.replication_group_id,
            "WATCHED": json.dumps(watched),
            **({"TEST_MONTHLY": "true"} if settings.notifications.test_monthly else {}),
        },
        may=[allow("lambda:InvokeFunction", on=[one.function.arn for one in reviews])],
        timeout_seconds=WATCH_SECONDS,
        key=shared.notifications.key,
        outside=OUTSIDE,
    )
    store.grant_list(function, [f"{name}/ran.json" for name in watched])
    what, expression = "Publish how long ago each review ran", f"rate({EVERY_MINUTES} minutes)"
    invoke_on_schedule(scope, function, "review watch", expression, what)
