"""Whom a request is counted for, and that no client chooses it."""

import ipaddress
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibewell_redis.client_address import ClientAddress, UnknownClientError

PROXIES = ("10.0.0.0/16", "2001:db8:ffff::/48")
behind = ClientAddress(PROXIES)


@pytest.mark.plan("5.5")
def test_without_a_proxy_the_peer_is_the_client_whatever_the_header_claims() -> None:
    assert ClientAddress().of("203.0.113.7", ["198.51.100.1"]) == "203.0.113.7"
    assert behind.of("203.0.113.7", ["198.51.100.1"]) == "203.0.113.7"


@pytest.mark.plan("5.5")
@pytest.mark.parametrize(
    "forged",
    ["198.51.100.1", "10.0.0.1", "127.0.0.1", "garbage", "", "10.0.0.1, 10.0.0.2", "unix", "::1"],
)
def test_what_a_client_writes_left_of_its_own_address_changes_nothing(forged: str) -> None:
    assert behind.of("10.0.3.4", [f"{forged}, 203.0.113.7"]) == "203.0.113.7"
    assert behind.of("10.0.3.4", [forged, "203.0.113.7"]) == "203.0.113.7"


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


def test_an_entry_that_is_no_address_ends_the_walk_where_it_was_passed_on() -> None:
    assert behind.of("10.0.3.4", ["203.0.113.7, unknown, 10.0.9.9"]) == "10.0.9.9"
    assert behind.of("10.0.3.4", ["203.0.113.7, "]) == "10.0.3.4"
    assert behind.of("10.0.3.4", ["203.0.113.7, 1.2.3.4:port"]) == "10.0.3.4"
    assert behind.of("10.0.3.4", ["203.0.113.7, [::1]x"]) == "10.0.3.4"
    assert behind.of("10.0.3.4", ["203.0.113.7, 1.2.3.4:" + "0" * 64]) == "10.0.3.4"


@pytest.mark.parametrize("silent", [[], [""]])
def test_a_proxy_that_names_nobody_is_limited_itself_and_is_told_of_once(
    silent: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    address = ClientAddress(PROXIES)
    for _ in range(3):
        assert address.of("10.0.3.4", silent) == "10.0.3.4"
    (told,) = caplog.messages
    assert told.startswith("the trusted proxy 10.0.3.4 names no client")


def test_a_load_balancer_that_nobody_named_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    address = ClientAddress()
    for _ in range(3):
        assert address.of("10.0.3.4", ["203.0.113.7"]) == "10.0.3.4"
    (told,) = caplog.messages
    assert "if it is a proxy of yours, name it among the trusted proxies" in told


def test_a_forger_on_the_internet_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for number in range(9):
        ClientAddress().of(f"8.8.8.{number}", ["198.51.100.1"])
    assert not caplog.messages


@pytest.mark.parametrize(
    ("written", "limited_as"),
    [
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("64:ff9b::203.0.113.7", "203.0.113.7"),  # all behind a NAT64 are in one /64
        ("::FFFF:CB00:7107", "203.0.113.7"),
        ("203.0.113.7:43210", "203.0.113.7"),
        ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:3:4:5:6]", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_one_client_has_one_limit_however_its_address_is_written(
    written: str, limited_as: str
) -> None:
    assert behind.of("10.0.3.4", [written]) == limited_as


@pytest.mark.plan("5.5")
def test_all_addresses_of_an_ipv6_host_share_a_limit_and_another_network_does_not() -> None:
    one, other = "2001:db8:1:2:ffff::1", "2001:db8:1:2::2"
    assert ClientAddress().of(one) == ClientAddress().of(other) == "2001:db8:1:2::/64"
    assert ClientAddress().of("2001:db8:1:3::2") == "2001:db8:1:3::/64"
    assert ClientAddress(ipv6_prefix=56).of("2001:db8:1:2ff::2") == "2001:db8:1:200::/56"
    assert ClientAddress(ipv6_prefix=128).of(other) == other


def test_a_trusted_ipv6_proxy_is_known_by_its_address_and_not_by_its_limit() -> None:
    narrow = ClientAddress(["2001:db8::5"])
    assert narrow.of("2001:db8::5", ["203.0.113.7"]) == "203.0.113.7"
    assert narrow.of("2001:db8::6", ["203.0.113.7"]) == "2001:db8::/64"


def test_a_proxy_whose_ipv4_address_comes_as_ipv6_is_trusted() -> None:
    assert behind.of("::ffff:10.0.3.4", ["203.0.113.7"]) == "203.0.113.7"
    mapped = ClientAddress(["::ffff:10.0.0.0/112"])
    assert mapped.of("10.0.3.4", ["203.0.113.7"]) == "203.0.113.7"


@pytest.mark.parametrize("peer", [None, "", "testclient"])
def test_clients_without_an_address_never_share_a_limit_unnoticed(peer: str | None) -> None:
    with pytest.raises(UnknownClientError, match="'unix' among the trusted proxies"):
        behind.of(peer, ["203.0.113.7"])


def test_a_proxy_on_a_unix_socket_tells_the_client_or_the_request_fails() -> None:
    address = ClientAddress(["unix"])
    assert address.of(None, ["198.51.100.1, 203.0.113.7"]) == "203.0.113.7"
    assert address.of("203.0.113.9", ["203.0.113.7"]) == "203.0.113.9"
    for nothing in ([], ["garbage"]):
        with pytest.raises(UnknownClientError, match="names no client"):
            address.of(None, nothing)


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
def test_a_trusted_proxy_that_cannot_be_is_refused_with_the_reason(
    trusted: str, because: str
) -> None:
    with pytest.raises(ValueError, match=because) as refused:
        ClientAddress([trusted])
    assert repr(trusted) in str(refused.value)


@pytest.mark.parametrize("bits", [0, 31, 129])
def test_a_prefix_that_lumps_providers_together_is_refused(bits: int) -> None:
    with pytest.raises(ValueError, match="write 32 to 128"):
        ClientAddress(ipv6_prefix=bits)
