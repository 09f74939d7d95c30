"""Every example of the developer guide runs as it is written, and prints what the guide says."""

import re
import sys
from collections.abc import Iterator

import pytest

from emulator.clean_environment import run_command
from emulator.engines import obtain
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group
from emulator.nodes.spec import GroupSpec
from rehearsal.common.rehearsal import Rehearsal
from tests.support import ROOT

pytestmark = pytest.mark.plan("8")

GUIDE = (ROOT / "docs" / "develop" / "developer-guide.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?", GUIDE, re.M | re.S)
DEPLOYED = [example for example in EXAMPLES if "from_parameter_store" in example[0]]
LOCAL = [example for example in EXAMPLES if example not in DEPLOYED]
(VARIABLES,) = re.findall(r"^```\n(export .*?)^```\n", GUIDE, re.M | re.S)

# What is shown is what Redis decides: a busy machine must not leave it to the fallback.
PATIENT = """
import vibewell_redis
import vibewell_redis.asyncio

for module in (vibewell_redis, vibewell_redis.asyncio):
    module.RateLimiter.from_settings.__func__.__kwdefaults__["deadline"] = 30.0
"""
ASKED_SIX_TIMES = """
import asyncio

async def ask():
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "https", "path": "/code", "raw_path": b"/code", "root_path": "",
        "query_string": b"", "headers": [(b"x-forwarded-for", b"203.0.113.9")],
        "client": ("10.0.0.5", 40000), "server": ("app", 443),
    }
    await application(scope, receive, send)
    return sent[0]["status"]


async def all_of_them():
    print([await ask() for _ in range(6)])


asyncio.run(all_of_them())
"""


@pytest.fixture(scope="module")
def plain_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis without TLS and token, as on a developer's machine."""
    with NodeContext(tmp_path_factory.mktemp("plain")) as node_context:
        spec = GroupSpec(
            "plain", obtain("redis", "6.2"), replicas=0, tls=False, node_bytes=64 << 20
        )
        group = Group(spec, node_context)
        try:
            host, port = group.shards[0].primary.at
            yield f"redis://{host}:{port}"
        finally:
            group.stop()


def run(code: str, environment: dict[str, str]) -> str:
    done = run_command(
        [sys.executable, "-c", PATIENT + code],
        environment=environment | {"PYTHONPATH": str(ROOT / "client")},
    )
    assert done.returncode == 0, f"{code}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("example", DEPLOYED, ids=lambda example: example[0].splitlines()[-1])
def test_an_example_runs_on_the_deployed_redis(
    deployed: Rehearsal, example: tuple[str, str]
) -> None:
    code, printed = example
    environment = deployed.embedded_aws.environment | {"SSL_CERT_FILE": str(deployed.authority)}
    assert run(code, environment) == printed


def test_the_limited_endpoint_refuses_the_sixth_code(deployed: Rehearsal) -> None:
    (code,) = [code for code, _ in DEPLOYED if "RateLimitMiddleware(" in code]
    environment = deployed.embedded_aws.environment | {"SSL_CERT_FILE": str(deployed.authority)}
    assert run(code + ASKED_SIX_TIMES, environment) == "[200, 200, 200, 200, 200, 429]\n"


@pytest.mark.parametrize("example", LOCAL, ids=lambda example: example[0].splitlines()[-1])
def test_an_example_runs_on_a_redis_of_one_s_own(
    plain_redis: str, example: tuple[str, str]
) -> None:
    code, printed = example
    variables = dict(re.findall(r"([A-Z_]+)=(\S+)", VARIABLES))
    assert variables["REDIS_URL"] == "redis://127.0.0.1:6379"
    variables["REDIS_URL"] = plain_redis
    assert run(code, variables) == printed
