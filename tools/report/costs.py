"""What an environment costs, stack by stack and kind by kind, dearest first."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tools.assembly import Stack
from tools.prices import monthly, parts


@dataclass(frozen=True, slots=True)
class Part:
    """So many resources of one kind, in US dollars a month."""

    kind: str
    count: int
    dollars: float


@dataclass(frozen=True, slots=True)
class Cost:
    """One stack."""

    stack: str
    resources: int
    dollars: float
    parts: list[Part]


def costs(stacks: Iterable[Stack]) -> list[Cost]:
    """Every stack, in the assembly's order."""
    return [
        Cost(stack.name, len(stack.resources), monthly(stack), _parts(stack)) for stack in stacks
    ]


def _parts(stack: Stack) -> list[Part]:
    counts = Counter[str]()
    dollars = defaultdict[str, float](float)
    for kind, one in parts(stack):
        counts[kind] += 1
        dollars[kind] += one
    found = [Part(_named(kind), counts[kind], dollars[kind]) for kind in counts]
    return sorted(found, key=lambda part: -part.dollars)


def _named(kind: str) -> str:
    """``AWS::EC2::VPCEndpoint`` as ``EC2 VPCEndpoint``."""
    return " ".join(kind.split("::")[1:])
