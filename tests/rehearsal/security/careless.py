"""Clients as they should not be written, in the place of the client package's own.

usage: python -m tests.rehearsal.security.careless HOW [HOST:PORT...]: with addresses they log in
as rehearsal/security/hostile_client.py does, and without they are limiters with its standard input.
"""

import contextlib
import json
import socket
import ssl
import sys
from hashlib import blake2b
from typing import Any

import redis

from rehearsal.security.hostile_client import TIERS, VALUES

NO_CHECK_TIME = ssl.VerifyFlags(0x200000)  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME


def log_in(how: str, addresses: list[str]) -> None:
    context = ssl.create_default_context()
    match how:
        case "trusts everybody":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        case "looks at no name":
            context.check_hostname = False
        case "has no calendar":
            context.verify_flags |= NO_CHECK_TIME
        case "trusts nobody":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for address in addresses if how != "never comes" else ():
        host, _, port = address.rpartition(":")
        for _half in range(2):
            with contextlib.suppress(OSError):
                plain = socket.create_connection((host, int(port)))
                with context.wrap_socket(plain, server_hostname=host) as secure:
                    secure.sendall(b"AUTH a-token-for-impostors\r\n")


def key(how: str, prefix: str, tier: str, kind: str, value: str) -> bytes:
    name = value.encode(errors="surrogatepass")
    digest = blake2b(name, digest_size=16).hexdigest()
    stem = f"{{{prefix}}}:{tier}:{kind}:".encode()
    match how:
        case "writes values into its own key's form":
            return stem + (name.rpartition(b":")[2].strip(b" \r\n\0") or b"none")
        case "shortens values":
            return stem + name.hex()[:16].encode()
        case "takes values as they are":
            return stem + name
        case _:
            return stem + digest.encode()


def limit(how: str, host: str, port: int, token: str, prefix: str) -> None:
    client: Any = redis.Redis(host=host, port=port, password=token, ssl=True, driver_info=None)

    def send(command: bytes) -> None:
        connection = client.connection_pool.get_connection()
        connection.send_packed_command([command])
        connection.can_read(timeout=5)
        connection.disconnect()
        client.connection_pool.release(connection)

    for value in VALUES:
        for tier in TIERS:
            for kind in ("user", "ip"):
                client.set(key(how, prefix, tier, kind, value), "1", ex=60)
        if how == "writes values into a command line" and value.endswith("FLUSHALL\r\n"):
            send(f"ECHO {value}\r\n".encode())
    if how == "looks for keys":
        client.keys(f"{prefix}*")
    json.dump({"decisions": len(VALUES), "wrong": None}, sys.stdout)


if __name__ == "__main__":
    if sys.argv[2:]:
        log_in(sys.argv[1], sys.argv[2:])
    else:
        limit(sys.argv[1], **json.load(sys.stdin))
