"""Where reports of reviews are kept: one bucket, a prefix a review (§7)."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.common.encryption_key import EncryptionKey
from constructs.common.permissions import Grantee, Statement, allow, policy

DAYS_KEPT = 400  # last year's report of the same week is still there
DAYS_OVERWRITTEN = 30  # after which what was written over is gone
DAYS_UNFINISHED = 7

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


class ReportStore(Construct):
    """An encrypted bucket that only the account reads, over TLS; what is old leaves by itself.

    It is kept when its stack goes, as CloudFormation deletes no bucket that has objects; so its
    name is CloudFormation's, which a second deployment does not meet.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: EncryptionKey) -> None:
        """``key`` encrypts every report; who writes or reads one needs it too."""
        super().__init__(scope, construct_id)
        self._key = key
        bucket = s3.CfnBucket(
            self,
            "Resource",
            bucket_encryption=_encryption(key),
            # A report that is written over, by a second run or a mistake, can be had back.
            versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
            public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
            ),
            ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
                rules=[
                    s3.CfnBucket.OwnershipControlsRuleProperty(
                        object_ownership="BucketOwnerEnforced"
                    )
                ]
            ),
            lifecycle_configuration=_lifecycle(),
        )
        bucket.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self.name = bucket.ref
        self.arn = bucket.attr_arn
        bucket_policy = s3.CfnBucketPolicy(
            self, "Policy", bucket=self.name, policy_document=policy([_only_over_tls(self.arn)])
        )
        self._logical_id = cdk.Stack.of(self).get_logical_id(bucket)
        _acknowledge(bucket, bucket_policy)

    def grant_write(self, grantee: Grantee, review: str) -> None:
        """Let it write below its own prefix, and read there what it wrote."""
        grantee.permit(allow("s3:GetObject", "s3:PutObject", on=[f"{self.arn}/{review}/*"]))
        self.grant_list(grantee, [f"{review}/*"])
        grantee.permit(allow("kms:Decrypt", "kms:GenerateDataKey", on=[self._key.arn]))

    def folder(self, review: str) -> dict[str, str]:
        """The resource of ``grant_write`` that holds a ``*``, and why."""
        own = f"<{self._logical_id}.Arn>/{review}/*"
        return {own: "Reports of this review, whose names are dates"}

    def grant_list(self, grantee: Grantee, prefixes: Sequence[str]) -> None:
        """Let it ask which objects there are below ``prefixes``, and how old they are."""
        below = {"StringLike": {"s3:prefix": list(prefixes)}}
        grantee.permit(allow("s3:ListBucket", on=[self.arn], when=below))


def _encryption(key: EncryptionKey) -> s3.CfnBucket.BucketEncryptionProperty:
    bucket = s3.CfnBucket
    return bucket.BucketEncryptionProperty(
        server_side_encryption_configuration=[
            bucket.ServerSideEncryptionRuleProperty(
                bucket_key_enabled=True,
                server_side_encryption_by_default=bucket.ServerSideEncryptionByDefaultProperty(
                    sse_algorithm="aws:kms", kms_master_key_id=key.arn
                ),
            )
        ]
    )


def _lifecycle() -> s3.CfnBucket.LifecycleConfigurationProperty:
    bucket = s3.CfnBucket
    return bucket.LifecycleConfigurationProperty(
        rules=[
            bucket.RuleProperty(
                id="reports-leave",
                status="Enabled",
                expiration_in_days=DAYS_KEPT,
                noncurrent_version_expiration=bucket.NoncurrentVersionExpirationProperty(
                    noncurrent_days=DAYS_OVERWRITTEN
                ),
                abort_incomplete_multipart_upload=bucket.AbortIncompleteMultipartUploadProperty(
                    days_after_initiation=DAYS_UNFINISHED
                ),
            )
        ]
    )


def _only_over_tls(arn: str) -> Statement:
    return {
        "Sid": "AllowOverTLSOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(_READS_AND_WRITES),
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _acknowledge(bucket: s3.CfnBucket, bucket_policy: s3.CfnBucketPolicy) -> None:
    acknowledge(
        bucket,
        "AwsSolutions:S1",
        "NIST:S3BucketLoggingEnabled",
        "PCI:S3BucketLoggingEnabled",
        reason="Access logs would need a second bucket; the account's CloudTrail has data events",
    )
    for part in (bucket, bucket_policy):
        acknowledge(
            part,
            "AwsSolutions:S10",
            "NIST:S3BucketSSLRequestsOnly",
            "PCI:S3BucketSSLRequestsOnly",
            reason="Plain text is refused for each action by name; the rule reads s3:* alone",
        )
    acknowledge(
        bucket,
        "NIST:S3BucketReplicationEnabled",
        "PCI:S3BucketReplicationEnabled",
        reason="A review can be run again: a copy in another Region would cost more than it saves",
    )
    acknowledge(
        bucket,
        "NIST:S3BucketDefaultLockEnabled",
        reason="Reports are for reading, no records that must not be deleted",
    )
