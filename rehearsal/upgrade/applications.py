"""The running applications, and what they lived through."""

import json
from dataclasses import asdict
from pathlib import Path

from rehearsal.common.checks.expecting import expect_that
from rehearsal.common.client_process import ClientProcess
from rehearsal.common.deployed import resources
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.upgrade.messages import REQUESTS, USERS, Counted, Deciding, spent_by

INSTANCES = 4


class Applications(ClientProcess):
    """`client` is the folder with the client package that they have installed."""

    def __init__(self, rehearsal: Rehearsal, client: Path) -> None:
        told = Deciding(path=_settings_path(rehearsal), instances=INSTANCES)
        super().__init__(
            ["rehearsal.upgrade.deciding", json.dumps(asdict(told))],
            rehearsal.embedded_aws.environment
            | {"PYTHONPATH": str(client), "SSL_CERT_FILE": str(rehearsal.authority)},
            rehearsal.folder / "applications.log",
        )

    def end(self, *, longest_gap: float) -> str:
        """RehearsalError if they lost a limit, were told an error, or missed Redis too long.

        `longest_gap` is in seconds.
        """
        counted = Counted(**json.loads(self.told()))
        expect_that(counted.raised is None, f"an application got an error: {counted.raised}")
        require_limits_kept(counted.left)
        fallback = counted.sources.get("fallback", 0)
        told = (
            f"{counted.decisions} decisions of {INSTANCES} instances, {fallback} of them without "
            f"Redis; the longest time without it was {counted.longest_gap:.2f} s"
        )
        if counted.longest_gap > longest_gap:
            said = self.log.read_text().strip()
            raise RehearsalError(f"more than {longest_gap:g} s without Redis: {told}\n{said}")
        return f"{told}; {USERS} users have what they had left"


def require_limits_kept(left: dict[str, int]) -> None:
    """RehearsalError with the first user that has not as much left as before."""
    for user in range(USERS):
        wanted = REQUESTS - spent_by(user)
        expect_that(
            left.get(str(user)) == wanted,
            f"the upgrade lost a limit: user {user} had {wanted} requests left, now "
            f"{left.get(str(user))}",
        )


def _settings_path(rehearsal: Rehearsal) -> str:
    (url,) = (
        found.physical_id
        for found in resources(rehearsal, "AWS::SSM::Parameter")
        if found.physical_id.endswith("/REDIS_URL")
    )
    return url.rpartition("/")[0]
