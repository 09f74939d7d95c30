import pytest

from rehearsal.security import transport
from rehearsal.security.target import BreachError, Check, NotHereError, Outcome, perform
from tests.rehearsal.security.conftest import Attack, Start

# Both are off in OpenSSL's own policy, which ends where the security level is 0.
OLD = {"tls-protocols": '"TLSv1 TLSv1.1 TLSv1.2"', "tls-ciphers": "ALL:@SECLEVEL=0"}
OLDEST = {**OLD, "tls-protocols": '"TLSv1 TLSv1.2"'}


def test_a_server_without_tls_is_a_breach(start: Start, aim: Attack) -> None:
    with pytest.raises(BreachError, match="answers without TLS"):
        transport.plain_text(aim(start(tls=False)))


@pytest.mark.parametrize(("parameters", "version"), [(OLD, "TLS 1.0"), (OLDEST, "TLS 1.0")])
def test_a_server_that_takes_an_old_version_is_a_breach(
    start: Start, aim: Attack, parameters: dict[str, str], version: str
) -> None:
    with pytest.raises(BreachError, match=f"goes on with {version}"):
        transport.versions(aim(start(parameters=parameters)))


def test_tls_1_1_alone_is_a_breach_too(start: Start, aim: Attack) -> None:
    parameters = {**OLD, "tls-protocols": '"TLSv1.1 TLSv1.2"'}
    with pytest.raises(BreachError, match=r"goes on with TLS 1\.1"):
        transport.versions(aim(start(parameters=parameters)))


@pytest.mark.parametrize(
    ("suites", "kind"), [("ECDHE-ECDSA-NULL-SHA", "NULL"), ("AECDH-AES128-SHA", "anonymous")]
)
def test_a_server_that_takes_a_weak_cipher_is_a_breach(
    start: Start, aim: Attack, suites: str, kind: str
) -> None:
    strong = "ECDHE-ECDSA-AES128-GCM-SHA256"
    parameters = {"tls-ciphers": f"{strong}:{suites}:@SECLEVEL=0"}
    with pytest.raises(BreachError, match=f"cipher of the kind {kind}"):
        transport.ciphers(aim(start(parameters=parameters)))


def test_what_refuses_tls_1_2_too_proves_nothing(start: Start, aim: Attack) -> None:
    target = aim(start(parameters={"tls-protocols": '"TLSv1.3"'}))
    for check in (transport.versions, transport.ciphers):
        with pytest.raises(NotHereError, match=r"TLS 1\.2"):
            check(target)


def test_an_address_where_nobody_listens_has_failed_not_passed(start: Start, aim: Attack) -> None:
    group = start()
    target = aim(group)
    group.stop()
    checks = [Check("one", transport.plain_text), Check("two", transport.versions)]
    assert {line.outcome for line in perform(checks, target)} == {Outcome.FAIL}
