"""TLS on every connection, 1.2 or later, with ciphers that hold."""

import socket
import ssl
import warnings

from rehearsal.security.target import PATIENCE, Address, BreachError, NotHereError, Target, packed

# OpenSSL 3 knows no SSL 3, and offers no RC4, DES and export ciphers: it cannot ask for those.
_OLD_VERSIONS = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}
_WEAK = {"NULL": "eNULL", "anonymous": "aNULL"}
_REPLIES = b"+-:$*%_"  # the first byte of everything that Redis says


def accepts(address: Address, version: ssl.TLSVersion, ciphers: str) -> bool:
    """Whether the server goes on with this version and one of these ciphers.

    Raises OSError when no server listens.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings(action="ignore"):  # old versions are meant
        context.minimum_version = context.maximum_version = version
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    with socket.create_connection(address, timeout=PATIENCE) as plain:
        try:
            context.wrap_socket(plain).close()
        except (ssl.SSLError, ConnectionResetError):
            return False
    return True


def plain_text(target: Target) -> str:
    """No address says anything in Redis' protocol to a client that speaks without TLS."""
    for address in target.addresses:
        for command in (b"PING\r\n", packed("PING"), packed("INFO")):
            answer = _said(address, command)
            if answer[:1] and answer[:1] in _REPLIES:
                raise BreachError(f"{address} answers without TLS: {answer[:40]!r}")
    return f"PING and INFO without TLS at {len(target.addresses)} addresses: no answer of Redis'"


def versions(target: Target) -> str:
    """TLS 1.0 and 1.1 are refused by the server itself."""
    for address in target.addresses:
        _expect_tls_1_2(address)
        for name, version in _OLD_VERSIONS.items():
            if accepts(address, version, "ALL"):
                raise BreachError(f"{address} goes on with {name}")
    return f"{', '.join(_OLD_VERSIONS)} at {len(target.addresses)} addresses; TLS 1.2 goes on"


def ciphers(target: Target) -> str:
    """A client that offers nothing but weak ciphers is refused."""
    for address in target.addresses:
        _expect_tls_1_2(address)
        for name, suites in _WEAK.items():
            if accepts(address, ssl.TLSVersion.TLSv1_2, suites):
                raise BreachError(f"{address} goes on with a cipher of the kind {name}")
    return f"{', '.join(_WEAK)} at {len(target.addresses)} addresses; AES goes on"


def _said(address: Address, command: bytes) -> bytes:
    with socket.create_connection(address, timeout=PATIENCE) as plain:
        try:
            plain.sendall(command)
            return plain.recv(4096)
        except OSError:
            return b""


def _expect_tls_1_2(address: Address) -> None:
    if not accepts(address, ssl.TLSVersion.TLSv1_2, "AES"):
        # Then a refusal of the others would prove nothing: this one has the same form.
        raise NotHereError(f"{address} takes no TLS 1.2 either")
