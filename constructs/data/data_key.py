"""The key that everything at rest is encrypted with: data, snapshots, token and logs (§2.1)."""

from constructs import Construct
from constructs.common.encryption_key import EncryptionKey


class DataKey(EncryptionKey):
    """The customer-managed key of the data.

    ElastiCache makes grants of its own on behalf of whoever creates the group, so it needs no
    statement here (ElastiCache user guide, "At-rest encryption: using customer managed keys").
    Snapshots can only be read with this key: losing it loses them.
    """

    def __init__(self, scope: Construct, construct_id: str, *, alias: str) -> None:
        """``alias`` is the key's readable name, without ``alias/``."""
        super().__init__(
            scope,
            construct_id,
            alias=alias,
            description="Redis data, snapshots, AUTH token and logs",
        )
