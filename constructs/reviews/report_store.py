"""Where reports of reviews are kept: one bucket, a prefix a review (§7)."""

from collections.abc import Sequence
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.common.encryption_key import EncryptionKey
from constructs.common.permissions import Grantee, Statement, allow, policy

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
        document = policy([_only_over_tls(self.bucket_arn)])
        over_tls = s3.CfnBucketPolicy(
            self, "Policy", bucket=self.bucket_name, policy_document=document
        )
        self._logical_id = cdk.Stack.of(self).get_logical_id(
            cast("cdk.CfnElement", self.node.default_child)
        )
        _acknowledge(self, over_tls)

    def grant_review(self, grantee: Grantee, review: str) -> None:
        """Let it write below its own prefix, and read there what it wrote."""
        grantee.permit(allow("s3:GetObject", "s3:PutObject", on=[f"{self.bucket_arn}/{review}/*"]))
        self.grant_list(grantee, [f"{review}/*"])
        grantee.permit(allow("kms:Decrypt", "kms:GenerateDataKey", on=[self._key.key_arn]))

    def folder(self, review: str) -> dict[str, str]:
        """The resource of ``grant_review`` that holds a ``*``, and why."""
        own = f"<{self._logical_id}.Arn>/{review}/*"
        return {own: "Reports of this review, whose names are dates"}

    def grant_list(self, grantee: Grantee, prefixes: Sequence[str]) -> None:
        """Let it ask which objects there are below ``prefixes``, and how old they are."""
        below = {"StringLike": {"s3:prefix": list(prefixes)}}
        grantee.permit(allow("s3:ListBucket", on=[self.bucket_arn], when=below))


def _only_over_tls(arn: str) -> Statement:
    return {
        "Sid": "AllowOverTLSOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(_READS_AND_WRITES),
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _acknowledge(bucket: s3.Bucket, bucket_policy: s3.CfnBucketPolicy) -> None:
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
