"""A server that is not the one that a client wants, with a certificate to match."""

import datetime
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from emulator.nodes.context import write_private
from rehearsal.security.target import Address

_HOST = "127.0.0.1"
_DAY = datetime.timedelta(days=1)
_PATIENCE = 30.0  # seconds
_PIECE = 4096  # bytes


class Issuer:
    """A certificate authority of this test alone; `file` is what a client would trust."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        certificate = (
            self._certificate(self._name, self._key.public_key(), -_DAY, _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file.write_bytes(certificate.public_bytes(Encoding.PEM))

    def issue(self, name: str, address: str, ends: datetime.timedelta = _DAY) -> ssl.SSLContext:
        """A server's side of TLS with a certificate for this IP address; `ends` is from now on."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._certificate(x509.Name([]), key.public_key(), ends - 2 * _DAY, ends)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
                critical=True,
            )
            .sign(self._key, hashes.SHA256())
        )
        file = self._folder / f"{name}.pem"
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(file, pem + certificate.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        begins: datetime.timedelta,
        ends: datetime.timedelta,
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
        )


@dataclass(frozen=True)
class Disguise:
    """What an impostor shows; `good` is no disguise: a client must go on, or it refuses all."""

    words: str
    context: ssl.SSLContext
    good: bool = False


def disguises(folder: Path) -> tuple[Path, list[Disguise]]:
    """The authority that the client is to trust, and the certificates to meet it with."""
    trusted, foreign = Issuer(folder, "trusted"), Issuer(folder, "foreign")
    return trusted.file, [
        Disguise("a good certificate", trusted.issue("good", _HOST), good=True),
        Disguise("a foreign authority's", foreign.issue("strange", _HOST)),
        Disguise("another address's", trusted.issue("other", "127.0.0.2")),
        Disguise("an expired one", trusted.issue("expired", _HOST, ends=-_DAY)),
        Disguise("one of next year", trusted.issue("early", _HOST, ends=365 * _DAY)),
    ]


class Impostor:
    """Listens on loopback, shakes hands, and remembers what each client told it first."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listening = socket.create_server((_HOST, 0))
        self._thread = threading.Thread(target=self._serve, name="impostor")
        self.address = Address(_HOST, self._listening.getsockname()[1])
        self.heard: list[bytes] = []
        self.met = 0

    def __enter__(self) -> Self:
        """Listening."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Closed, and its thread ended."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(_PATIENCE)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            self.met += 1
            plain.settimeout(_PATIENCE)
            try:
                with self._context.wrap_socket(plain, server_side=True) as secure:
                    if words := secure.recv(_PIECE):
                        self.heard.append(words)
            except OSError:
                plain.close()
