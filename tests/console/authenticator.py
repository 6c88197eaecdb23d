"""An authenticator in software, and a browser that misbehaves as a test asks: real keys, real signatures."""

import base64
import hashlib
import json
import os
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
ES256, EDDSA, RS256 = -7, -8, -257


def spelled(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def read(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_key(algorithm):
    if algorithm == ES256:
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65_537, 2_048)


def cose_of(key):
    """The COSE form of a key's public half; RFC 9053, sections 2 and 7, and RFC 8812."""
    public = key.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {1: 1, 3: EDDSA, -1: 6, -2: public.public_bytes_raw()}
    numbers = public.public_numbers()
    if isinstance(public, rsa.RSAPublicKey):
        octets = (public.key_size + 7) // 8
        return {1: 3, 3: RS256, -1: numbers.n.to_bytes(octets, "big"), -2: numbers.e.to_bytes(3, "big")}
    octets = (public.curve.key_size + 7) // 8
    return {
        1: 2,
        3: ES256,
        -1: 1,
        -2: numbers.x.to_bytes(octets, "big"),
        -3: numbers.y.to_bytes(octets, "big"),
    }


def sign(key, octets):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(octets)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), SHA256())
    return key.sign(octets, ec.ECDSA(SHA256()))


@dataclass
class Authenticator:
    """One passkey; its members may be bent before each answer."""

    algorithm: int = ES256
    key: Any = None
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    user_handle: bytes = b""
    count: int = 0
    counts: bool = True

    def __post_init__(self):
        self.key = self.key or new_key(self.algorithm)

    def client_data(self, kind, options, **bent):
        data = {"type": kind, "challenge": options["challenge"], "origin": options["origin"], **bent}
        return json.dumps({**data, "crossOrigin": bent.get("crossOrigin", False)}).encode()

    def data(self, rp_id, flags, more=b""):
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, self.count) + more

    def make(
        self, options, *, name="phone", flags=PRESENT | VERIFIED, rp_id=None, cose=None, fmt="none", **bent
    ):
        """The body that adds the passkey; ``bent`` changes the client data."""
        self.user_handle = read(options["user_id"])
        key = cbor2.dumps(cose_of(self.key) if cose is None else cose)
        inside = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + key
        data = self.data(rp_id or options["rp_id"], flags | ATTESTED, inside)
        client = self.client_data(bent.pop("kind", "webauthn.create"), options, **bent)
        statement = {}
        if fmt == "packed":
            signed = sign(self.key, data + hashlib.sha256(client).digest())
            statement = {"alg": self.algorithm, "sig": signed}
        attested = cbor2.dumps({"fmt": fmt, "attStmt": statement, "authData": data})
        return {"name": name, "client_data_json": spelled(client), "attestation_object": spelled(attested)}

    def answer(self, options, *, flags=PRESENT | VERIFIED, rp_id=None, **bent):
        """The body that signs in; ``bent`` changes the client data."""
        self.count += self.counts
        client = self.client_data(bent.pop("kind", "webauthn.get"), options, **bent)
        data = self.data(rp_id or options["rp_id"], flags)
        return {
            "credential_id": spelled(self.credential_id),
            "client_data_json": spelled(client),
            "authenticator_data": spelled(data),
            "signature": spelled(sign(self.key, data + hashlib.sha256(client).digest())),
            "user_handle": spelled(self.user_handle),
        }
