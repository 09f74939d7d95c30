"""``python -m tools.report cdk.out production``: write build/report/production.html."""

import json
import sys
from pathlib import Path

from aws_rules import recording
from tools.assembly import read
from tools.context import committed
from tools.deviations import deviations
from tools.picture.deployment import UnknownEnvironmentError
from tools.report import outcomes
from tools.report.facts import gather
from tools.report.page import page
from tools.report.plan import PlanError
from tools.report.proofs import CollectionError, marked

ROOT = Path(__file__).parent.parent.parent


def main(arguments: list[str]) -> None:
    """Arguments: the assembly's folder, and the environment that the report is about."""
    if len(arguments) != 2:
        sys.exit("usage: python -m tools.report ASSEMBLY ENVIRONMENT")
    folder, environment = Path(arguments[0]), arguments[1]
    if not (folder / "manifest.json").exists():
        sys.exit(f"report: there are no templates in {folder}/: run make report ENV={environment}")
    file = ROOT / "build" / "report" / f"{environment}.html"
    try:
        written = page(
            gather(
                read(folder),
                environment,
                context=committed(),
                docs=ROOT / "docs",
                marked=marked(ROOT),
                outcomes=outcomes.read(ROOT / outcomes.FILE),
                recording=recording.read(ROOT / recording.FILE.format(environment)),
                commit=outcomes.commit_of(ROOT),
                deviations=deviations(environment),
            )
        )
    except UnknownEnvironmentError as problem:
        sys.exit(f"report: {folder}/: {problem}: run make report ENV={environment}")
    except (CollectionError, PlanError) as problem:
        sys.exit(f"report: {problem}")
    except json.JSONDecodeError as problem:
        sys.exit(f"report: a file in {file.parent}/ is no JSON any more ({problem}): delete it")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(written)
    print(file.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
