"""The engine parameters of each parameter group family: default, values, and who may change them.

Source: ElastiCache user guide, "Engine specific parameters" (the change lists from Redis 2.6.13 to
Valkey 8.2), and the listing of DescribeCacheParameters in the AWS SDK's examples. Unverified: the
upper bounds where the guide names none, and that valkey9 has the parameters of valkey8.
"""

import re
from dataclasses import dataclass

from emulator.elasticache.versions import FAMILIES
from emulator.elasticache.wire import invalid_value

POLICIES = (
    "volatile-lru,allkeys-lru,volatile-lfu,allkeys-lfu,"
    "volatile-random,allkeys-random,volatile-ttl,noeviction"
)
ANY = ""


@dataclass(frozen=True)
class Parameter:
    """`allowed` is AWS's notation: "yes,no", "1-75", "0-", or nothing for any text."""

    name: str
    default: str
    allowed: str
    modifiable: bool = True

    @property
    def data_type(self) -> str:
        """AWS's name of the type."""
        return "integer" if re.fullmatch(r"-?\d*-?\d*", self.allowed) and self.allowed else "string"

    def accepts(self, value: str) -> bool:
        """Whether the value is one of the allowed ones."""
        if not self.allowed:
            return True
        if self.name == "timeout":
            return value == "0" or (value.isdecimal() and int(value) >= 20)
        if self.data_type == "string":
            return value in self.allowed.split(",")
        if not re.fullmatch(r"-?\d+", value):
            return False
        low, _, high = self.allowed.partition("-")
        return (not low or int(value) >= int(low)) and (not high or int(value) <= int(high))


_COMMON = """
acl-pubsub-default allchannels resetchannels,allchannels
acllog-max-len 128 0-
active-defrag-cycle-max 75 1-75
active-defrag-cycle-min 25 1-75
active-defrag-ignore-bytes 104857600 1048576-
active-defrag-max-scan-fields 1000 1-1000000
active-defrag-threshold-lower 10 1-100
active-defrag-threshold-upper 100 1-100
active-expire-effort 1 1-10
activedefrag no yes,no
client-output-buffer-limit-normal-hard-limit 0 0-
client-output-buffer-limit-normal-soft-limit 0 0-
client-output-buffer-limit-normal-soft-seconds 0 0-
client-output-buffer-limit-pubsub-hard-limit 33554432 0-
client-output-buffer-limit-pubsub-soft-limit 8388608 0-
client-output-buffer-limit-pubsub-soft-seconds 60 0-
client-query-buffer-limit 1073741824 1048576-1073741824
close-on-replica-write yes yes,no
cluster-allow-reads-when-down no yes,no
cluster-enabled no yes,no
cluster-require-full-coverage no yes,no
databases 16 1-1200000
hll-sparse-max-bytes 3000 1-16000
latency-monitor-threshold 0 0-
lfu-decay-time 1 0-
lfu-log-factor 10 1-
list-compress-depth 0 0-
maxmemory-policy volatile-lru POLICIES
maxmemory-samples 3 1-
min-replicas-max-lag 10 0-
min-replicas-to-write 0 0-
notify-keyspace-events "" ANY
proto-max-bulk-len 536870912 1048576-536870912
rename-commands "" ANY
repl-backlog-size 1048576 16384-
repl-backlog-ttl 3600 0-
reserved-memory-percent 25 0-100
set-max-intset-entries 512 0-
slowlog-log-slower-than 10000 -
slowlog-max-len 128 0-
stream-node-max-bytes 4096 0-
stream-node-max-entries 100 0-
tcp-keepalive 300 0-
timeout 0 0,20-
tracking-table-max-keys 1000000 0-
"""
_ZIPLIST = """
activerehashing yes yes,no
hash-max-ziplist-entries 512 0-
hash-max-ziplist-value 64 0-
zset-max-ziplist-entries 128 0-
zset-max-ziplist-value 64 0-
"""
_LISTPACK = """
cluster-allow-pubsubshard-when-down yes yes,no
cluster-preferred-endpoint-type tls-dynamic ip,tls-dynamic
hash-max-listpack-entries 512 0-
hash-max-listpack-value 64 0-
latency-tracking no yes,no
zset-max-listpack-entries 128 0-
zset-max-listpack-value 64 0-
"""
_LAZY = """
lazyfree-lazy-eviction no yes,no
lazyfree-lazy-expire no yes,no
lazyfree-lazy-server-del no yes,no
lazyfree-lazy-user-del no yes,no
"""
_VALKEY8 = """
extended-redis-compatibility yes yes,no
"""
_FIXED = """
appendfsync everysec always,everysec,no
appendonly no yes,no
client-output-buffer-limit-replica-soft-seconds 60 0-
lua-time-limit 5000 5000
maxclients 65000 1-65000
replica-allow-chaining no yes,no
replica-ignore-maxmemory yes yes,no
replica-lazy-flush yes yes,no
"""


def _rows(table: str, modifiable: bool = True) -> dict[str, Parameter]:
    parameters = {}
    for line in table.strip().splitlines():
        name, default, allowed = line.split()
        allowed = {"ANY": ANY, "POLICIES": POLICIES}.get(allowed, allowed)
        parameters[name] = Parameter(name, default.strip('"'), allowed, modifiable)
    return parameters


def _family(name: str) -> dict[str, Parameter]:
    old = name in ("redis5.0", "redis6.x")
    new = name in ("valkey8", "valkey9")
    tables = [_COMMON, _ZIPLIST if old else _LISTPACK, _VALKEY8 if new else _LAZY]
    parameters = _rows(_FIXED, modifiable=False)
    for table in tables:
        parameters |= _rows(table)
    if new:
        parameters |= _rows("repl-backlog-size 10485760 16384-\nmaxmemory-samples 3 1-64")
    return dict(sorted(parameters.items()))


CATALOG = {family: _family(family) for family in FAMILIES}


def check(family: str, name: str, value: str, in_use: bool) -> None:
    """Raises InvalidParameterValue for what a group of the family would not take.

    cluster-enabled can be set until a replication group uses the parameter group.
    """
    parameter = CATALOG[family].get(name)
    if parameter is None:
        raise invalid_value(f"Could not find parameter with name: {name}")
    if not parameter.modifiable or (name == "cluster-enabled" and in_use):
        raise invalid_value(f"The parameter {name} cannot be modified.")
    if not parameter.accepts(value):
        raise invalid_value(
            f'The value "{value}" is not valid for the parameter {name}: '
            f"the allowed values are {parameter.allowed}."
        )
