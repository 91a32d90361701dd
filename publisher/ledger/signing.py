"""Signatures under the chain's heads: Ed25519, with a private key that lies outside the data folder.

Whoever can rewrite the whole data folder, heads included, still cannot sign. The public key belongs where the
private one is not: with the supervising office, on paper or on another machine.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from publisher.errors import SettingsError


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The key that checks. `name`: the first 16 hex digits of the sha256 of its 32 bytes."""

    key: Ed25519PublicKey

    @property
    def name(self) -> str:
        """What a head calls the key it is signed with."""
        return hashlib.sha256(self.key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]

    def signed(self, data: bytes, signature: str) -> bool:
        """Whether `signature` (base64) is this key's under `data`."""
        try:
            self.key.verify(b64decode(signature, validate=True), data)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """The key that signs."""

    key: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        """The key that checks what this one signed."""
        return PublicKey(self.key.public_key())

    def sign(self, data: bytes) -> str:
        """The signature under `data`, base64."""
        return b64encode(self.key.sign(data)).decode()


def public_path(path: Path) -> Path:
    """Where the public key lies beside the private one at `path`."""
    return path.with_name(path.name + ".pub")


def make_key(path: Path) -> PublicKey:
    """Make a key: private (readable by its owner only) at `path`, public beside it. Raises SettingsError."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(private)
            file.flush()
            os.fsync(file.fileno())
        public_path(path).write_bytes(public)
    except FileExistsError as error:
        raise SettingsError(f"{path} exists already: a key is never overwritten; name another file") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error
    return PublicKey(key.public_key())


def read_signer(path: Path) -> Signer:
    """The private key at `path`; raises SettingsError."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"[ledger] signing_key {path} cannot be read: make one with `publisher keygen`") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"[ledger] signing_key {path} is no Ed25519 key: make one with `publisher keygen`")
    return Signer(key)


def read_public(path: Path) -> PublicKey:
    """The public key at `path`; raises SettingsError."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"the public key {path} cannot be read") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError(f"{path} is no Ed25519 public key")
    return PublicKey(key)
