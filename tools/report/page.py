"""The report as one HTML file that needs nothing else."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from aws_rules.dashboard import widgets
from aws_rules.recording import Recording
from drawing.page import document
from tools import prices
from tools.assembly import Document, Stack, text_of
from tools.command import counted
from tools.picture.deployment import deployment
from tools.picture.drawing import draw
from tools.report.alarms import alarms
from tools.report.documents import COMMITTED, ONLY_AWS, inline, only_aws
from tools.report.outcomes import Outcome
from tools.report.plan import Marked, State, conformance, lines
from tools.report.plot import drawn
from tools.summary import warnings

_HERE = Path(__file__).parent


def page(
    stacks: Mapping[str, Stack],
    environment: str,
    *,
    context: Document,
    docs: Path,
    marked: Marked,
    outcomes: Mapping[str, Outcome],
    recording: Recording | None,
    commit: str,
    deviations: list[str],
) -> str:
    """The whole document; the same facts give the same bytes. Raises Answer without the stacks."""
    shown = deployment(dict(stacks), context, environment)
    prefix = f"vibewell-redis-{environment}-"
    own = [stack for name, stack in stacks.items() if name.startswith(prefix)]
    dashboard = stacks[f"{prefix}monitoring"].only("AWS::CloudWatch::Dashboard")
    found = alarms(own, prefix)
    home = _home(alarm["runbook"] for alarm in found)
    plan = conformance(lines(text_of(docs / "reference" / "plan.md", COMMITTED)), marked, outcomes)
    loader = FileSystemLoader(_HERE / "templates")
    templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    templates.trim_blocks = templates.lstrip_blocks = True
    templates.filters["counted"] = counted
    templates.filters["dollars"] = "{:,.2f}".format
    templates.filters["inline"] = partial(inline, home=home and f"{home}reference/")
    picture, style = _picture(draw(shown))
    body = templates.get_template("page.html.j2").render(
        environment=environment,
        commit=commit,
        plan=plan,
        sections={
            name: [one for one in plan if one.line.section == name]
            for name in dict.fromkeys(one.line.section for one in plan)
        },
        states=Counter(line.state for line in plan),
        State=State,
        tests=len({test.name for line in plan for test in line.tests}),
        deviations=deviations,
        alarms=found,
        severities=Counter(alarm["severity"] for alarm in found),
        channels={name: shown.receivers_of(name) for name in shown.topics},
        dashboard=dashboard["DashboardName"],
        widgets=widgets(dashboard["DashboardBody"], recording),
        recording=recording,
        plot=drawn,
        stacks=own,
        costs=_costs,
        prices=prices,
        total=sum(map(prices.monthly, own)),
        warnings=warnings(own),
        only_aws=only_aws(docs, home),
        only_aws_title=ONLY_AWS,
        picture=Markup(picture),  # noqa: S704 - drawn by us, every text in it escaped
    )
    title = f"{dashboard['DashboardName']}: report"
    return document(title, body, (_HERE / "page.css").read_text() + style)


def _home(runbooks: Iterable[str]) -> str:
    """Where the web shows docs/, taken from the alarms' own links to the runbook."""
    links = (re.match(r"(https://\S+/docs/)runbook.md", address) for address in runbooks)
    return next((link[1] for link in links if link), "")


def _costs(stack: Stack) -> list[tuple[str, int, float]]:
    """Kind, number and US dollars a month of the stack's resources, dearest first."""
    found = defaultdict[str, list[float]](list)
    for kind, dollars in prices.parts(stack):
        found[" ".join(kind.split("::")[1:])].append(dollars)
    rows = [(kind, len(each), sum(each)) for kind, each in found.items()]
    return sorted(rows, key=lambda row: -row[2])


def _picture(document: str) -> tuple[str, str]:
    """The picture as a part of the page, and its style sheet, which then holds for it alone."""
    style = re.search(r"<style>(.*?)</style>", document, re.DOTALL)
    if style is None:
        raise ValueError("the picture has no style sheet of its own")
    alone = document.replace(style[0], "")
    for name in ("title", "description"):  # ids are the whole page's
        alone = alone.replace(f'id="{name}"', f'id="picture-{name}"')
    alone = alone.replace('"title description"', '"picture-title picture-description"')
    return alone, f"\n.picture{{{style[1]}}}\n"
