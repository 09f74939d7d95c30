"""The example application on real nodes, under the real server, in several processes."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emulator.bare_nodes import Nodes, started, variables
from tests.client.fields import read_list
from tests.client.served_example import Example, serving, start

pytestmark = pytest.mark.servers

# A decision that Redis itself must make is not left to the fallback by a busy machine.
PATIENT = {"RATE_LIMIT_DEADLINE_MS": "30000"}


@pytest.fixture(scope="module")
def instances(nodes: Nodes) -> Iterator[list[Example]]:
    """Two instances, as two machines behind one load balancer; the second has two processes."""
    published = variables(nodes, instances=3) | PATIENT
    with serving(published) as one, serving(published, workers=2) as other:
        yield [one, other]


@pytest.mark.plan("5.5")
def test_a_limit_holds_over_all_processes_of_all_instances(instances: list[Example]) -> None:
    def ask(number: int) -> tuple[int, int | None]:
        answer = instances[number % 2].get("/mfa", X_Forwarded_For="203.0.113.1")
        return answer.status, answer.body.get("process")

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(24)))
    admitted = [process for status, process in answers if status == 200]
    assert len(admitted) == 5
    assert sorted({status for status, _ in answers}) == [200, 429]


@pytest.mark.plan("8")
def test_the_headers_count_down_across_instances_and_then_say_when_to_come_back(
    instances: list[Example],
) -> None:
    answers = [
        instances[number % 2].get("/mfa", X_Forwarded_For="203.0.113.2") for number in range(6)
    ]
    left = [read_list(answer.headers["ratelimit"])[0] for answer in answers]
    assert [(name, one["r"]) for name, one in left] == [("mfa-ip", r) for r in (4, 3, 2, 1, 0, 0)]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"mfa-ip";q=5;w=60'}
    refused = answers[-1]
    assert refused.status == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert left[-1][1]["t"] <= int(refused.headers["retry-after"]) <= 61
    assert refused.body["violated-policies"] == ["mfa-ip"]


def test_after_the_seconds_of_retry_after_the_request_is_admitted(
    nodes: Nodes,
) -> None:
    published = variables(nodes) | PATIENT | {"RATE_LIMIT_SENSITIVE": "1,2"}
    with serving(published) as example:
        assert example.get("/search", X_Forwarded_For="203.0.113.3").status == 200
        for _ in range(30):  # the window is short, and a busy machine slow
            refused = example.get("/search", X_Forwarded_For="203.0.113.3")
            if refused.status == 429:
                break
        assert refused.status == 429
        wait = int(refused.headers["retry-after"])
        assert 1 <= wait <= 3
        time.sleep(wait)  # what a client is told to do
        assert example.get("/search", X_Forwarded_For="203.0.113.3").status == 200


@pytest.mark.plan("5.5")
def test_user_and_address_are_limited_besides_each_other(instances: list[Example]) -> None:
    one = instances[0]
    for number in range(5):
        address = f"203.0.113.{10 + number}"
        answer = one.get("/mfa", X_Forwarded_For=address, X_Demonstration_User="42")
        assert answer.status == 200
    refused = one.get("/mfa", X_Forwarded_For="203.0.113.20", X_Demonstration_User="42")
    assert refused.body["violated-policies"] == ["mfa-user"]
    # The refused request has not counted for its address, which another user shares.
    other = one.get("/mfa", X_Forwarded_For="203.0.113.20", X_Demonstration_User="43")
    assert dict(read_list(other.headers["ratelimit"]))["mfa-ip"]["r"] == 4


@pytest.mark.plan("5.5")
def test_a_forged_header_never_chooses_the_limit(instances: list[Example]) -> None:
    def forge(source: str, header: str) -> int:
        return instances[0].get("/mfa", source=source, X_Forwarded_For=header).status

    # 127.0.0.2 is nobody's proxy: what it claims counts for itself.
    direct = [forge("127.0.0.2", f"203.0.113.{number}") for number in range(30, 36)]
    assert direct == [200] * 5 + [429]
    # What a client claims through the proxy stands left of what the proxy says of it.
    passed_on = [
        forge("127.0.0.1", f"203.0.113.{number}, 203.0.113.40") for number in range(41, 47)
    ]
    assert passed_on == [200] * 5 + [429]


def test_a_server_on_this_machine_is_believed_only_when_it_is_named(nodes: Nodes) -> None:
    # uvicorn itself would believe it.
    with serving(variables(nodes) | PATIENT | {"TRUSTED_PROXIES": ""}) as example:
        statuses = [
            example.get("/mfa", X_Forwarded_For=f"203.0.113.{number}").status
            for number in range(90, 96)
        ]
    assert statuses == [200] * 5 + [429]


def test_headers_tell_neither_user_nor_address(instances: list[Example]) -> None:
    for _ in range(6):
        answer = instances[0].get(
            "/mfa", X_Forwarded_For="203.0.113.50", X_Demonstration_User="ada@example.com"
        )
        told = f"{answer.headers} {answer.body}"
        assert "203.0.113" not in told
        assert "ada" not in told
    assert answer.status == 429


def test_a_health_check_is_never_limited(instances: list[Example]) -> None:
    for _ in range(150):  # the widest limit of an address here is 120
        answer = instances[0].get("/healthz", X_Forwarded_For="203.0.113.60")
        assert answer.status == 200
        assert "ratelimit" not in answer.headers


def test_hostile_users_are_limited_like_any(instances: list[Example]) -> None:
    for user in ("{rl}:mfa:ip:203.0.113.70", "a" * 4000, "\xff", "x\t*", "*"):
        answers = [
            instances[0].get(
                "/mfa", X_Forwarded_For=f"203.0.{number}.70", X_Demonstration_User=user
            )
            for number in range(6)
        ]
        assert [answer.status for answer in answers] == [200] * 5 + [429]
    nobody = instances[0].get("/mfa", X_Forwarded_For="203.0.113.71", X_Demonstration_User="")
    assert [name for name, _ in read_list(nobody.headers["ratelimit"])] == ["mfa-ip"]


def test_while_redis_is_away_closed_tiers_are_503_and_others_go_on(tmp_path: Path) -> None:
    with started(tmp_path / "nodes") as own, serving(variables(own)) as example:
        admitted = [example.get("/payments", X_Forwarded_For="203.0.113.1") for _ in range(5)]
        assert 200 in [answer.status for answer in admitted]
        own.group.stop()
        closed = example.get("/payments", X_Forwarded_For="203.0.113.1")
        assert closed.status == 503
        assert closed.body["type"].endswith("#temporary-reduced-capacity")
        assert int(closed.headers["retry-after"]) >= 1
        local = [example.get("/search", X_Forwarded_For="203.0.113.1") for _ in range(11)]
        assert [answer.status for answer in local] == [200] * 10 + [503]
        log = example.end()
    assert "Redis is away" in log
    assert "Traceback" not in log
    assert own.token not in log


def test_the_application_starts_while_redis_is_away(tmp_path: Path) -> None:
    with started(tmp_path / "nodes") as gone:
        published = variables(gone)
    with serving(published) as example:
        assert example.get("/search", X_Forwarded_For="203.0.113.1").status == 200
        assert example.get("/payments", X_Forwarded_For="203.0.113.1").status == 503


def test_it_ends_when_asked_and_nothing_complains(nodes: Nodes) -> None:
    with serving(variables(nodes)) as example:
        example.get("/login", X_Forwarded_For="203.0.113.80")
        log = example.end()
        assert example.process.returncode in (0, -15)  # uvicorn raises the signal again at the end
    assert "Application shutdown complete" in log
    for wrong in ("Traceback", "Task was destroyed", "unclosed", "never retrieved"):
        assert wrong not in log


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"RATE_LIMIT_MFA": "5 a minute"}, "RATE_LIMIT_MFA"),
        ({"RATE_LIMIT_DEADLINE_MS": "soon"}, "RATE_LIMIT_DEADLINE_MS is 'soon'"),
        ({"TRUSTED_PROXIES": "proxy.internal"}, "'proxy.internal' is no trusted proxy"),
    ],
)
def test_a_wrong_setting_is_one_line_and_no_traceback(
    nodes: Nodes, changed: dict[str, str], told: str
) -> None:
    process = start(variables(nodes) | changed)
    log, _ = process.communicate(timeout=120)
    (line,) = log.splitlines()
    assert process.returncode == 1
    assert line.startswith("example: ")
    assert told in line
