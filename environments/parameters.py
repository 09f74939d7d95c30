"""Which engine parameters an ElastiCache parameter group takes, family by family.

Sources: the ElastiCache user guide, "Engine specific parameters" as of Valkey 9.1, whose change
lists run from Redis OSS 2.6.13 to Valkey 9.1; and the listing that DescribeEngineDefaultParameters
prints for redis5.0 in the AWS CLI's own examples, the newest one found. A range is written as
ElastiCache writes AllowedValues: "yes,no", "1-75", "0-" (from 0 up), "0,20-", "-" (any integer).
Where the two differ (active-defrag-ignore-bytes), the listing counts. Unverified: the ranges of
tracking-table-max-keys, acllog-max-len and commandlog-*-larger-than, and that Valkey 9 keeps the
parameters of Valkey 8, of which the guide names no change but the new cluster-databases. The
commandlog and search parameters of the valkey8 family need Valkey 8.1 and 8.2.

cluster-enabled: a group of our own must carry `cluster-enabled: yes` from its creation on if the
replication group uses cluster mode (user guide, "Modifying cluster mode"). A new group is a copy
of the family's default, which has it off; the parameter is modifiable while no cluster uses the
group (DescribeCacheParameters for such a group) and refused afterwards: "The parameter
cluster-enabled cannot be modified" (cloudposse/terraform-aws-elasticache-redis#212). Public
CloudFormation and CDK templates set it in the group's Properties. Because it must agree with the
number of shards, the topology writes it and settings may not.

databases, cluster-databases and (Redis 6) activerehashing may be chosen when the group is created;
a later change of a group in use fails at deployment, which a check of one value cannot see.
"""

import re
from difflib import get_close_matches
from typing import Final

FAMILIES: Final = ("redis6.x", "redis7", "valkey7", "valkey8", "valkey9")

_VERSIONS = {
    "redis6.x": "Redis 6",
    "redis7": "Redis 7.0",
    "valkey7": "Valkey 7.2",
    "valkey8": "Valkey 8.0",
    "valkey9": "Valkey 9.0",
}

_EVICTION = (
    "allkeys-lru,volatile-lru,allkeys-lfu,volatile-lfu,"
    "allkeys-random,volatile-random,volatile-ttl,noeviction"
)
_EVENTS = "keyspace events"
_RENAMES = "renamed commands"
_WORDS = {  # what is no list of values and ranges: its form, and how a message describes it
    _EVENTS: (
        re.compile(r"((?=.*[KE])[KEg$lshzxeA]+)?"),
        'letters of KEg$lshzxeA with at least K or E, such as "AKE", or an empty string',
    ),
    _RENAMES: (
        re.compile(r"([!-~]+ [!-~]+( [!-~]+ [!-~]+)*)?"),
        'pairs of an old and a new name, such as "flushall blocked", or an empty string',
    ),
}
_LIMITS = ("hard-limit", "soft-limit", "soft-seconds")

_ALL, _REDIS6, _TO_VALKEY7 = FAMILIES, FAMILIES[:1], FAMILIES[:3]
_FROM_REDIS7, _FROM_VALKEY8, _VALKEY9 = FAMILIES[1:], FAMILIES[3:], FAMILIES[4:]

_ROWS = (  # families, allowed values, names
    (_ALL, "yes,no", "activedefrag close-on-replica-write"),
    (_ALL, "yes,no", "cluster-allow-reads-when-down cluster-require-full-coverage"),
    *((_ALL, "0-", f"client-output-buffer-limit-normal-{limit}") for limit in _LIMITS),
    *((_ALL, "0-", f"client-output-buffer-limit-pubsub-{limit}") for limit in _LIMITS),
    (_ALL, "0-", "acllog-max-len lfu-decay-time list-compress-depth"),
    (_ALL, "0-", "min-replicas-max-lag min-replicas-to-write repl-backlog-ttl"),
    (_ALL, "0-", "set-max-intset-entries slowlog-max-len"),
    (_ALL, "0-", "stream-node-max-bytes stream-node-max-entries"),
    (_ALL, "0-", "tcp-keepalive tracking-table-max-keys"),
    (_ALL, "-", "slowlog-log-slower-than"),
    (_ALL, "0,20-", "timeout"),
    (_ALL, "0-100", "reserved-memory-percent"),
    (_ALL, "1-", "lfu-log-factor"),
    (_ALL, "1-10", "active-expire-effort"),
    (_ALL, "1-75", "active-defrag-cycle-max active-defrag-cycle-min"),
    (_ALL, "1-100", "active-defrag-threshold-lower active-defrag-threshold-upper"),
    (_ALL, "1-16000", "hll-sparse-max-bytes"),
    (_ALL, "1-1000000", "active-defrag-max-scan-fields"),
    (_ALL, "1-1200000", "databases"),
    (_ALL, "16384-", "repl-backlog-size"),
    (_ALL, "1048576-", "active-defrag-ignore-bytes"),
    (_ALL, "1048576-536870912", "proto-max-bulk-len"),
    (_ALL, "1048576-1073741824", "client-query-buffer-limit"),
    (_ALL, "resetchannels,allchannels", "acl-pubsub-default"),
    (_ALL, _EVICTION, "maxmemory-policy"),
    (_ALL, _EVENTS, "notify-keyspace-events"),
    (_ALL, _RENAMES, "rename-commands"),
    (_REDIS6, "yes,no", "activerehashing"),
    (_REDIS6, "0-", "hash-max-ziplist-entries hash-max-ziplist-value"),
    (_REDIS6, "0-", "zset-max-ziplist-entries zset-max-ziplist-value"),
    (_TO_VALKEY7, "yes,no", "lazyfree-lazy-eviction lazyfree-lazy-expire"),
    (_TO_VALKEY7, "yes,no", "lazyfree-lazy-server-del lazyfree-lazy-user-del"),
    (_TO_VALKEY7, "1-", "maxmemory-samples"),
    (_FROM_REDIS7, "yes,no", "cluster-allow-pubsubshard-when-down latency-tracking"),
    (_FROM_REDIS7, "ip,tls-dynamic", "cluster-preferred-endpoint-type"),
    (_FROM_REDIS7, "0-", "hash-max-listpack-entries hash-max-listpack-value"),
    (_FROM_REDIS7, "0-", "zset-max-listpack-entries zset-max-listpack-value"),
    (_FROM_VALKEY8, "1-64", "maxmemory-samples"),
    (_FROM_VALKEY8, "yes,no", "extended-redis-compatibility search-enable-partial-results"),
    (_FROM_VALKEY8, "-", "commandlog-reply-larger-than commandlog-request-larger-than"),
    (_FROM_VALKEY8, "0-1024", "commandlog-large-reply-max-len commandlog-large-request-max-len"),
    (_FROM_VALKEY8, "client,throughput", "search-fanout-target-mode"),
    (_FROM_VALKEY8, "1-60000", "search-default-timeout-ms"),
    (_VALKEY9, "1-10000", "cluster-databases"),
)

_NO_AOF = (
    "ElastiCache has had no append-only file since Redis 2.8.22, and never had one with Multi-AZ",
    "Leave it out: rely on Multi-AZ replicas and daily snapshots, Valkey 9 durability or MemoryDB",
)
_REPLICATION = (
    "ElastiCache runs the replication itself and lists this parameter as not modifiable",
    "Leave it out; repl-backlog-size and min-replicas-to-write are what you can choose",
)
_ENCODING = (
    "ElastiCache chooses the size of a list's nodes itself",
    "Leave it out; list-compress-depth is what you can choose",
)

_FIXED = {  # name: why ElastiCache refuses it, what to write instead
    "activerehashing": (
        "from Redis 7.0 on ElastiCache hides it and leaves it on",
        "Leave it out; only AWS Support can turn it off",
    ),
    "appendfsync": _NO_AOF,
    "appendonly": _NO_AOF,
    **{f"client-output-buffer-limit-replica-{limit}": _REPLICATION for limit in _LIMITS},
    "cluster-enabled": (
        "the topology decides it, and ElastiCache refuses to change it in a group that is in use",
        "Leave it out and write cluster_mode = true instead",
    ),
    "list-max-ziplist-size": _ENCODING,
    "lua-time-limit": (
        "ElastiCache fixes it at 5000 milliseconds",
        "Leave it out and keep scripts shorter than that",
    ),
    "maxclients": (
        "ElastiCache fixes it per node type (46,000 on cache.t3.medium)",
        "Leave it out and check the connection budget instead",
    ),
    "maxmemory": (
        "ElastiCache fixes it per node type",
        "Leave it out and choose the node type, or set reserved-memory-percent",
    ),
    "repl-timeout": _REPLICATION,
    "replica-allow-chaining": _REPLICATION,
    "replica-ignore-maxmemory": _REPLICATION,
    "replica-lazy-flush": _REPLICATION,
    "requirepass": (
        "ElastiCache takes the password as the replication group's AUTH token",
        "Leave it out: the token is generated in Secrets Manager",
    ),
    "save": (
        "ElastiCache schedules snapshots itself",
        "Leave it out and set the snapshot window and retention",
    ),
    "tcp-backlog": (
        "ElastiCache manages the node's kernel and sockets",
        "Leave it out and set the backlog on the application servers",
    ),
}

_INTERVAL = re.compile(r"([0-9]*)-([0-9]*)")
_RENAMED_ENCODINGS = {"ziplist": "listpack", "listpack": "ziplist"}
_SINCE = {"commandlog": "Valkey 8.1", "search": "Valkey 8.2"}  # by the first word of a name


SETTABLE: Final[dict[str, dict[str, str]]] = {
    family: {
        name: allowed
        for families, allowed, names in _ROWS
        if family in families
        for name in names.split()
    }
    for family in FAMILIES
}
"""Allowed values of every parameter that a group of each family lets one set."""


def check_parameter(family: str, name: str, value: str) -> None:
    """Raise ValueError if a parameter group of `family` would not take `name` = `value`.

    `value` is a string, as in CloudFormation. The message says what is wrong, why ElastiCache
    refuses it and what to write instead. cfn-lint checks none of this.
    """
    if family not in SETTABLE:
        raise ValueError(
            f'"{family}" is not a parameter group family of the engines supported here. '
            f"Write one of {', '.join(FAMILIES)}."
        )
    allowed = SETTABLE[family].get(name)
    if allowed is None:
        raise ValueError(_refused_name(family, name))
    if not _accepts(allowed, value):
        why = f"ElastiCache refuses the value in a {family} parameter group"
        if allowed == _EVENTS:
            why = (
                "ElastiCache takes only some letters, and without K or E it silently sends nothing"
            )
        raise ValueError(f'{name} cannot be "{value}": {why}. Write {_described(allowed)} instead.')


def _refused_name(family: str, name: str) -> str:
    if name in _FIXED:
        why, instead = _FIXED[name]
        return f"{name} cannot be set: {why}. {instead}."
    owners = [other for other in FAMILIES if name in SETTABLE[other]]
    if not owners:
        nearest = get_close_matches(name.strip().lower(), {*SETTABLE[family], *_FIXED}, n=1)
        advice = f'Write "{nearest[0]}" instead' if nearest else "Leave it out"
        return (
            f'"{name}" is not a parameter of ElastiCache, which refuses names that it does not '
            f"know. {advice}."
        )
    when = f"it ended with {_VERSIONS[owners[-1]]}"
    if FAMILIES.index(owners[0]) > FAMILIES.index(family):
        since = _SINCE.get(name.partition("-")[0], _VERSIONS[owners[0]])
        when = f"it exists only from {since} on"
    successor = "-".join(_RENAMED_ENCODINGS.get(word, word) for word in name.split("-"))
    advice = f'Write "{successor}" instead' if successor in SETTABLE[family] else "Leave it out"
    return f"{name} cannot be set in a {family} parameter group: {when}. {advice}."


def _accepts(allowed: str, value: str) -> bool:
    if allowed in _WORDS:
        return _WORDS[allowed][0].fullmatch(value) is not None
    return any(_accepts_part(part, value) for part in allowed.split(","))


def _accepts_part(part: str, value: str) -> bool:
    interval = _INTERVAL.fullmatch(part)
    if interval is None:
        return value == part
    low, high = interval.groups()
    # As ElastiCache prints numbers, and the engine's are of 64 bits.
    if not re.fullmatch(r"0|-?[1-9][0-9]{0,18}", value) or abs(int(value)) >= 2**63:
        return False
    return (not low or int(value) >= int(low)) and (not high or int(value) <= int(high))


def _described(allowed: str) -> str:
    if allowed in _WORDS:
        return _WORDS[allowed][1]
    *others, last = map(_described_part, allowed.split(","))
    return f"{', '.join(others)} or {last}" if others else last


def _described_part(part: str) -> str:
    interval = _INTERVAL.fullmatch(part)
    if interval is None:
        return part
    low, high = interval.groups()
    if high:
        return f"an integer from {low} to {high}"
    return f"an integer of at least {low}" if low else "an integer"
