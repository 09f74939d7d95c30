"""Where the stack of a construct is deployed, and the ARNs of that place."""

from functools import lru_cache
from typing import Any, NamedTuple, cast

import aws_cdk as cdk

from constructs import IConstruct


class Place(NamedTuple):
    """One account's part of one region."""

    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """``arn:aws:<service>:<region>:<account>:<resource>``."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def place(scope: IConstruct) -> Place:
    """The place of the stack that ``scope`` is in."""
    return _place_of(cast("Any", scope))  # IConstruct does not say that it can be hashed


# Every question and every read of a property is a call to Node.
@lru_cache(maxsize=256)
def _place_of(scope: Any) -> Place:
    return _place(cdk.Stack.of(scope))


@lru_cache(maxsize=16)
def _place(stack: cdk.Stack) -> Place:
    return Place(stack.region, stack.account)
