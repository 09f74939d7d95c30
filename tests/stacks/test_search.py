"""A search over many more settings than the other tests try: ``make search``, ``make test-long``.

Whatever the settings accept must become a template that CloudFormation's schemas accept, with
every node watched. Hypothesis looks for a combination that breaks it. What it finds is not made
smaller: each try takes a synth of eight files and three runs of cfn-lint for each.
"""

from operator import itemgetter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from environments.access import EXTRA_COMMANDS
from environments.engines import ENGINES
from environments.node_types import NODE_TYPES
from environments.parameters import SETTABLE, check_parameter
from environments.regions import NOT_SOLD, REGIONS, zones
from environments.schema import Settings
from tests.stacks.limits import over
from tests.stacks.test_attached import ATTACHED
from tests.stacks.test_topologies import accepted, findings, nodes_of
from tests.support import Document, Synth
from tests.variants import ABSENT, OWN_VPC, REAL

pytestmark = [pytest.mark.search, pytest.mark.long]

WINDOWS = [{"requests": 1_000_000, "seconds": 1_209_600 - number} for number in range(8)]
TIERS = st.sampled_from([0, 39])
BACKUPS = ("02:00-03:00", "23:30-00:30", "14:00-20:00", "05:00-06:00")


@st.composite
def changes(draw: st.DrawFn) -> Document:
    """Changes that the settings mostly accept: rules over several keys are drawn together."""
    attached = draw(st.sampled_from([False, False, True]))
    engine = ENGINES[draw(st.sampled_from(sorted(ENGINES)))]
    possible = [
        name
        for name, node in sorted(NODE_TYPES.items())
        if (attached or not node.previous_generation)
        and (engine.engine == "valkey" or not node.valkey_only)
        and not (attached and node.family in NOT_SOLD["us-east-1"])
    ]
    node = NODE_TYPES[draw(st.sampled_from(possible))]
    region = draw(st.sampled_from([r for r in sorted(REGIONS) if node.family not in NOT_SOLD[r]]))
    replicas = draw(st.integers(0, 5))
    shards = draw(st.integers(1, 90 // (1 + replicas)) | st.integers(1, 3)) if replicas else 1
    failover = replicas > 0 and (shards > 1 or draw(st.booleans()))
    earned = node.cpu_credits
    sharded = shards > 1 or (failover and draw(st.booleans()))
    multi_az = failover and draw(st.booleans())
    durable = engine.has_durability and node.supports_durability and sharded and multi_az
    return {
        "redis.engine": engine.name,
        "redis.node_type": node.name,
        "redis.cluster_mode": sharded,
        "redis.shards": shards,
        "redis.replicas": replicas,
        "redis.automatic_failover": failover,
        "redis.multi_az": multi_az,
        "redis.data_tiering": node.supports_data_tiering,
        "redis.durability": draw(st.sampled_from(["default", "disabled", "sync"][: 2 + durable])),
        "redis.snapshot_window": draw(st.sampled_from(BACKUPS)),
        "redis.snapshot_retention_days": draw(st.integers(1, 35)),
        "redis.parameters": draw(parameters(engine.family)),
        "alarms.cpu_credit_balance": draw(st.integers(1, earned.maximum - 1)) if earned else ABSENT,
        "application.instances": draw(st.integers(1, 249)),
        "environment.reserved_concurrency": draw(st.sampled_from(["one", "none"])),
        "environment.name": draw(st.from_regex(r"[a-z][a-z0-9]{1,19}", fullmatch=True)),
        "environment.tags": draw(
            st.dictionaries(text(1, 128), text(1, 256), max_size=46).filter(
                lambda tags: len({key.lower() for key in tags}) == len(tags)
            )
        ),
        "redis.replication_group_id": draw(st.from_regex(r"[a-z](-?[a-z0-9]){12}", fullmatch=True)),
        "redis.parameter_group_name": draw(text(1, 255)),
        "redis.extra_commands": draw(
            st.lists(st.sampled_from(sorted(EXTRA_COMMANDS)), unique=True)
        ),
        "notifications.test_monthly": draw(st.booleans()),
        "redis.scaled": draw(st.sampled_from([ABSENT, "2026-11-30T10:00:00Z"])),
        "application.rate_limits.own": draw(st.sampled_from([ABSENT, WINDOWS])),
        **{f"application.rate_limits.{'t' * 29}{n}": WINDOWS for n in range(draw(TIERS))},
        "application.server_tag": draw(
            st.just(ABSENT)
            | st.fixed_dictionaries(
                {"key": text(1, 124).map(lambda key: key.replace("+", "-")), "value": text()}
            )
        ),
        **draw(attachments() if attached else deployments(region)),
    }


LETTERS = "".join(map(chr, range(97, 123))) + "ABZ019_ .:/=+-"


def text(least: int = 1, most: int = 256) -> st.SearchStrategy[str]:
    """What AWS takes as a tag, up to its longest."""
    letters = st.text(LETTERS, min_size=least, max_size=most).map(str.strip)
    return letters.filter(lambda found: len(found) >= least) | st.just("x" * most)


@st.composite
def parameters(draw: st.DrawFn, family: str) -> dict[str, str | int]:
    """Values at the ends of their ranges: of many parameters or few."""
    found: dict[str, str | int] = {}
    for name, allowed in SETTABLE[family].items():
        for value in allowed.replace("-", ",").split(","):
            try:
                check_parameter(family, name, value or "9" * 15)
            except ValueError:
                continue
            found[name] = value or "9" * 15
    names = draw(st.sets(st.sampled_from(sorted(found))) | st.just({*found}))
    return {name: found[name] for name in names} | {"min-replicas-to-write": 0}


@st.composite
def attachments(draw: st.DrawFn) -> Document:
    """A group of somebody else's, in production's network: no other is looked up without AWS."""
    place = "us-east-1:111122223333"
    possible: dict[str, str | bool] = {
        "address": text_of(draw, "a.", 253),
        "reader_address": text_of(draw, "r-", 253),
        "security_group_id": "sg-0123456789abcdef0",
        "kms_key_arn": text_of(draw, f"arn:aws:kms:{place}:key/", 100),
        "token_secret_arn": text_of(draw, f"arn:aws:secretsmanager:{place}:secret:", 572),
        **dict.fromkeys(("clients_read_secret", "plan_rights", "login_kept"), True),
    }
    needed = {"address", "security_group_id", "token_secret_arn"}
    there = needed | draw(st.sets(st.sampled_from(sorted({*possible} - needed))))
    return {
        **ATTACHED,
        "redis.encryption_at_rest": "kms_key_arn" in there or draw(st.booleans()),
        "redis.attached": {key: possible[key] for key in sorted(there)},
        "notifications.pagerduty_secret_name": ABSENT,
    }


def text_of(draw: st.DrawFn, begin: str, most: int) -> str:
    """Short, or as long as AWS takes."""
    return begin + draw(st.sampled_from(["abc1", "x" * (most - len(begin))]))


@st.composite
def deployments(draw: st.DrawFn, region: str) -> Document:
    """A group and a network of its own, in any Region."""
    vpc = OWN_VPC["network.vpc"] | {
        "zones": draw(st.lists(st.sampled_from(zones(region)), min_size=2, unique=True)),
        "cidr": draw(st.sampled_from(["10.0.0.0/16", "192.168.0.0/24", "100.64.0.0/26"])),
        "endpoints": draw(st.sampled_from([[], ["ssm"], ["ssm", "secretsmanager"]])),
    }
    kept = ["elasticache"] if "secretsmanager" in vpc["endpoints"] else None
    url = "https://example.com/" + draw(text(0, 480)).replace(" ", "-")
    return {
        **REAL,
        "environment.region": region,
        "notifications.pagerduty_secret_name": draw(st.sampled_from([ABSENT, "a/b_c+d=e.f@g-h"])),
        "notifications.runbook_url": url,
        "network.vpc": vpc,
        "rotation.endpoints": kept or ["secretsmanager", "elasticache"],
    }


@settings(
    max_examples=5,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(
    several=st.lists(changes(), min_size=8, max_size=8, unique_by=itemgetter("environment.name"))
)
def test_what_the_settings_accept_cloudformation_accepts(
    synth: Synth, production_document: Document, several: list[Document]
) -> None:
    documents = [accepted(production_document, [changes]) for changes in several]
    environments = [Settings.model_validate(document) for document in documents if document]
    stacks = synth(environments)
    assert not over(stacks)
    assert not findings(stacks)
    for one in environments:
        alarms = stacks[f"{one.prefix}-monitoring"].of_type("AWS::CloudWatch::Alarm")
        watched = {node for alarm in alarms.values() for node in nodes_of(alarm)}
        assert watched == set(one.redis.topology.members)
