"""Nothing gets through to a group as it should be; what is broken on purpose is a breach."""

import secrets
import sys
from typing import Any

import pytest

from emulator.nodes import config
from emulator.nodes.users import User
from rehearsal.security import client, exposure, logins
from rehearsal.security.__main__ import CHECKS
from rehearsal.security.target import (
    BreachError,
    Check,
    NotHereError,
    Outcome,
    Wire,
    logged_in,
    perform,
)
from tests.rehearsal.security.conftest import Attack, Start

NEEDS_AWS = "only security groups are let in"
# Both are off in OpenSSL's own policy, which ends where the security level is 0.
OLD = {"tls-protocols": '"TLSv1 TLSv1.1 TLSv1.2"', "tls-ciphers": "ALL:@SECLEVEL=0"}
STRONG = "ECDHE-ECDSA-AES128-GCM-SHA256"
OURS = ["flushall", "flushdb", "keys", "monitor", "role", "sort", "swapdb"]
AWS = ["sync", "psync", "acl|log", "acl|setuser", "cluster|reset"]


@pytest.mark.plan("6.2")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check[0])
def test_nothing_gets_through_to_a_group_as_it_should_be(
    start: Start, aim: Attack, check: Check
) -> None:
    ((name, outcome, text),) = perform([check], aim(start(replicas=1)))
    assert outcome is (Outcome.NOT_HERE if name == NEEDS_AWS else Outcome.PASS), text


def without(parameters: dict[str, str]) -> dict[str, Any]:
    return {"parameters": {**OLD, **parameters}}


@pytest.mark.parametrize(
    ("attack", "fields", "rules", "breach"),
    [
        (logins.hopeless, {"users": (User(),)}, "", "without any password configured"),
        (logins.tokens_refused, {}, "default >foobared", "took a wrong login"),
        (logins.tokens_refused, {}, "admin on nopass +ping", "took a wrong login"),
        (exposure.plain_text, {"tls": False}, "", "answers without TLS"),
        (exposure.versions, without({}), "", r"goes on with TLS 1\.0"),
        (
            exposure.versions,
            without({"tls-protocols": '"TLSv1.1 TLSv1.2"'}),
            "",
            r"goes on with TLS 1\.1",
        ),
        *(
            (
                exposure.ciphers,
                {"parameters": {"tls-ciphers": f"{STRONG}:{suites}:@SECLEVEL=0"}},
                "",
                f"cipher of the kind {kind}",
            )
            for suites, kind in (
                ("ECDHE-ECDSA-NULL-SHA", "NULL"),
                ("AECDH-AES128-SHA", "anonymous"),
            )
        ),
    ],
)
def test_a_server_that_is_broken_is_a_breach(
    start: Start, aim: Attack, attack: Any, fields: dict[str, Any], rules: str, breach: str
) -> None:
    group = start(**fields)
    if rules:
        group.shards[0].primary.server.call("acl", "setuser", *rules.split())
    with pytest.raises(BreachError, match=breach):
        attack(aim(group))


@pytest.mark.plan("2.3", "6.2")
def test_each_command_that_the_user_gets_is_a_breach(start: Start, aim: Attack) -> None:
    group = start()
    call = group.shards[0].primary.server.call
    for rule in (*OURS, *AWS):
        call("acl", "setuser", "default", f"+{rule}")
        with pytest.raises(BreachError, match=rule.replace("|", " ").upper()):
            logins.restricted(aim(group))
        call("acl", "setuser", "default", f"-{rule.partition('|')[0]}")


@pytest.mark.parametrize("name", config.RENAMED)
def test_a_command_that_was_left_open_is_a_breach_and_does_not_run(
    start: Start, aim: Attack, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(config, "RENAMED", tuple(one for one in config.RENAMED if one != name))
    group = start(users=(User.only(secrets.token_hex(32)),))  # its rights would refuse it too
    with pytest.raises(BreachError, match=name.upper()):
        logins.restricted(aim(group))
    server = group.shards[0].primary.server
    assert server.alive
    assert server.info("replication")["role"] == "master"


def test_a_server_without_a_token_is_a_breach_and_keeps_its_data(start: Start, aim: Attack) -> None:
    target = aim(start(users=(User(),)))
    with Wire(target.primary, target.trust) as wire:
        wire("SET", "kept", "1")
        with pytest.raises(BreachError, match=r"ping .* without a login"):
            logins.every_command(target)
        assert wire("GET", "kept") == "1"


def test_one_open_command_is_a_breach(
    start: Start, aim: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logins, "_FREE", {"auth", "quit"})
    with pytest.raises(BreachError, match="hello"):
        logins.every_command(aim(start()))


def test_a_node_that_was_left_open_is_found_behind_a_closed_primary(
    start: Start, aim: Attack
) -> None:
    closed = start(replicas=1)
    closed.shards[0].replicas[0].server.call("acl", "setuser", "default", "nopass")
    with pytest.raises(BreachError, match="without a login"):
        logins.every_command(aim(closed))


def test_the_pinned_commands_are_those_of_redis_6_2_and_are_tried_without_a_token(
    start: Start, aim: Attack
) -> None:
    group = start()
    suffix = group.shards[0].primary.server.settings.control.suffix
    target = aim(group)
    with logged_in(target, target.primary) as wire:
        there = {name.removesuffix(f"-{suffix}"): arity for name, arity, *_ in wire("COMMAND")}
    assert logins.pinned() == there
    assert "221 commands" in logins.every_command(aim(group, token=None))


@pytest.mark.parametrize("cut", [16, 63], ids=["its beginning", "all but one"])
def test_a_server_that_takes_a_part_of_the_token_is_a_breach_that_does_not_show_it(
    start: Start, aim: Attack, cut: int
) -> None:
    group = start()
    target = aim(group)
    assert target.token is not None
    rule = f">{target.token[:cut]}"
    group.shards[0].primary.server.call("acl", "setuser", "default", rule)
    with pytest.raises(BreachError, match="took a wrong login") as breach:
        logins.tokens_refused(target)
    assert target.token[:16] not in str(breach.value)
    assert target.token not in repr(target)


@pytest.mark.parametrize(
    ("attack", "breach"), [(logins.counted, "counted"), (logins.heard, "stay silent")]
)
def test_refusals_that_are_not_all_counted_are_a_breach(
    start: Start, aim: Attack, attack: Any, breach: str
) -> None:
    # The reader's address leads to two nodes in turn: neither counts all of them.
    group = start(replicas=2)
    with pytest.raises(BreachError, match=breach):
        attack(aim(group, addresses=aim(group).addresses[1:2]))


def test_a_token_that_could_be_guessed_is_a_breach(start: Start, aim: Attack) -> None:
    group = start()
    for token in ("password12345678", "1" * 64, "0123456789" * 3, "ab" * 32):
        with pytest.raises(BreachError, match="bits at most"):
            logins.hopeless(aim(group, token=token))


def test_a_token_of_the_deployments_form_has_more_than_300_bits() -> None:
    assert all(logins.strength(logins.guess()) > 300 for _ in range(100))


def test_a_guess_that_is_taken_is_a_breach(
    start: Start, aim: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = aim(start())
    monkeypatch.setattr(logins, "guess", lambda: target.token)
    with pytest.raises(BreachError, match="took a guess"):
        logins.hopeless(target)


def test_where_others_log_in_too_few_guesses_are_made(start: Start, aim: Attack) -> None:
    group = start()
    logins.hopeless(aim(group, ours=False))
    counted = group.shards[0].primary.server.info("errorstats")["errorstat_WRONGPASS"]["count"]
    assert counted == logins.GUESSES


def test_what_a_target_cannot_show_is_not_judged(start: Start, aim: Attack) -> None:
    without_token, of_others = aim(start(), token=None), aim(start(), ours=False)
    for attack, target, why in (
        (logins.restricted, without_token, "no token"),
        (client.harmless, without_token, "no token"),
        (logins.heard, of_others, "CloudWatch"),
        (logins.counted, of_others, "others log in"),
    ):
        with pytest.raises(NotHereError, match=why):
            attack(target)


def test_what_refuses_tls_1_2_too_proves_nothing(start: Start, aim: Attack) -> None:
    target = aim(start(parameters={"tls-protocols": '"TLSv1.3"'}))
    for check in (exposure.versions, exposure.ciphers):
        with pytest.raises(NotHereError, match=r"TLS 1\.2"):
            check(target)


def test_an_address_where_nobody_listens_has_failed_not_passed(start: Start, aim: Attack) -> None:
    group = start()
    target = aim(group)
    group.stop()
    checks = [("one", exposure.plain_text), ("two", exposure.versions)]
    assert {outcome for _, outcome, _ in perform(checks, target)} == {Outcome.FAIL}


CARELESS = (sys.executable, "-m", "tests.rehearsal.security.careless")


@pytest.mark.parametrize(
    ("attack", "how", "breach"),
    [
        (client.impostors_refused, "trusts everybody", "shows a foreign authority's"),
        (client.impostors_refused, "looks at no name", "shows another address's"),
        (client.impostors_refused, "has no calendar", "shows an expired one"),
        (client.impostors_refused, "trusts nobody", "refuses a good certificate"),
        (client.impostors_refused, "never comes", "never came"),
        (client.harmless, "writes values into a command line", "never sends: .*flushall"),
        (client.harmless, "writes values into its own key's form", "was changed"),
        (client.harmless, "shortens values", "some share one"),
        (client.harmless, "takes values as they are", "of another form"),
        (client.harmless, "looks for keys", "ended the application"),
    ],
)
def test_a_client_is_a_breach_that(
    start: Start, aim: Attack, attack: Any, how: str, breach: str
) -> None:
    with pytest.raises(BreachError, match=breach):
        attack(aim(start()), [*CARELESS, how])


def test_a_client_that_checks_everything_passes(start: Start, aim: Attack) -> None:
    said = client.impostors_refused(aim(start()), [*CARELESS, "checks"])
    assert "no byte sent" in said


def test_an_endpoint_of_others_is_left_as_it_was(start: Start, aim: Attack) -> None:
    target = aim(start(), ours=False)
    with logged_in(target, target.primary) as wire:
        wire("SET", "theirs", "1")
        assert "other keys untouched" in client.harmless(target)
        _, keys = wire("SCAN", "0", "COUNT", "10000")
        assert wire("GET", "theirs") == "1"
        lives = {key: wire("PTTL", key) for key in keys if key != "theirs"}
    assert all(0 < milliseconds <= 67_501 for milliseconds in lives.values())
    assert all(key.startswith("{sectest_") for key in lives)
