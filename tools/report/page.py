"""Facts as one HTML file that needs nothing else."""

import re
from collections import Counter
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from aws_rules.dashboard import Graph, States
from drawing.page import document
from tools.command import counted
from tools.prices import AS_OF, NOT_IN_IT
from tools.report.facts import ONLY_AWS, Facts
from tools.report.plan import State
from tools.report.plot import drawn

_HERE = Path(__file__).parent


def page(facts: Facts) -> str:
    """The whole document; the same facts give the same bytes."""
    templates = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["counted"] = counted
    templates.filters["dollars"] = "{:,.2f}".format
    picture, style = _picture(facts.picture)
    body = templates.get_template("page.html.j2").render(
        facts=facts,
        sections=_by_section(facts),
        states=Counter(line.state for line in facts.plan),
        State=State,
        severities=Counter(alarm.severity for alarm in facts.alarms),
        tests=len({test.name for line in facts.plan for test in line.tests}),
        channels={name: facts.deployment.receivers_of(name) for name in facts.deployment.topics},
        kind={Graph: "graph", States: "states"},
        plot=drawn,
        total=sum(cost.dollars for cost in facts.costs),
        as_of=AS_OF,
        not_in_it=NOT_IN_IT,
        only_aws=ONLY_AWS,
        picture=Markup(picture),  # noqa: S704 - drawn by us, every text in it escaped
    )
    title = f"{facts.dashboard}: report"
    return document(title, body, (_HERE / "page.css").read_text() + style)


def _picture(document: str) -> tuple[str, str]:
    """The picture to stand in the page, and its style sheet, which then holds for it alone."""
    style = re.search(r"<style>(.*?)</style>", document, re.DOTALL)
    if style is None:
        raise ValueError("the picture has no style sheet of its own")
    alone = document.replace(style[0], "")
    for name in ("title", "description"):  # ids are the whole page's
        alone = alone.replace(f'id="{name}"', f'id="picture-{name}"')
    alone = alone.replace('"title description"', '"picture-title picture-description"')
    return alone, f"\n.picture{{{style[1]}}}\n"


def _by_section(facts: Facts) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for line in facts.plan:
        found.setdefault(line.line.section, []).append(line)
    return found
