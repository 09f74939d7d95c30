"""All that is on the page, gathered before a line of it is written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from aws_rules.dashboard import Widget, widgets
from aws_rules.recording import Recording
from tools.assembly import Document, Stack, text_of
from tools.picture.deployment import Deployment, deployment
from tools.picture.drawing import draw
from tools.report.alarms import Alarm, alarms
from tools.report.costs import Cost, costs
from tools.report.markdown import Documents, section, title
from tools.report.outcomes import Outcome
from tools.report.plan import Conformance, conformance, lines
from tools.summary import warnings

ONLY_AWS = "What only AWS can show"
_RUNBOOK = "docs/runbook.md"
_COMMITTED = "Save it as UTF-8, or take the committed one again."


@dataclass(frozen=True, slots=True)
class OnlyAws:
    """What one document says that only AWS can show."""

    document: str
    intro: Markup
    items: list[Markup]


@dataclass(frozen=True, slots=True)
class Facts:
    """One environment; ``documents`` renders the words of the project's documents."""

    environment: str
    commit: str
    picture: str
    plan: list[Conformance]
    deviations: list[str]
    alarms: list[Alarm]
    deployment: Deployment
    dashboard: str
    widgets: list[Widget]
    recording: Recording | None
    costs: list[Cost]
    warnings: dict[str, list[str]]
    only_aws: list[OnlyAws]
    documents: Documents


def gather(
    stacks: Mapping[str, Stack],
    environment: str,
    *,
    context: Document,
    docs: Path,
    marked: Mapping[str, list[str]],
    outcomes: Mapping[str, Outcome],
    recording: Recording | None,
    commit: str,
    deviations: list[str],
) -> Facts:
    """Read everything. Raises Answer when the stacks are not there."""
    drawn = deployment(dict(stacks), context, environment)
    prefix = f"vibewell-redis-{environment}-"
    own = {name: stack for name, stack in stacks.items() if name.startswith(prefix)}
    monitoring = own[f"{prefix}monitoring"]
    dashboard = monitoring.only("AWS::CloudWatch::Dashboard")
    found = alarms(own.values(), prefix)
    home = _home(found)
    return Facts(
        environment=environment,
        commit=commit,
        picture=draw(drawn),
        plan=conformance(
            lines(text_of(docs / "reference" / "plan.md", _COMMITTED)), marked, outcomes
        ),
        deviations=deviations,
        alarms=found,
        deployment=drawn,
        dashboard=dashboard["DashboardName"],
        widgets=widgets(dashboard["DashboardBody"], recording),
        recording=recording,
        costs=costs(own.values()),
        warnings=warnings(own.values()),
        only_aws=[
            _only_aws(file, home, docs)
            for file in sorted(docs.rglob("*.md"))
            if section(text_of(file, _COMMITTED), ONLY_AWS)
        ],
        documents=Documents(home, "reference"),
    )


def _home(found: list[Alarm]) -> str:
    """Where the web shows docs/, taken from the alarms' own links to the runbook."""
    links = (re.match(rf"(https://\S+/){_RUNBOOK}", alarm.runbook) for alarm in found)
    return next((f"{link[1]}docs/" for link in links if link), "")


def _only_aws(file: Path, home: str, docs: Path) -> OnlyAws:
    text = text_of(file, _COMMITTED)
    documents = Documents(home, str(file.parent.relative_to(docs)))
    limits = section(text, ONLY_AWS)
    intro = "" if limits.startswith("- ") else limits.split("\n\n", 1)[0]
    if items := documents.items(limits):
        return OnlyAws(title(text), documents.inline(intro), items)
    return OnlyAws(title(text), Markup(), list(map(documents.inline, limits.split("\n\n"))))
