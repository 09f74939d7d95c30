"""Deploys an environment by the CDK command line, from each state that a stack may be in.

usage: python -m tools.deploy ENVIRONMENT RECREATE REVIEWED CDK-COMMAND…

RECREATE names stacks, separated by spaces, whose creation failed and that are created again;
REVIEWED, if not empty, leaves CDK's question out. ``make deploy`` ends with the health check.
"""

import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence

from environments.load import load
from environments.schema import PROJECT
from tools.change_sets.execute import LONGEST
from tools.command import command, session
from tools.deploy_guard import may_be_deployed
from tools.engine_guard import check_engine_alone
from tools.stacks.creation import make_way
from tools.stacks.states import explained, find, state_of


def cdk_deploy(name: str, cdk: Sequence[str], *, reviewed: bool) -> list[str]:
    """CDK's deployment of an environment, by change sets of a name that no other one uses.

    CDK executes the change set that has the name, whoever made it, and its own name is shared by
    every deployment: two at once would execute each other's (aws/aws-cdk issue 14316).
    """
    return [
        *(*cdk, "deploy", f"{PROJECT}-{name}-*"),
        *("--change-set-name", f"deploy-{uuid.uuid4().hex[:12]}"),
        *(["--require-approval", "never"] if reviewed else []),
    ]


def _deploy(name: str, recreate: str, reviewed: str, *cdk: str) -> int:
    """0 when it is deployed; 1 or CDK's own status with the way on."""
    settings = load(name)
    may_be_deployed(settings)
    client = session(settings, LONGEST).client("cloudformation")
    check_engine_alone(settings, client)
    make_way(client, settings.stacks, name, recreate.split(), _ask if sys.stdin.isatty() else None)
    # Another synth takes cdk.out away while this deployment still reads it.
    with tempfile.TemporaryDirectory() as folder:
        output = ("--output", f"{folder}/cdk.out")
        deployment = cdk_deploy(name, cdk, reviewed=bool(reviewed))
        status = subprocess.run([*deployment, *output], check=False).returncode
    if status:
        for stack in filter(None, (find(client, one) for one in settings.stacks)):
            if state_of(stack).todo:
                print(f"\n{explained(client, stack, name)}", file=sys.stderr)
    return status


def _ask(question: str) -> str:
    try:
        return input(question)
    except EOFError:  # Ctrl-D
        return ""


main = command(
    "deploy",
    _deploy,
    takes=lambda given: len(given) >= 4 and given[0],
    interrupted="what CloudFormation has started continues. make stacks ENV={0} shows it.",
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
