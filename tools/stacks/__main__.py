"""The state of each stack of an environment, and the command on from it: ``make stacks``.

usage: python -m tools.stacks ENVIRONMENT
"""

from environments.schema import Settings
from tools.command import for_environment, session
from tools.stacks.states import explained, find, leftovers, state_of


def _show(settings: Settings) -> int:
    name, client = settings.environment.name, session(settings).client
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


main = for_environment(
    "stacks", _show, interrupted="nothing is known. It changes nothing: run it again."
)
