import os
import socket
import ssl
import subprocess
import sys

import pytest

from rehearsal.common.account import make_surroundings
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.security import exposure
from rehearsal.security.exposure import listening
from rehearsal.security.target import Address, BreachError, NotHereError, Target
from tests.rehearsal.security.conftest import Attack, Start


def far(host: str) -> Target:
    """An address of a machine that is none of ours."""
    return Target((Address(host, 6379),), ssl.create_default_context(), None, ours=False)


def test_a_public_address_is_a_breach_and_a_private_one_is_shown() -> None:
    for host in ("8.8.8.8", "2001:4860:4860::8888"):
        with pytest.raises(BreachError, match="public address"):
            exposure.private(far(host))
    for host in ("10.1.2.3", "172.31.0.1", "192.168.7.1", "fd00::1", "127.0.0.1"):
        assert exposure.private(far(host)) == host


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
def test_a_socket_that_listens_on_every_address_is_a_breach(
    start: Start, aim: Attack, family: socket.AddressFamily
) -> None:
    target = aim(start())
    with socket.socket(family) as everywhere:
        # The kernel lets only loopback's packets through to it, whatever its address.
        everywhere.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        everywhere.bind(("", 0))
        everywhere.listen()
        with pytest.raises(BreachError, match=r"listens on (0\.0\.0\.0|::) port"):
            exposure.loopback(target)
    assert "each on loopback" in exposure.loopback(target)


def test_a_socket_of_a_process_that_another_started_is_found() -> None:
    program = (
        "import socket, subprocess, sys\n"
        "one = socket.create_server(('127.0.0.1', 0)); one.set_inheritable(False)\n"
        "print(one.getsockname()[1], flush=True); sys.stdin.read()"
    )
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {program!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        found = listening(os.getpid())
        process.communicate(timeout=120)
    assert ("127.0.0.1", port) in found


def test_an_address_that_somebody_else_answers_at_is_a_breach(start: Start, aim: Attack) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        with pytest.raises(BreachError, match="no process of ours"):
            exposure.loopback(aim(start(), processes=stranger.pid))
        stranger.communicate(b"\n", timeout=120)


def test_what_runs_on_other_machines_is_not_judged() -> None:
    for check in (exposure.loopback, exposure.network):
        with pytest.raises(NotHereError):
            check(far("10.1.2.3"))


def test_a_subnet_with_a_way_to_the_internet_is_a_breach(embedded_aws: Rehearsal) -> None:
    vpc = make_surroundings(embedded_aws.aws, vpc_name="a-vpc", application_group="servers")
    ec2, elasticache = embedded_aws.aws("ec2"), embedded_aws.aws("elasticache")
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    for kind in ("public", "private"):
        elasticache.create_cache_subnet_group(
            CacheSubnetGroupName=kind,
            CacheSubnetGroupDescription=kind,
            SubnetIds=[s["SubnetId"] for s in subnets if kind in s["Tags"][0]["Value"]],
        )
    with pytest.raises(BreachError, match="route to the internet's gateway"):
        exposure.routes(embedded_aws, "public")
    assert exposure.routes(embedded_aws, "private") == "3 subnets, none with an internet gateway"
