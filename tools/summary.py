"""The table that ``make synth`` ends with: stack, resources, warnings, monthly cost."""

import sys
from collections.abc import Iterable
from pathlib import Path

from tools.assembly import Stack, read
from tools.command import Answer
from tools.prices import AS_OF, monthly

ROW = "{:40} {:>9} {:>8} {:>12}"


def main(folder: Path) -> None:
    """Print the table of the assembly in ``folder``, then each warning once."""
    try:
        stacks = read(folder).values()
    except Answer as reason:
        sys.exit(f"summary: {reason}")
    print(ROW.format("stack", "resources", "warnings", "USD per month"))
    for stack in stacks:
        cost = f"{monthly(stack):.2f}"
        print(ROW.format(stack.name, len(stack.resources), len(stack.warnings), cost))
    print(ROW.format("", "", "", f"{sum(map(monthly, stacks)):.2f}"))
    print(f"({AS_OF})")
    for warning, names in warnings(stacks).items():
        print(f"\nwarning for {', '.join(names)}\n  {warning}")
    print(f"\ntemplates: {folder}/*.template.json")


def warnings(stacks: Iterable[Stack]) -> dict[str, list[str]]:
    """Each warning once, with the stacks that it is about."""
    found: dict[str, list[str]] = {}
    for stack in stacks:
        for warning in stack.warnings:
            # The library appends the name by which a warning can be acknowledged.
            found.setdefault(warning.rsplit(" [ack:", 1)[0], []).append(stack.name)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
