import pytest

from emulator.nodes.users import User
from rehearsal.security import logins
from rehearsal.security.logins import guess
from rehearsal.security.target import BreachError, NotHereError
from tests.rehearsal.security.conftest import Attack, Start


@pytest.mark.parametrize("token", ["password12345678", "1" * 64, "0123456789" * 3, "ab" * 32])
def test_a_token_that_could_be_guessed_is_a_breach(start: Start, aim: Attack, token: str) -> None:
    with pytest.raises(BreachError, match="bits at most"):
        logins.hopeless(aim(start(), token=token))


def test_a_token_of_the_deployments_form_has_more_than_300_bits() -> None:
    assert all(logins.strength(guess()) > 300 for _ in range(100))


def test_a_server_that_wants_no_token_is_a_breach(start: Start, aim: Attack) -> None:
    with pytest.raises(BreachError, match="without any password configured"):
        logins.hopeless(aim(start(users=(User(),))))


def test_a_guess_that_is_taken_is_a_breach(
    start: Start, aim: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = aim(start())
    monkeypatch.setattr(logins, "guess", lambda: target.token)
    with pytest.raises(BreachError, match="took a guess"):
        logins.hopeless(target)


def test_guesses_that_no_counter_shows_are_a_breach(start: Start, aim: Attack) -> None:
    # The reader's address leads to two nodes in turn: another one is asked than was tried.
    group = start(replicas=2)
    reader = aim(group).addresses[1:2]
    with pytest.raises(BreachError, match="stay silent"):
        logins.heard(aim(group, addresses=reader))


def test_where_others_log_in_too_few_guesses_are_made(start: Start, aim: Attack) -> None:
    group = start()
    logins.hopeless(aim(group, ours=False))
    counted = group.shards[0].primary.server.info("errorstats")["errorstat_WRONGPASS"]["count"]
    assert counted == logins.GUESSES


def test_the_alarm_of_others_is_theirs_to_look_at(start: Start, aim: Attack) -> None:
    with pytest.raises(NotHereError, match="CloudWatch"):
        logins.heard(aim(start(), ours=False))
