"""A certificate authority of a test's own, and certificates for 127.0.0.1 that it signs."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from config.topology import Tls

_PEM = serialization.Encoding.PEM


class Authority:
    """Signs; `file` is its own certificate."""

    def __init__(self, folder: Path, name: str = "authority of a test") -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._key = _curve_key()
        self._name = _named(name)
        bare = self._begun(self._name, self._key.public_key())
        root = bare.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(root.sign(self._key, hashes.SHA256()).public_bytes(_PEM))

    def certificate(self, name: str, *, is_rsa: bool = False) -> Tls:
        """A certificate and its key, as files in the folder; the same name replaces them."""
        key = rsa.generate_private_key(65537, 2048) if is_rsa else _curve_key()
        here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        names = x509.SubjectAlternativeName([here, x509.DNSName("localhost")])
        bare = self._begun(_named(name), key.public_key())
        signed = bare.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        made = Tls(str(self._folder / f"{name}.pem"), str(self._folder / f"{name}.key"))
        private = key.private_bytes(
            _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        Path(made.key).write_bytes(private)
        Path(made.certificate).write_bytes(signed.public_bytes(_PEM))
        return made

    def _begun(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )


def _curve_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
