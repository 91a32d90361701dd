"""Servers with old TLS, as some public bodies still run them: without secure renegotiation, or of version 1.0."""

from __future__ import annotations

import hashlib
import hmac
import os
import ssl
import struct
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.support.certificates import self_signed
from tests.support.raw_server import Conversation

_VERSION = b"\x03\x03"
_ALERT, _HANDSHAKE, _DATA = 21, 22, 23


def tls_1_0(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate of `host` as a file, and the context of a server that speaks TLS 1.0 only."""
    pinned, context = self_signed(folder, host)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    return pinned, context


class WithoutRenegotiationInfo:
    """A script of `RawServer`: TLS 1.2 (ECDHE, AES-128-GCM) as before RFC 5746, then one HTTP answer.

    `requests` are the decrypted requests.
    """

    def __init__(self, folder: Path, host: str, answer: bytes) -> None:
        self.pinned, _ = self_signed(folder, host)
        key = serialization.load_pem_private_key((folder / f"{host}-key.pem").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key, self._answer = key, answer
        certificate = x509.load_pem_x509_certificate(self.pinned.read_bytes())
        self._certificate = certificate.public_bytes(serialization.Encoding.DER)
        self.requests: list[bytes] = []

    def __call__(self, conversation: Conversation) -> None:
        _Handshake(self, conversation).run()

    def sign(self, data: bytes) -> bytes:
        """An ECDSA signature."""
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))

    @property
    def certificate_message(self) -> bytes:
        """The handshake message that shows the certificate."""
        one = _long(len(self._certificate)) + self._certificate
        return _message(11, _long(len(one)) + one)

    @property
    def answer(self) -> bytes:
        """The HTTP answer."""
        return self._answer


class _Handshake:
    """One connection."""

    def __init__(self, server: WithoutRenegotiationInfo, conversation: Conversation) -> None:
        self._server, self._sock = server, conversation.sock
        self._said = b""
        self._sent = self._read = 0
        self._mine = self._theirs = (b"", b"")

    def run(self) -> None:
        hello = self._record()[1]
        self._said += hello
        theirs, mine = hello[6:38], os.urandom(32)
        secret = ec.generate_private_key(ec.SECP256R1())
        public = secret.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        share = b"\x03\x00\x17" + bytes([len(public)]) + public
        signature = self._server.sign(theirs + mine + share)
        # no extension at all, so none of secure renegotiation
        self._say(_message(2, _VERSION + mine + b"\x00" + b"\xc0\x2b" + b"\x00"))
        self._say(self._server.certificate_message)
        self._say(_message(12, share + b"\x04\x03" + struct.pack(">H", len(signature)) + signature))
        self._say(_message(14, b""))
        kind, answer = self._record()
        if kind != _HANDSHAKE:
            return  # the caller gave up
        self._said += answer
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), answer[5:])
        master = _prf(secret.exchange(ec.ECDH(), point), b"master secret", theirs + mine, 48)
        block = _prf(master, b"key expansion", mine + theirs, 40)
        self._theirs, self._mine = (block[:16], block[32:36]), (block[16:32], block[36:40])
        self._record()  # the change of ciphers
        self._said += self._open(*self._record())
        finished = _prf(master, b"server finished", hashlib.sha256(self._said).digest(), 12)
        self._sock.sendall(b"\x14" + _VERSION + b"\x00\x01\x01")
        self._seal(_HANDSHAKE, _message(20, finished))
        request = self._open(*self._record())
        head, _, body = request.partition(b"\r\n\r\n")
        length = next((int(x[15:]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            more = self._open(*self._record())
            request, body = request + more, body + more
        self._server.requests.append(request)
        self._seal(_DATA, self._server.answer)
        self._seal(_ALERT, b"\x01\x00")

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._sock.recv(count - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    def _record(self) -> tuple[int, bytes]:
        kind, _, length = struct.unpack(">BHH", self._exactly(5))
        return kind, self._exactly(length)

    def _say(self, message: bytes) -> None:
        self._said += message
        self._sock.sendall(bytes([_HANDSHAKE]) + _VERSION + struct.pack(">H", len(message)) + message)

    def _open(self, kind: int, sealed: bytes) -> bytes:
        key, salt = self._theirs
        about = struct.pack(">QB", self._read, kind) + _VERSION + struct.pack(">H", len(sealed) - 24)
        self._read += 1
        return AESGCM(key).decrypt(salt + sealed[:8], sealed[8:], about)

    def _seal(self, kind: int, plain: bytes) -> None:
        key, salt = self._mine
        number = struct.pack(">Q", self._sent)
        about = number + bytes([kind]) + _VERSION + struct.pack(">H", len(plain))
        sealed = number + AESGCM(key).encrypt(salt + number, plain, about)
        self._sent += 1
        self._sock.sendall(bytes([kind]) + _VERSION + struct.pack(">H", len(sealed)) + sealed)


def _long(length: int) -> bytes:
    return struct.pack(">I", length)[1:]


def _message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _long(len(body)) + body


def _prf(secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """The pseudo-random function of RFC 5246, section 5, with SHA-256."""
    seed = label + seed
    out, chain = b"", seed
    while len(out) < length:
        chain = hmac.digest(secret, chain, "sha256")
        out += hmac.digest(secret, chain + seed, "sha256")
    return out[:length]
