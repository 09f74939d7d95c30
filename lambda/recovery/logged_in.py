"""A login of the functions in the VPC, each with the token that is now in its secret."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

from shared.boto_config import client
from shared.group import Endpoint
from shared.login import talk
from shared.secret import Secret

Answer = TypeVar("Answer")


def logged_in(host: str, port: int, work: Callable[[Any], Answer]) -> Answer:
    """What ``work`` returns; in cluster mode its client finds the shard of each key.

    Raises what ``talk`` and ``ask`` raise.
    """
    secret = Secret(client("secretsmanager"), os.environ["SECRET_ARN"])
    token = secret.token(secret.versions().current)
    cluster = os.environ["CLUSTER_MODE"] == "true"
    return talk(Endpoint("primary", host, port), token, work, cluster=cluster)
