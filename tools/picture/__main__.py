"""``python -m tools.picture cdk.out docs/deployment.svg``: draw production."""

import json
import sys
from pathlib import Path

from tools.assembly import read
from tools.picture.deployment import UnknownEnvironmentError, deployment
from tools.picture.drawing import draw

CONTEXT = Path("cdk.context.json")


def main(arguments: list[str]) -> None:
    """Write the picture of the assembly in the first argument to the file in the second."""
    if len(arguments) != 2:
        sys.exit("usage: python -m tools.picture ASSEMBLY FILE.svg")
    folder, file = map(Path, arguments)
    if not (folder / "manifest.json").exists():
        sys.exit(f"picture: there are no templates in {folder}/: run make synth first")
    context = json.loads(CONTEXT.read_text()) if CONTEXT.exists() else {}
    try:
        facts = deployment(read(folder), context)
    except UnknownEnvironmentError as problem:
        sys.exit(f"picture: {folder}/: {problem}: run make synth without ENV")
    file.write_text(draw(facts))


if __name__ == "__main__":
    main(sys.argv[1:])
