"""Parameters are accepted and refused as ElastiCache would, and a refusal says what to write."""

import re

import pytest

from environments.parameters import FAMILIES, SETTABLE, check_parameter

PLAN = {
    "maxmemory-policy": "allkeys-lru",
    "timeout": "300",
    "tcp-keepalive": "60",
    "notify-keyspace-events": "AKE",
}
AT_LEAST_20 = "Write 0 or an integer of at least 20 instead."
POLICIES = "volatile-random, volatile-ttl or noeviction instead."
EVENTS = 'such as "AKE", or an empty string instead.'
RENAMES = 'such as "flushall blocked", or an empty string instead.'


def refusal(family: str, name: str, value: str) -> str:
    with pytest.raises(ValueError) as caught:
        check_parameter(family, name, value)
    return str(caught.value)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("name", "value"), PLAN.items())
def test_the_parameters_of_the_plan_are_accepted(family: str, name: str, value: str) -> None:
    check_parameter(family, name, value)


@pytest.mark.plan("2.2", "5.3")
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("name", "value", "alternative"),
    [
        ("appendonly", "yes", "Multi-AZ replicas and daily snapshots"),
        ("appendonly", "no", "Valkey 9 durability or MemoryDB"),
        ("appendfsync", "everysec", "Multi-AZ replicas and daily snapshots"),
        ("maxclients", "10000", "connection budget"),
        ("maxclients", "1", "46,000 on cache.t3.medium"),
        ("maxmemory", "4gb", "reserved-memory-percent"),
        ("cluster-enabled", "yes", "cluster_mode"),
        ("lua-time-limit", "5000", "keep scripts shorter"),
        ("list-max-ziplist-size", "-2", "list-compress-depth"),
        ("client-output-buffer-limit-replica-hard-limit", "0", "repl-backlog-size"),
        ("replica-lazy-flush", "yes", "repl-backlog-size"),
        ("requirepass", "x", "Secrets Manager"),
        ("save", "900 1", "snapshot window"),
        ("tcp-backlog", "511", "application servers"),
    ],
)
def test_what_cannot_be_set_is_refused_with_its_alternative(
    family: str, name: str, value: str, alternative: str
) -> None:
    message = refusal(family, name, value)
    assert message.startswith(f"{name} cannot be set: ")
    assert alternative in message


@pytest.mark.parametrize(
    ("name", "accepted", "refused", "advice"),
    [
        ("timeout", ["0", "20", "300"], ["1", "19", "-1", "", "5m", "20.5"], AT_LEAST_20),
        ("timeout", [str(2**63 - 1)], [" 20", "٣٠", "0300", "+300", "3e2"], AT_LEAST_20),
        ("timeout", [], [str(2**63), "9" * 5000], AT_LEAST_20),
        ("tcp-keepalive", ["0", "60"], ["-1", "yes"], "Write an integer of at least 0 instead."),
        ("reserved-memory-percent", ["0", "100"], ["101", "-1", "25%"], "an integer from 0 to 100"),
        ("active-defrag-cycle-min", ["1", "75"], ["0", "76"], "an integer from 1 to 75"),
        ("repl-backlog-size", ["16384"], ["16383", "1mb"], "an integer of at least 16384"),
        ("slowlog-log-slower-than", ["-1", "0"], ["", "-", "-0", "10ms"], "Write an integer"),
        ("databases", ["1", "16", "1200000"], ["0", "1200001"], "from 1 to 1200000"),
        ("maxmemory-policy", ["noeviction", "volatile-lfu"], ["lru", "Allkeys-lru", ""], POLICIES),
        ("activedefrag", ["yes", "no"], ["true", "1", "Yes"], "Write yes or no instead."),
        ("acl-pubsub-default", ["resetchannels", "allchannels"], ["none"], "or allchannels"),
        ("notify-keyspace-events", ["", "Ex", "Kg$lshzxe", "AKE"], ["A", "gx", "KEt"], EVENTS),
        ("notify-keyspace-events", [], ["K E", "ake"], EVENTS),
        ("rename-commands", ["", "keys blocked", "a b c d"], ["keys", "a b c", "a  b"], RENAMES),
        ("rename-commands", [], ["keys café"], RENAMES),
    ],
)
def test_a_value_is_accepted_up_to_its_bounds_and_a_refused_one_answered_with_the_allowed(
    name: str, accepted: list[str], refused: list[str], advice: str
) -> None:
    for value in accepted:
        check_parameter("redis6.x", name, value)
    for value in refused:
        message = refusal("redis6.x", name, value)
        assert f'{name} cannot be "{value}": ' in message
        assert advice in message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("maxmemory-polcy", "maxmemory-policy"),
        ("Timeout", "timeout"),
        ("tcp_keepalive", "tcp-keepalive"),
        ("reserved-memory", "reserved-memory-percent"),
        ("rename-command", "rename-commands"),
        ("append-only", "appendonly"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest_one(written: str, meant: str) -> None:
    message = refusal("redis6.x", written, "300")
    assert message.startswith(f'"{written}" is not a parameter of ElastiCache')
    assert message.endswith(f'Write "{meant}" instead.')


def test_a_name_like_no_other_is_to_be_left_out() -> None:
    assert refusal("redis7", "?", "1").endswith("Leave it out.")


@pytest.mark.parametrize(
    ("name", "value", "takes", "refuses", "says"),
    [
        ("latency-tracking", "yes", "redis7", "redis6.x", "only from Redis 7.0 on. Leave it out."),
        ("extended-redis-compatibility", "no", "valkey8", "valkey7", "only from Valkey 8.0 on"),
        ("commandlog-large-reply-max-len", "9", "valkey8", "valkey7", "only from Valkey 8.1 on"),
        ("search-fanout-target-mode", "client", "valkey8", "valkey7", "only from Valkey 8.2 on"),
        ("cluster-databases", "16", "valkey9", "valkey8", "only from Valkey 9.0 on"),
        ("hash-max-ziplist-value", "64", "redis6.x", "redis7", "it ended with Redis 6"),
        ("lazyfree-lazy-expire", "yes", "valkey7", "valkey8", "it ended with Valkey 7.2"),
        # renamed, narrowed, no longer to be chosen
        ("zset-max-ziplist-entries", "128", "redis6.x", "valkey7", '"zset-max-listpack-entries"'),
        ("zset-max-listpack-entries", "128", "valkey7", "redis6.x", '"zset-max-ziplist-entries"'),
        ("maxmemory-samples", "65", "valkey7", "valkey8", "from 1 to 64"),
        ("maxmemory-samples", "64", "valkey8", None, ""),
        ("activerehashing", "no", "redis6.x", "redis7", "AWS Support"),
    ],
)
def test_a_parameter_is_taken_by_the_families_that_have_it(
    name: str, value: str, takes: str, refuses: str | None, says: str
) -> None:
    check_parameter(takes, name, value)
    if refuses:
        assert says in refusal(refuses, name, value)


def test_an_unknown_family_is_answered_with_the_known_ones() -> None:
    assert refusal("redis6", "timeout", "300").endswith(f"Write one of {', '.join(FAMILIES)}.")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_refusal_is_two_sentences(family: str) -> None:
    for name in SETTABLE[family]:
        message = refusal(family, name, "\n")
        assert len(re.findall(r"[.;] (?=[A-Z])", message)) == 1, message
