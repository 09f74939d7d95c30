"""The context that all groups of one rehearsal share: folder, addresses, authority, forwarder.

Loopback addresses that no other rehearsal uses, so that every node can have the plan's port.

The rehearsal's own certificate authority: every connection is verified, as in AWS.

Files that only their owner may read.
"""

from __future__ import annotations

import datetime
import ipaddress
import itertools
import os
import socket
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from emulator.nodes.forwarder import Forwarder


class NodeContext(AbstractContextManager["NodeContext"]):
    """Loopback context for any number of groups; give it an empty folder and stop it at the end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.authority = Authority(self.folder)
        self._lock, self._block = _claim()
        self._hosts = itertools.count(256)
        self.forwarder = Forwarder()

    @property
    def ca_file(self) -> Path:
        """The certificate that a client must trust."""
        return self.authority.file

    def take_address(self) -> str:
        """An address that was not taken before, as in AWS a replaced node gets a new one."""
        host = next(self._hosts)
        return f"127.{self._block}.{host >> 8}.{host & 255}"

    def stop(self) -> None:
        """Close the addresses and give the block back: stop the groups first."""
        self.forwarder.stop()
        self._lock.close()

    def __exit__(self, *_: object) -> None:
        """Stop, whatever happened."""
        self.stop()


# 127.0.x.y is left to the machine (resolvers listen there); each rehearsal takes one of the rest.
FIRST_BLOCK, LAST_BLOCK = 64, 250
LOCK_PORT = 16379


def _claim() -> tuple[socket.socket, int]:
    """One block 127.N.0.0/16, held by a bound socket: the kernel frees it when the process ends."""
    count = LAST_BLOCK - FIRST_BLOCK + 1
    for step in range(count):
        block = FIRST_BLOCK + (os.getpid() + step) % count
        lock = socket.socket()
        try:
            lock.bind((f"127.{block}.255.254", LOCK_PORT))
        except OSError:
            lock.close()
        else:
            return lock, block
    raise OSError(
        "no loopback block 127.64.0.0 to 127.250.0.0 is free: "
        f"another program listens on port {LOCK_PORT} of all addresses, or {count} rehearsals run"
    )


LIFETIME = datetime.timedelta(days=30)


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Issues server certificates; `file` is what clients trust. Its own key never leaves memory."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("rehearsal authority")
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        certificate = (
            _certificate(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            # Python 3.13 and later refuse a chain without the identifiers of its keys.
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / "ca.pem"
        self.file.write_bytes(certificate.public_bytes(Encoding.PEM))

    def issue(
        self, folder: Path, addresses: list[str], hosts: Iterable[str] = (), *, begins_in: int = 0
    ) -> Identity:
        """A server certificate for localhost, these IP addresses and hosts, in `folder`.

        `begins_in` is in days: its time is over, or yet to come.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(host) for host in ("localhost", *hosts)]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        certificate = (
            _certificate(_name("rehearsal node"), self._name, key.public_key(), begins_in)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        identity = Identity(folder / "node.pem", folder / "node.key")
        identity.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(identity.key, pem)
        return identity


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begins_in: int = 0
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=begins_in)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
    )


def write_private(path: Path, content: bytes) -> None:
    """Write a file with mode 0600, never readable by others even for a moment."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
