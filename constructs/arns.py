"""The names that AWS gives to resources of a stack's account and region."""

from functools import lru_cache

import aws_cdk as cdk

from constructs import IConstruct


def arn(scope: IConstruct, service: str, resource: str) -> str:
    """``arn:aws:<service>:<region>:<account>:<resource>`` in the stack of ``scope``."""
    return f"arn:aws:{service}:{':'.join(place(scope))}:{resource}"


def place(scope: IConstruct) -> tuple[str, str]:
    """Region and account of the stack of ``scope``."""
    return _place(cdk.Stack.of(scope))


@lru_cache(maxsize=16)  # each is a call to Node; a synth has few stacks
def _place(stack: cdk.Stack) -> tuple[str, str]:
    return stack.region, stack.account
