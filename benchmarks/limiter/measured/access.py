"""What every candidate is given: where the server is, how to log in, and the limit to keep."""

from __future__ import annotations

from dataclasses import dataclass, field

POOL_SIZE = 20  # §5.4, for every candidate alike
PATIENCE = 60  # seconds to connect: nobody's speed, on however busy a machine


@dataclass(frozen=True)
class Access:
    """One node, over TLS, with the token; at most `requests` of a key in any `seconds`."""

    host: str
    port: int
    ca_file: str
    token: str = field(repr=False)
    requests: int = 120
    seconds: int = 60
    deadline: float | None = None  # seconds; ours alone has one, None is its own default

    @property
    def url(self) -> str:
        """The node as a URL, without the token."""
        return f"rediss://{self.host}:{self.port}"
