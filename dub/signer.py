"""Who signs Content Credentials: the user's certificate, or a test one that is made on the spot.

The user's: POLYDUB_C2PA_CERTIFICATE names a PEM file, the signer's certificate first, then those that vouch for it;
POLYDUB_C2PA_KEY names its private key, PEM without a passphrase. POLYDUB_C2PA_TIMESTAMPS may name the URL of a time
stamp authority (RFC 3161), so that signatures outlive the certificate; it is asked over the network.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dub.artifact import Record
from dub.errors import BadInput, EngineUnavailable
from dub.home import cache_home

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509 import Certificate, CertificateBuilder, Name

CERTIFICATE_VARIABLE = "POLYDUB_C2PA_CERTIFICATE"
KEY_VARIABLE = "POLYDUB_C2PA_KEY"
TIMESTAMPS_VARIABLE = "POLYDUB_C2PA_TIMESTAMPS"
TEST_ORGANISATION = "polydub test certificate, vouched for by nobody"
TEST_DAYS = 365

Algorithm = Literal["es256", "es384", "es512", "ps256", "ed25519"]


class Signer(Record):
    """A certificate by its digest, so that the private key and its path are part of no memo key. `certificate_sha256`:
    of the PEM chain."""

    certificate_sha256: str
    algorithm: Algorithm
    is_test: bool


def users_signer(now: datetime | None = None) -> Signer:
    """The signer that the environment names. Raises BadInput, naming variable and file, where a file is missing or no
    PEM, the key is another certificate's, or the certificate does not hold today; EngineUnavailable where the
    packages are missing."""
    for variable in (CERTIFICATE_VARIABLE, KEY_VARIABLE):
        if not os.environ.get(variable):
            raise BadInput(
                f"Content Credentials are to be signed, and {variable} is not set",
                mend="set it to the path of a PEM file, or content_credentials to 'test' or 'off' in the profile",
            )
    return _signer(
        Path(os.environ[CERTIFICATE_VARIABLE]), Path(os.environ[KEY_VARIABLE]), now or datetime.now(UTC), is_test=False
    )


def make_test_signer() -> Signer:
    """The test signer of this machine, made anew where there is none or it has ended."""
    chain, key = _test_files()
    try:
        return _signer(chain, key, datetime.now(UTC), is_test=True)
    except BadInput:
        _make_test_files(chain, key)
        return _signer(chain, key, datetime.now(UTC), is_test=True)


def secrets_of(signer: Signer) -> tuple[bytes, bytes]:
    """(certificate chain, private key) as PEM, read now. Raises BadInput where the files are no longer those that were
    checked before the work."""
    chain, key = _test_files() if signer.is_test else _users_files()
    content = _read(chain, "certificate")
    if sha256(content).hexdigest() != signer.certificate_sha256:
        raise BadInput(f"the certificate {chain} has changed since the run began", mend="run the same command again")
    return content, _read(key, "private key")


def _users_files() -> tuple[Path, Path]:
    return Path(os.environ.get(CERTIFICATE_VARIABLE, "")), Path(os.environ.get(KEY_VARIABLE, ""))


def _test_files() -> tuple[Path, Path]:
    return cache_home() / "c2pa-test.pem", cache_home() / "c2pa-test.key"


def _signer(chain: Path, key: Path, now: datetime, *, is_test: bool) -> Signer:
    try:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
        from cryptography.x509 import load_pem_x509_certificates
    except ImportError:
        raise EngineUnavailable(
            "Content Credentials need the Python package 'cryptography'", mend="pip install '.[provenance]'"
        ) from None
    content = _read(chain, "certificate")
    try:
        certificate = load_pem_x509_certificates(content)[0]
    except ValueError as error:
        raise BadInput(
            f"the certificate {chain} is no PEM certificate: {error}", mend="give a PEM file, the signer's first"
        ) from None
    try:
        private = load_pem_private_key(_read(key, "private key"), password=None)
    except (ValueError, TypeError):  # the message may quote the key
        raise BadInput(
            f"the private key {key} is no PEM key without a passphrase", mend="openssl pkey -in KEY -out PLAIN_KEY"
        ) from None
    if private.public_key() != certificate.public_key():
        raise BadInput(f"the private key {key} is not that of the certificate {chain}", mend="give the two that match")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        first, last = certificate.not_valid_before_utc.date(), certificate.not_valid_after_utc.date()
        raise BadInput(f"the certificate {chain} holds from {first} to {last}, not today", mend="renew it")
    return Signer(
        certificate_sha256=sha256(content).hexdigest(), algorithm=_algorithm(certificate, chain), is_test=is_test
    )


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read the {what} {path}: {error.strerror}", mend="give an existing PEM file") from None


def _algorithm(certificate: Certificate, chain: Path) -> Algorithm:
    """By the kind of key, as C2PA 2.2 section 13.2 allows them."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    public = certificate.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(public, rsa.RSAPublicKey):
        return "ps256"
    curves: dict[str, Algorithm] = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in curves:
        return curves[public.curve.name]
    raise BadInput(
        f"the certificate {chain} has a kind of key that C2PA does not sign with",
        mend="use an elliptic curve key (P-256), Ed25519 or RSA",
    )


def _make_test_files(chain: Path, key: Path) -> None:
    """A root and a signer under it: C2PA allows no certificate that vouches for itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID

    root_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("polydub test root", "polydub test root", root_key, root_key, is_root=True)
    own = _certificate("polydub test signer", "polydub test root", own_key, root_key, is_root=False)
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    signed = [_sign(root, root_key), _sign(own.add_extension(purpose, critical=False), root_key)]
    chain.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(own_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    chain.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in reversed(signed)))


def _certificate(
    name: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_root: bool,
) -> CertificateBuilder:
    from cryptography import x509

    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=not is_root, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=is_root, crl_sign=is_root, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(_x509_name(name))
        .issuer_name(_x509_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=TEST_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=0 if is_root else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _x509_name(name: str) -> Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, TEST_ORGANISATION),
        ]
    )


def _sign(builder: CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> Certificate:
    from cryptography.hazmat.primitives import hashes

    return builder.sign(key, hashes.SHA256())
