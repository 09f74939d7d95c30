"""What the deployment publishes under one path of SSM Parameter Store."""

from __future__ import annotations

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from vibewell_redis.errors import SettingsError

# A call that AWS does not answer in this time is tried once more, then given up (seconds).
QUICK = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 2})


def read(path: str, session: boto3.Session | None) -> dict[str, str]:
    """Every parameter directly under the path, by its last part. Raises SettingsError."""
    if not path.startswith("/") or path.endswith("/"):
        raise SettingsError(
            f"{path!r} is not an SSM path. Write it without its last slash, for example "
            "/vibewell/production/redis."
        )
    ssm = (session or boto3.Session()).client("ssm", config=QUICK)
    try:
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path)
        found = [one for page in pages for one in page["Parameters"]]
    except (BotoCoreError, ClientError) as problem:
        raise SettingsError(
            f"{path} cannot be read: {problem}. Attach the read policy of the data stack to the "
            "application's role, and see that it reaches SSM."
        ) from None
    if not found:
        raise SettingsError(
            f"{path} holds no parameters. Write the path that the deployment publishes, for "
            "example /vibewell/production/redis, and see that the Region is its own."
        )
    return {one["Name"].rpartition("/")[2]: one["Value"] for one in found}
