"""``python -m tools.report cdk.out production``: write build/report/production.html."""

import sys
from pathlib import Path

from aws_rules import recording
from tools.assembly import parsed_of, read
from tools.command import Answer
from tools.context import committed
from tools.deviations import deviations
from tools.report import outcomes
from tools.report.page import page
from tools.report.plan import marked

ROOT = Path(__file__).parent.parent.parent


def main(arguments: list[str]) -> None:
    """Arguments: the assembly's folder, and the environment that the report is about."""
    if len(arguments) != 2:
        sys.exit("usage: python -m tools.report ASSEMBLY ENVIRONMENT")
    folder, environment = Path(arguments[0]), arguments[1]
    file = ROOT / "build" / "report" / f"{environment}.html"
    recorded = ROOT / recording.FILE.format(environment)
    todo = f"Run make report REHEARSE=1 ENV={environment}, or delete it."
    try:
        written = page(
            read(folder),
            environment,
            context=committed(),
            docs=ROOT / "docs",
            marked=marked(ROOT),
            outcomes=outcomes.read(ROOT / outcomes.FILE),
            recording=parsed_of(recorded, todo, recording.parsed) if recorded.exists() else None,
            commit=outcomes.commit_of(ROOT),
            deviations=deviations(environment),
        )
    except Answer as problem:
        sys.exit(f"report: {problem}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(written)
    print(file.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
