"""The state of each stack of an environment, and the command on from it: ``make stacks``.

usage: python -m tools.stacks ENVIRONMENT
"""

import sys

from environments.load import load
from tools.command import ended, session
from tools.stacks.leftovers import leftovers
from tools.stacks.states import explained, find, state_of


def main(arguments: list[str]) -> int:
    """0 if every stack takes a deployment, 1 with what to do where one does not, 2 for usage."""
    if len(arguments) != 1:
        print("stacks: name one environment, for example ENV=staging", file=sys.stderr)
        return 2
    return ended(
        lambda: _show(arguments[0]),
        failed="stacks: AWS could not be asked",
        interrupted="stacks: nothing is known. It changes nothing: run it again.",
    )


def _show(name: str) -> int:
    settings = load(name)
    client = session(settings).client
    waits = 0
    for stack_name in settings.stacks:
        stack = find(client("cloudformation"), stack_name)
        if stack is None:
            print(f"{stack_name} is not deployed: make deploy ENV={name} creates it.")
        else:
            waits += not state_of(stack).changeable
            print(explained(client("cloudformation"), stack, name))
    for line in leftovers(client, settings.stacks):
        print(line)
    return int(waits > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
