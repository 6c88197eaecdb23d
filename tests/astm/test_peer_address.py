"""Where peers may be, that the address that was checked is used, and whose certificate counts."""

import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from detente.astm.peer_address import checked_base, is_public
from detente.astm.peer_client import PeerClient
from detente.errors import BadInput, PeerUnavailable

from .peer_server import running

PLAN = "3f2b1c1e-7a44-4c1e-9a55-6d1f6c9b0001"


@pytest.mark.parametrize(
    ("given", "url", "host", "port"),
    [
        ("https://uss.example.org", "https://uss.example.org", "uss.example.org", 443),
        ("https://USS.example.org:8443/a/b/", "https://uss.example.org:8443/a/b", "uss.example.org", 8443),
        ("https://8.8.8.8/", "https://8.8.8.8", "8.8.8.8", 443),
        ("https://[2606:4700::1111]:444/x", "https://[2606:4700::1111]:444/x", "2606:4700::1111", 444),
        ("https://scd_uss.local", "https://scd_uss.local", "scd_uss.local", 443),
    ],
)
def test_base_urls_that_can_be_used(given, url, host, port):
    base = checked_base(given, allows_http=False, allows_private=False)
    assert (base.url, base.host, base.port) == (url, host, port)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "uss.example.org",
        "//uss.example.org",
        "http://uss.example.org",
        "ftp://uss.example.org",
        "file:///etc/passwd",
        "https://",
        "https:///x",
        "https://user@uss.example.org",
        "https://user:secret@uss.example.org",
        "https://uss.example.org?x=1",
        "https://uss.example.org?",
        "https://uss.example.org#x",
        "https://uss.example.org#",
        "https://uss.example.org\\@evil.test",
        "https://uss.example.org /",
        "https://uss.example.org\r\nx: y",
        "https://uss.exämple.org",
        "https://uss.example.org.",
        "https://-uss.example.org",
        "https://uss..example.org",
        "https://uss.example.org:0",
        "https://uss.example.org:99999",
        "https://uss.example.org:x",
        "https://uss.example.org/../x",
        "https://uss.example.org/%2e%2e/x",
        "https://uss.example.org//x",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://localhost",
        "https://127.0.0.1",
        "https://10.1.2.3",
        "https://169.254.169.254",
        "https://[::1]",
        "https://[::ffff:10.0.0.1]",
        "https://x.test/" + "x" * 2_000,
    ],
)
def test_base_urls_that_cannot(url):
    with pytest.raises(BadInput) as caught:
        checked_base(url, allows_http=False, allows_private=False)
    assert caught.value.members["field"] == "uss_base_url"


def test_development_allows_more_but_not_everything():
    for url in ("http://localhost:8082", "http://127.0.0.1", "https://10.1.2.3", "http://[::1]:80"):
        checked_base(url, allows_http=True, allows_private=True)
    for url in ("http://user@localhost", "ftp://localhost", "http://localhost?x"):
        with pytest.raises(BadInput):
            checked_base(url, allows_http=True, allows_private=True)


def test_which_addresses_are_public():
    for text in ("8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"):
        assert is_public(ipaddress.ip_address(text)), text
    for text in (
        "0.0.0.0",  # noqa: S104 -- an address that is to be refused
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "2002:a00:1::1",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ):
        assert not is_public(ipaddress.ip_address(text)), text


async def refusal(client, url):
    with pytest.raises(PeerUnavailable) as caught:
        await client.fetch_details(url, PLAN)
    return caught.value.members["why"]


def means(*addresses):
    async def lookup(host, port):
        lookup.asked.append((host, port))
        return addresses

    lookup.asked = []
    return lookup


async def test_a_name_that_means_a_machine_of_ours_is_not_reached(tokens, clock):
    async with running((200, {})) as peer:
        for addresses in (
            ("127.0.0.1",),
            ("::ffff:127.0.0.1",),
            ("10.0.0.1", "127.0.0.1"),
            ("nonsense",),
            (),
        ):
            client = PeerClient(
                tokens, clock_ms=clock, allows_http=True, allows_private=False, lookup=means(*addresses)
            )
            assert await refusal(client, f"http://peer.test:{peer.port}") == "has no public address"
            await client.close()
        # What the system itself makes of names and of odd ways to write an address.
        client = PeerClient(tokens, clock_ms=clock, allows_http=True, allows_private=False)
        for host in ("127.1", "2130706433", "0x7f000001", socket.gethostname().lower()):
            assert await refusal(client, f"http://{host}:{peer.port}") in {
                "has no public address",
                "has a host name that is not known here",
            }, host
        await client.close()
    assert peer.connections == 0


async def test_the_name_is_looked_up_once_and_the_checked_address_is_used(tokens, clock):
    lookup = means("127.0.0.1")
    client = PeerClient(tokens, clock_ms=clock, allows_http=True, lookup=lookup)
    async with running((200, {})) as peer:
        for _ in range(3):
            await client.fetch_details(f"http://peer.test:{peer.port}", PLAN)
        assert lookup.asked == [("peer.test", peer.port)]
        assert peer.asked[0].headers["host"] == f"peer.test:{peer.port}"
        assert peer.asked[0].headers["authorization"].startswith("Bearer peer.test+")
        clock.pass_s(30)
        await client.fetch_details(f"http://peer.test:{peer.port}", PLAN)
    assert len(lookup.asked) == 2
    await client.close()


async def test_the_next_address_is_tried_where_the_first_takes_no_connection(tokens, clock):
    async with running((200, {})) as peer:
        client = PeerClient(tokens, clock_ms=clock, allows_http=True, lookup=means("127.0.0.2", "127.0.0.1"))
        assert (await client.fetch_details(f"http://peer.test:{peer.port}", PLAN)).status == 200
        await client.close()


async def test_a_name_that_nobody_knows(tokens, clock):
    async def unknown(_host, _port):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    client = PeerClient(tokens, clock_ms=clock, allows_http=True, lookup=unknown)
    assert await refusal(client, "http://peer.test") == "has a host name that is not known here"
    await client.close()


def certificate(folder, name):
    """A server's TLS for a name, and what a client needs to trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{name}.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())


async def test_the_certificate_is_that_of_the_name_not_of_the_address(tokens, clock, tmp_path):
    server, trust = certificate(tmp_path, "peer.test")
    async with running((200, {}), tls=server) as peer:
        client = PeerClient(tokens, clock_ms=clock, allows_private=True, tls=trust, lookup=means("127.0.0.1"))
        assert (await client.fetch_details(f"https://peer.test:{peer.port}", PLAN)).status == 200
        # Another name on the same address does not get the first one's connection.
        for host in ("other.test", "127.0.0.1"):
            assert await refusal(client, f"https://{host}:{peer.port}") == (
                "has no certificate that is trusted here"
            )
        assert len(peer.asked) == 1
        await client.close()
        strict = PeerClient(tokens, clock_ms=clock, allows_private=True, lookup=means("127.0.0.1"))
        assert await refusal(strict, f"https://peer.test:{peer.port}") == (
            "has no certificate that is trusted here"
        )
        await strict.close()
