"""The keys by which a restored backup proves itself, and the manifest that they are held against.

They are made at synth from the group's name: nothing about them is secret, and two synths give the
same. What a sentinel must be is written twice, in two places that no failure of Redis reaches: the
values in the input of the schedule that keeps them, their digests in an SSM parameter. SSM and not
S3: the manifest is 3 KB, a parameter is free, has a history, and needs no bucket with its policies.
"""

import hashlib
import json

from aws_cdk import aws_ssm as ssm

from constructs import Construct
from constructs.common.permissions import Grantee, allow, place

COUNT = 32  # with their digests just below the 4 KB of a free parameter
_PREFIX = "recovery:sentinel:"


def values(group_id: str) -> dict[str, str]:
    """Each sentinel's value by key: 64 hexadecimal digits."""
    keys = [f"{_PREFIX}{number:02}" for number in range(COUNT)]
    return {key: _digest(f"{group_id} {key}") for key in keys}


def manifest(group_id: str) -> str:
    """The digest of each value, by key, and a checksum over all; as lambda/recovery reads it."""
    digests = {key: _digest(value) for key, value in values(group_id).items()}
    canonical = json.dumps(digests, sort_keys=True, separators=(",", ":"))
    document = {"version": 1, "sentinels": digests, "checksum": _digest(canonical)}
    return json.dumps(document, separators=(",", ":"))


class SentinelManifest(Construct):
    """The parameter."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str, group_id: str) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        ssm.CfnParameter(
            self,
            "Parameter",
            name=name,
            type="String",
            description=f"What the sentinel keys of {group_id} must be: digests and a checksum",
            value=manifest(group_id),
        )

    def grant_read(self, grantee: Grantee) -> None:
        """Let it read the parameter."""
        arn = place(self).arn("ssm", f"parameter{self.name}")
        grantee.permit(allow("ssm:GetParameter", on=[arn]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
