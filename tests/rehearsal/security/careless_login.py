"""Clients as they should not be written, in the place of rehearsal/security/impostor_client.py.

usage: python -m tests.rehearsal.security.careless_login HOW HOST:PORT...
"""

import contextlib
import socket
import ssl
import sys

NO_CHECK_TIME = ssl.VerifyFlags(0x200000)  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME

how, *addresses = sys.argv[1:]
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
    case "falls over":
        raise SystemExit(3)

for address in addresses if how != "never comes" else ():
    host, _, port = address.rpartition(":")
    for _half in range(2):
        with contextlib.suppress(OSError):
            plain = socket.create_connection((host, int(port)))
            with context.wrap_socket(plain, server_hostname=host) as secure:
                secure.sendall(b"AUTH a-token-for-impostors\r\n")
