"""The token as a value that no representation shows."""

import re
import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime

LENGTH = 64
ALPHABET = string.ascii_letters + string.digits
# What ElastiCache takes as a user's password: 16 to 128 printable characters, none of them a space
# or one of , " / @ (user guide, "Role-Based Access Control (RBAC)").
_PASSWORD = re.compile(r"[!#-+\-.0-?A-~]{16,128}")


@dataclass(frozen=True)
class AuthToken:
    """One version's token. Two are equal when Redis could not tell them apart."""

    text: str = field(repr=False)
    created: datetime = field(compare=False)

    @property
    def usable(self) -> bool:
        """Whether ElastiCache takes it as a user's password."""
        return _PASSWORD.fullmatch(self.text) is not None


def new_text() -> str:
    """A token of the shape that the secret was created with: 64 letters and digits.

    Made from the operating system's randomness and not by GetRandomPassword: that call takes no
    resource, so it would need a grant on ``*``, and it is one more that can fail.
    """
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
