"""Whom a request is counted for, and that no client chooses it."""

import ipaddress
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibewell_redis.client_address import ClientAddress, UnknownClientError

PROXIES = ("10.0.0.0/16", "2001:db8:ffff::/48")
behind = ClientAddress(PROXIES)


UNIX = ClientAddress(["unix"])
BEHIND_IPV6 = ClientAddress(["2001:db8::5"])
FORGED = ["198.51.100.1", "10.0.0.1", "127.0.0.1", "::1", "10.0.0.1, 10.0.0.2", ""]
FORGED += ["unix", "garbage"]


@pytest.mark.plan("5.5")
@pytest.mark.parametrize(
    ("address", "peer", "forwarded", "client"),
    [
        # Without a proxy the peer is the client, whatever the header claims.
        (ClientAddress(), "203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        (behind, "203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        # What a client writes left of its own address changes nothing.
        *((behind, "10.0.3.4", [f"{text}, 203.0.113.7"], "203.0.113.7") for text in FORGED),
        *((behind, "10.0.3.4", [text, "203.0.113.7"], "203.0.113.7") for text in FORGED),
        # An entry that is no address ends the walk where it was passed on.
        (behind, "10.0.3.4", ["203.0.113.7, unknown, 10.0.9.9"], "10.0.9.9"),
        (behind, "10.0.3.4", ["203.0.113.7, "], "10.0.3.4"),
        (behind, "10.0.3.4", ["203.0.113.7, 1.2.3.4:port"], "10.0.3.4"),
        (behind, "10.0.3.4", ["203.0.113.7, [::1]x"], "10.0.3.4"),
        (behind, "10.0.3.4", ["203.0.113.7, 1.2.3.4:" + "0" * 64], "10.0.3.4"),
        # A proxy is known by its address, not by what it would be limited as, and as IPv6 too.
        (BEHIND_IPV6, "2001:db8::5", ["203.0.113.7"], "203.0.113.7"),
        (BEHIND_IPV6, "2001:db8::6", ["203.0.113.7"], "2001:db8::/64"),
        (behind, "::ffff:10.0.3.4", ["203.0.113.7"], "203.0.113.7"),
        (ClientAddress(["::ffff:10.0.0.0/112"]), "10.0.3.4", ["203.0.113.7"], "203.0.113.7"),
        (UNIX, None, ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        (UNIX, "203.0.113.9", ["203.0.113.7"], "203.0.113.9"),
        # All addresses of an IPv6 host share a limit, and another network does not.
        (ClientAddress(), "2001:db8:1:2:ffff::1", [], "2001:db8:1:2::/64"),
        (ClientAddress(), "2001:db8:1:2::2", [], "2001:db8:1:2::/64"),
        (ClientAddress(), "2001:db8:1:3::2", [], "2001:db8:1:3::/64"),
        (ClientAddress(ipv6_prefix=56), "2001:db8:1:2ff::2", [], "2001:db8:1:200::/56"),
        (ClientAddress(ipv6_prefix=128), "2001:db8:1:2::2", [], "2001:db8:1:2::2"),
        # One client has one limit, however its address is written.
        *((behind, "10.0.3.4", [text], "203.0.113.7") for text in (
            "::ffff:203.0.113.7", "::FFFF:CB00:7107", "203.0.113.7:43210",
            "64:ff9b::203.0.113.7",  # all behind a NAT64 are in one /64
        )),
        *((behind, "10.0.3.4", [text], "2001:db8:1:2::/64") for text in (
            "[2001:db8:1:2:3:4:5:6]:443", "[2001:db8:1:2:3:4:5:6]", "2001:DB8:1:2::9",
        )),
        (behind, "10.0.3.4", ["fe80::1%eth0"], "fe80::/64"),
    ],
)  # fmt: skip
def test_a_client_is_the_last_address_that_no_client_can_choose(
    address: ClientAddress, peer: str | None, forwarded: list[str], client: str
) -> None:
    assert address.of(peer, forwarded) == client


@given(
    st.lists(st.text(st.characters(codec="latin-1"), max_size=80), max_size=5),
    st.ip_addresses(v=4).filter(lambda one: one not in ipaddress.ip_network("10.0.0.0/16")),
)
def test_no_header_that_a_client_sends_through_the_proxy_chooses_its_limit(
    sent: list[str], client: ipaddress.IPv4Address
) -> None:
    appended = [*sent[:-1], f"{sent[-1]}, {client}"] if sent else [str(client)]
    assert behind.of("10.0.3.4", appended) == str(client)
    assert behind.of("10.0.3.4", [*sent, str(client)]) == str(client)
    assert behind.of(str(client), sent) == str(client)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "said"),
    [
        (PROXIES, [], "the trusted proxy 10.0.3.4 names no client"),
        (PROXIES, [""], "the trusted proxy 10.0.3.4 names no client"),
        ((), ["203.0.113.7"], "if it is a proxy of yours, name it among the trusted proxies"),
    ],
)
def test_a_proxy_that_names_no_client_or_that_is_not_named_is_limited_and_logged_once(
    proxies: tuple[str, ...], forwarded: list[str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    address = ClientAddress(proxies)
    assert {address.of("10.0.3.4", forwarded) for _ in range(3)} == {"10.0.3.4"}
    (message,) = caplog.messages
    assert said in message


def test_a_forger_on_the_internet_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for number in range(9):
        ClientAddress().of(f"8.8.8.{number}", ["198.51.100.1"])
    assert not caplog.messages


@pytest.mark.parametrize("peer", [None, "", "testclient"])
def test_clients_without_an_address_never_share_a_limit_unnoticed(peer: str | None) -> None:
    with pytest.raises(UnknownClientError, match="'unix' among the trusted proxies"):
        behind.of(peer, ["203.0.113.7"])


@pytest.mark.parametrize("nothing", [[], ["garbage"]])
def test_a_proxy_on_a_unix_socket_names_the_client_or_the_request_fails(nothing: list[str]) -> None:
    with pytest.raises(UnknownClientError, match="names no client"):
        UNIX.of(None, nothing)


def test_an_asgi_scope_is_read_with_all_its_header_lines() -> None:
    headers = [
        (b"x-forwarded-for", b"198.51.100.1"),
        (b"accept", b"*/*"),
        (b"x-forwarded-for", b"203.0.113.7"),
    ]
    assert behind({"client": ("10.0.3.4", 4321), "headers": headers}) == "203.0.113.7"
    assert behind({"client": ("203.0.113.9", 4321), "headers": headers}) == "203.0.113.9"
    with pytest.raises(UnknownClientError):
        behind({"client": None, "headers": headers})


@pytest.mark.parametrize(
    ("trusted", "because"),
    [
        ("10.0.0.1/16", "has host bits set"),
        ("proxy.internal", "Write an address or a network as 10.0.0.0/16"),
        ("0.0.0.0/0", "trusts everybody"),
        ("::/0", "trusts everybody"),
        ("::ffff:0:0/96", "trusts everybody"),
    ],
)
def test_an_impossible_trusted_proxy_is_refused_with_the_reason(trusted: str, because: str) -> None:
    with pytest.raises(ValueError, match=because) as refused:
        ClientAddress([trusted])
    assert repr(trusted) in str(refused.value)


@pytest.mark.parametrize("bits", [0, 31, 129])
def test_a_prefix_that_lumps_providers_together_is_refused(bits: int) -> None:
    with pytest.raises(ValueError, match="write 32 to 128"):
        ClientAddress(ipv6_prefix=bits)
