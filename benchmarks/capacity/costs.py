"""What each line costs a month: the templates before and after it, priced as `make synth` does."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import aws_cdk as cdk

from app import build
from environments import load as settings_files
from environments import scaling
from environments.load import load
from tools.assembly import read
from tools.context import committed
from tools.prices import AS_OF, monthly

PRODUCTION: tuple[str, ...] = ()
SHARDED = (scaling.CLUSTER_MODE, f"shards = {scaling.SHARDS}", f"replicas = {scaling.REPLICAS}")
_IN_SHARDS = f"{scaling.SHARDS} shards of {1 + scaling.REPLICAS} nodes"
_LINES = (
    ("production", PRODUCTION, scaling.MORE_REPLICAS),
    ("production", PRODUCTION, scaling.LARGER_OF_ITS_KIND),
    ("production", PRODUCTION, scaling.LARGER),
    (_IN_SHARDS, SHARDED, scaling.MORE_SHARDS),
    (_IN_SHARDS, SHARDED, f"replicas = {scaling.REPLICAS + 1}"),
)


def table() -> str:
    """A line a change: all stacks of the environment before and after it."""
    before = {start: _cost(start) for start in (PRODUCTION, SHARDED)}
    rows = ["| line | in | USD per month before | after | more |", "|---|---|---|---|---|"]
    for where, start, line in _LINES:
        after = _cost((*start, line))
        rows.append(
            f"| `{line}` | {where} | {before[start]:.2f} | {after:.2f} "
            f"| {after - before[start]:+.2f} |"
        )
    return "\n".join([*rows, "", f"({AS_OF}; all stacks, alarms among them.)"])


def _cost(changes: Sequence[str]) -> float:
    text = (settings_files.FOLDER / "production.toml").read_text()
    for line in changes:
        key = line.partition(" = ")[0]
        text, changed = re.subn(rf"^{key} = .*$", line, text, flags=re.MULTILINE)
        if changed != 1:
            raise ValueError(f"production.toml has {changed} lines that set {key}")
        if line == scaling.LARGER:
            text = re.sub(rf"^{scaling.CREDITS_OF_NO_NODE} = .*\n", "", text, flags=re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "production.toml").write_text(text)
        settings = load("production", Path(folder))
        app = cdk.App(analytics_reporting=False, context=committed(), outdir=f"{folder}/cdk.out")
        build(app, [settings])
        return sum(map(monthly, read(Path(app.synth().directory)).values()))
