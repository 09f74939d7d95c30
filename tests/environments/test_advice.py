"""What is legal but unwise is warned of, with its reason, and only then."""

import pytest

from environments.advice import advice
from environments.schema import Settings
from tests.support import Document
from tests.variants import LARGE, Change, changed

IDLE = "application.pool_idle_seconds"
DAYS = "redis.snapshot_retention_days"
LEAST = "redis.parameters.min-replicas-to-write"
EVICTION = "redis.parameters.maxmemory-policy"
RESERVED = "redis.parameters.reserved-memory-percent"
SLOW = "redis.parameters.slowlog-log-slower-than"
BUFFER = "redis.parameters.client-output-buffer-limit-normal-hard-limit"
LIMIT = "application.rate_limits.general.requests"
DATABASES = "redis.parameters.databases"
LOG_LENGTH = "redis.parameters.slowlog-max-len"
LEAST_CYCLE = "redis.parameters.active-defrag-cycle-min"
MOST_CYCLE = "redis.parameters.active-defrag-cycle-max"
WAIT = "application.timeout_ms"
HITS = "alarms.hit_rate.warning_percent"
HUGE = {**LARGE, "redis.node_type": "cache.r7g.16xlarge", "redis.wanted_memory_gib": 900}


def percents(warning: float, critical: float) -> Change:
    return {"alarms.memory_percent": {"warning": warning, "critical": critical}}


def windows(*windows: tuple[int, int]) -> Change:
    return {
        "application.rate_limits.general": [
            {"requests": requests, "seconds": seconds} for requests, seconds in windows
        ]
    }


@pytest.mark.plan("2.1", "5.1")
@pytest.mark.parametrize(
    ("rule", "unwise", "words", "wise"),
    [
        ("memory", {}, "cache.m6g.large", LARGE),
        ("memory", HUGE, "more shards", {"redis.wanted_memory_gib": 2.3}),
        ("end-of-support", {}, "2027-01-31", {"redis.engine": "valkey-8.1"}),
        ("end-of-support", {}, "$119 and $238 per month", {"redis.engine": "redis-7.1"}),
        ("writes-without-a-replica", {LEAST: 2}, "refuses every write", {LEAST: 1}),
        ("long-logs", {LIMIT: 1_000_000}, "general 4.0 MB", {LIMIT: 100_000}),
        ("retention", {DAYS: 14}, "15", {DAYS: 15}),
        ("connections", {"application.instances": 50}, "1000", {"application.instances": 49}),
        ("pool-idle", {IDLE: 300}, "300 s", {IDLE: 299}),
        ("extra-commands", {"redis.extra_commands": ["keys"]}, "list every key", {}),
        ("harmful-parameters", {EVICTION: "noeviction"}, "refuses every write", {}),
        ("harmful-parameters", {RESERVED: 100}, "all that keys have", {RESERVED: 60}),
        ("harmful-parameters", {SLOW: "0"}, "every command is logged", {SLOW: 1000}),
        ("harmful-parameters", {BUFFER: 1}, "is cut off at once", {BUFFER: 0}),
        ("harmful-parameters", {DATABASES: 1025}, "takes memory", {DATABASES: 1024}),
        ("harmful-parameters", {LOG_LENGTH: 10_001}, "the log takes", {LOG_LENGTH: "10000"}),
        ("harmful-parameters", {LEAST_CYCLE: 30, MOST_CYCLE: 20}, "decides alone", {MOST_CYCLE: 9}),
        ("pool-idle", {IDLE: 300}, "300 s", {IDLE: 900, "redis.parameters.timeout": 0}),
        ("long-waits", {WAIT: 30_001}, "waits 30.001 s", {WAIT: 30_000}),
        ("redis-unused", {"application.redis_enabled": False}, "for itself", {}),
        ("thresholds-at-an-end", percents(5, 98.5), "critical 98.5", percents(5, 98)),
        ("thresholds-at-an-end", percents(4.5, 98), "warning 4.5", {}),
        ("thresholds-at-an-end", {HITS: 99}, "never clear", {HITS: 98}),
        ("idle-windows", windows((120, 60), (240, 90)), "240,90", windows((120, 60), (239, 90))),
        ("idle-windows", windows((120, 60), (120, 90)), "120,60", windows((119, 60), (120, 90))),
    ],
)
def test_the_unwise_is_warned_of_and_the_wise_is_not(
    document: Document, rule: str, unwise: Document, words: str, wise: Document
) -> None:
    assert words in notes(changed(document, unwise))[rule]
    assert rule not in notes(changed(document, wise))


def test_an_environment_that_pages_nobody_says_so(document: Document) -> None:
    del document["notifications"]["pagerduty_secret_name"]
    assert "nobody-paged" in notes(document)


def notes(document: Document) -> dict[str, str]:
    return {note.rule: note.message for note in advice(Settings.model_validate(document))}
