"""What ROTATE and SET do to the AUTH tokens that a group accepts.

Source: ElastiCache user guide, "Authenticating with the AUTH command"; that ROTATE leaves an
open group open: terraform-provider-aws#33439.
"""

from __future__ import annotations

from dataclasses import dataclass, field


class TokenRefusedError(Exception):
    """AWS does not take this token in this state."""


@dataclass(frozen=True)
class Tokens:
    """At most two tokens, the oldest first; `open` says that no token is asked for."""

    accepted: tuple[str, ...] = field(default=(), repr=False)
    open: bool = True

    @classmethod
    def only(cls, token: str | None) -> Tokens:
        """What a group accepts that was created with this token, or with none."""
        return cls() if token is None else cls((token,), open=False)

    def rotate(self, token: str) -> Tokens:
        """Add a token and keep the previous one: a third evicts the oldest.

        A token that was the last one already still pushes the older one out: nothing says that
        AWS spares it, so a client that relies on it must fail here.
        """
        kept = tuple(old for old in self.accepted[-1:] if old != token)
        return Tokens((*kept, token), open=self.open)

    def set(self, token: str) -> Tokens:
        """Leave this one token. Raises TokenRefusedError unless it is the one last rotated."""
        if self.accepted and token != self.accepted[-1]:
            raise TokenRefusedError("SET takes only the token that was rotated last")
        return Tokens((token,), open=False)

    def acl(self) -> list[str]:
        """The ACL rules of Redis that make a user accept exactly these."""
        rules = ["resetpass", *(f">{token}" for token in self.accepted)]
        return [*rules, "nopass"] if self.open else rules
