"""A search over many more settings than the other tests try: ``make search``.

Whatever the settings accept must become a template that CloudFormation's schemas accept, with
every node watched. Hypothesis looks for a combination that breaks it, and shrinks what it finds.
"""

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from environments.engines import ENGINES
from environments.node_types import NODE_TYPES
from environments.schema import Settings
from tests.stacks.test_topologies import findings, nodes_of
from tests.support import Document, Synth
from tests.variants import ABSENT, changed

pytestmark = pytest.mark.search

CLOCK = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 30)]


@st.composite
def changes(draw: st.DrawFn) -> Document:
    """Changes that the settings mostly accept: rules over several keys are drawn together."""
    engine = ENGINES[draw(st.sampled_from(sorted(ENGINES)))]
    possible = [
        name
        for name, node in sorted(NODE_TYPES.items())
        if not node.previous_generation and (engine.engine == "valkey" or not node.valkey_only)
    ]
    node = NODE_TYPES[draw(st.sampled_from(possible))]
    replicas = draw(st.integers(0, 5))
    shards = draw(st.integers(1, 3)) if replicas else 1
    failover = replicas > 0 and (shards > 1 or draw(st.booleans()))
    earned = node.cpu_credits
    return {
        "redis.engine": engine.name,
        "redis.node_type": node.name,
        "redis.cluster_mode": shards > 1 or (failover and draw(st.booleans())),
        "redis.shards": shards,
        "redis.replicas": replicas,
        "redis.automatic_failover": failover,
        "redis.multi_az": failover and draw(st.booleans()),
        "redis.data_tiering": node.supports_data_tiering,
        "redis.durability": draw(st.sampled_from(["default", "disabled", "sync"])),
        "redis.snapshot_window": f"{draw(st.sampled_from(CLOCK))}-{draw(st.sampled_from(CLOCK))}",
        "redis.snapshot_retention_days": draw(st.integers(1, 35)),
        "redis.parameters.timeout": draw(st.sampled_from([0, 20, 300])),
        "alarms.cpu_credit_balance": draw(st.integers(1, earned.maximum - 1)) if earned else ABSENT,
        "application.instances": draw(st.integers(1, 249)),
        "notifications.pagerduty_secret_name": draw(st.sampled_from([ABSENT, "example/pagerduty"])),
    }


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(changes=changes())
def test_what_the_settings_accept_cloudformation_accepts(
    synth: Synth, production_document: Document, changes: Document
) -> None:
    try:
        accepted = Settings.model_validate(changed(production_document, changes))
    except ValidationError:
        reject()
    stacks = synth([accepted])
    assert not findings(stacks)
    alarms = stacks["vibewell-redis-production-monitoring"].of_type("AWS::CloudWatch::Alarm")
    watched = {node for alarm in alarms.values() for node in nodes_of(alarm)}
    assert watched == set(accepted.redis.topology.members)
