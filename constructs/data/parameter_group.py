"""The engine's parameters (§2.2)."""

from collections.abc import Mapping
from typing import Any, Protocol

import aws_cdk as cdk
from aws_cdk import aws_elasticache as elasticache

from constructs import Construct
from environments.engines import Engine


class ParameterGroup(Protocol):
    """What other constructs read of it, whoever made it."""

    @property
    def ref(self) -> str:
        """Its name."""

    @property
    def properties(self) -> Any:
        """Each parameter that is set, with its value."""


class RedisParameters(elasticache.CfnParameterGroup):
    """A parameter group of the engine's family.

    CloudFormation names it: a group in use cannot be deleted, so a change of family must be able
    to make the new one beside the old. The plan's name is in the description and the Name tag.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        engine: Engine,
        cluster_mode: bool,
        values: Mapping[str, str | int],
    ) -> None:
        """``values`` are parameter names and values as ElastiCache spells them."""
        properties = {key: str(value) for key, value in values.items()}
        if cluster_mode:
            # ElastiCache makes shards only for a group whose parameters say so at creation.
            properties["cluster-enabled"] = "yes"
        super().__init__(
            scope,
            construct_id,
            cache_parameter_group_family=engine.family,
            description=name,
            properties=properties,
            tags=[cdk.CfnTag(key="Name", value=name)],
        )
        # Another family is another group, and CloudFormation refuses to change the value of an
        # export that a stack imports (Fn::ImportValue, "restrictions"): with the engine upgraded
        # already, and no way back. So other stacks read an output. Both, for the export must be
        # there until no stack that was deployed before imports it.
        self.apply_cross_stack_reference_strength(cdk.ReferenceStrength.BOTH)
