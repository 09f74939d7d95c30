"""Limiters as they should not be written, in the place of rehearsal/security/hostile_client.py.

usage: python -m tests.rehearsal.security.careless_limiter HOW, with the same standard input
"""

import json
import sys
from hashlib import blake2b
from typing import Any

import redis

from rehearsal.security.hostile_client import TIERS, VALUES

told = json.load(sys.stdin)
how = sys.argv[1]
client: Any = redis.Redis(
    host=told["host"], port=told["port"], password=told["token"], ssl=True, driver_info=None
)
prefix = told["prefix"]


def key(tier: str, kind: str, value: str) -> bytes:
    name = value.encode(errors="surrogatepass")
    match how:
        case "writes values into its own key's form":
            name = name.rpartition(b":")[2].strip(b" \r\n\0") or b"none"
            return f"{{{prefix}}}:{tier}:{kind}:".encode() + name
        case "shortens values":
            return f"{{{prefix}}}:{tier}:{kind}:{name.hex()[:16]}".encode()
        case "has no hash tag":
            return f"{prefix}:{tier}:{kind}:{blake2b(name, digest_size=16).hexdigest()}".encode()
        case "takes values as they are":
            return f"{{{prefix}}}:{tier}:{kind}:".encode() + name
        case _:
            return (
                f"{{{prefix}}}:{tier}:{kind}:{blake2b(name, digest_size=16).hexdigest()}".encode()
            )


for value in VALUES:
    if how == "believes that values are text":
        value.encode()
    for tier in TIERS:
        for kind in ("user", "ip"):
            client.set(key(tier, kind, value), "1", ex=60)
    if how == "writes values into a command line" and value.endswith("FLUSHALL\r\n"):
        connection = client.connection_pool.get_connection()
        connection.send_packed_command([f"ECHO {value}\r\n".encode()])
        connection.can_read(timeout=5)
        connection.disconnect()
        client.connection_pool.release(connection)
if how == "looks for keys":
    client.keys(f"{prefix}*")
if how == "sends what Redis does not know":
    connection = client.connection_pool.get_connection()
    connection.send_packed_command([b"LIMIT 1\r\n"])
    connection.can_read(timeout=5)
wrong = "'x' was counted [2] times, not 1" if how == "counts twice" else None
json.dump({"decisions": len(VALUES), "wrong": wrong}, sys.stdout)
