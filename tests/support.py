"""What tests share."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from environments.schema import Settings
from tools.assembly import Stack

ROOT = Path(__file__).parent.parent

Document = dict[str, Any]
Stacks = dict[str, Stack]
Synth = Callable[[Iterable[Settings]], Stacks]
