"""What is on the page is what the project says elsewhere, and nothing is made up."""

import html
import re
import shutil
from pathlib import Path

import pytest

from tests.support import ROOT, Stacks
from tests.tools.impact.world import ALARM, OPERATIONS, World
from tests.tools.report.conftest import MARKED, OUTCOMES, Report
from tools.assembly import Stack
from tools.command import Answer
from tools.prices import monthly
from tools.report.documents import only_aws, section
from tools.report.outcomes import Outcome
from tools.report.plan import State, conformance, lines

DOCS = ROOT / "docs"
LINES = lines((DOCS / "reference" / "plan.md").read_text())


def words(text: str) -> str:
    """The page as a reader sees it, spaces made one."""
    body = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_every_line_of_the_plan_is_there(plain: str) -> None:
    shown = words(plain)
    for line in LINES:
        assert words(line.asked) in shown
        assert f"§{line.section}" in shown


def test_lines_of_a_section_may_be_apart(report: Report, tmp_path: Path) -> None:
    docs = shutil.copytree(DOCS, tmp_path / "docs")
    with (docs / "reference" / "plan.md").open("a") as plan:
        plan.write("| 1 | what is apart | deployed | where | |\n")
    shown = words(report(docs=docs))
    assert shown.index(words(LINES[0].asked)) < shown.index("what is apart")
    assert shown.index("what is apart") < shown.index(words(LINES[1].asked))


def test_a_checkout_in_which_no_test_has_run_says_how_the_plan_is_proven(report: Report) -> None:
    shown = words(report(outcomes={}))
    assert "lines of the plan. No test has run here: make test proves them" in shown
    assert "0 of" not in shown


def test_what_is_long_is_folded(plain: str) -> None:
    folded = re.sub(
        r"</summary>.*?</details>",
        "",
        re.sub(r"\n +<details>.*?</details>", "", plain, flags=re.S),
        flags=re.S,
    )
    assert "<article" not in folded
    assert len(words(folded)) < len(words(plain)) / 4


def test_settings_that_are_not_the_plans_are_named_above_its_lines(report: Report) -> None:
    other = "redis.replicas: 3, in the plan 2"
    for deviations in ([], [other]):
        shown = words(report(deviations=deviations))
        assert (other in shown) is ("the plan's own settings" in shown) is bool(deviations)


SKIPPED = {test: Outcome("skipped", one.at, "") for test, one in OUTCOMES.items()}


@pytest.mark.parametrize(
    ("asked", "outcomes", "state"),
    [
        ("two replicas, Multi-AZ", OUTCOMES, State.PROVEN),
        ("engine 6.2", OUTCOMES, State.NOT_RUN),
        ("append-only file, synced every second", OUTCOMES, State.NOT_RUN),
        ("4 GB for peak traffic", OUTCOMES, State.FAILED),
        ("4 GB for peak traffic", SKIPPED, State.NOT_RUN),
        ("a weekly review of metrics, monthly capacity planning", OUTCOMES, State.OPEN),
    ],
)
def test_a_line_is_as_good_as_the_worst_of_its_tests_and_a_skipped_one_proves_nothing(
    asked: str, outcomes: dict[str, Outcome], state: State
) -> None:
    found = {one.line.asked: one.state for one in conformance(LINES, MARKED, outcomes)}
    assert found[asked] is state


def test_an_outcome_of_another_commit_says_so(plain: str) -> None:
    shown = words(plain)
    assert "passed 2026-11-01 10:00 UTC at aaaaaaa" in shown
    assert "failed 2026-11-03 10:00 UTC" in shown
    assert "at bbbbbbb" not in shown


def test_every_alarm_is_there_with_its_threshold_and_its_runbook(
    plain: str, monitoring: Stack
) -> None:
    shown = words(plain)
    alarms = monitoring.of_type("AWS::CloudWatch::Alarm").values()
    assert plain.count('<article id="alarm-') == len(alarms)
    for alarm in alarms:
        short = alarm["AlarmName"].removeprefix("vibewell-redis-production-")
        card = plain.partition(f'<article id="alarm-{short}">')[2].partition("</article>")[0]
        means, _, url = alarm["AlarmDescription"].partition(" Runbook: ")
        sign = {"G": ">", "L": "<"}[alarm["ComparisonOperator"][0]]
        for query in alarm["Metrics"]:
            if stat := query.get("MetricStat"):
                assert f"{stat['Stat']} of {stat['Metric']['MetricName']}" in words(card)
        assert f"{sign} {alarm['Threshold']:,.10g}" in words(card)
        assert words(means.replace("First:", "")) in words(card).replace("First: ", "")
        assert f'href="{url}"' in card
    assert "10 critical" in shown
    assert "Critical: Slack and PagerDuty" in shown


@pytest.mark.parametrize(
    ("short", "lasting"),
    [
        ("memory-critical", "3 minutes in a row"),
        ("cpu-credits-warning", "2 times 5 minutes in a row"),
        ("serious-event-critical", "within 5 minutes"),
        ("undelivered-pages-warning", "1 of the last 12 times 5 minutes"),
    ],
)
def test_an_alarm_says_how_long_it_waits(plain: str, short: str, lasting: str) -> None:
    card = plain.partition(f'<article id="alarm-{short}">')[2].partition("</article>")[0]
    assert lasting in words(card)


def test_an_alarm_of_another_stack_appears_by_itself(report: Report, templates: Stacks) -> None:
    world = World(templates)
    world.add(
        OPERATIONS,
        "Overdue",
        ALARM,
        AlarmName="vibewell-redis-production-reviews-overdue-warning",
        AlarmDescription="No review came.",
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Threshold=8,
        EvaluationPeriods=1,
        MetricName="ReviewAge",
        Period=86400,
    )
    found = words(report(stacks=world.stacks))
    assert "reviews overdue ReviewAge ≥ 8 within 1440 minutes No review came." in found


def test_the_costs_are_those_of_the_table_and_add_up(plain: str, templates: Stacks) -> None:
    own = [stack for name, stack in templates.items() if "-production-" in name]
    shown = words(plain)
    for stack in own:
        assert f"{stack.name} {len(stack.resources)} {monthly(stack):,.2f}" in shown
    assert f"${sum(map(monthly, own)):,.2f} per month at list price" in shown


def test_each_warning_of_synth_is_there_once(plain: str, templates: Stacks) -> None:
    data = templates["vibewell-redis-production-data"]
    assert data.warnings
    for warning in data.warnings:
        assert words(plain).count(warning.rsplit(" [ack:", 1)[0]) == 1


@pytest.mark.parametrize("document", ["decisions.md", "rehearsal.md"])
def test_what_only_aws_can_show_is_every_item_of_the_documents(plain: str, document: str) -> None:
    text = (DOCS / "reference" / document).read_text()
    limits = section(text, "What only AWS can show")
    items = [" ".join(item.split()) for item in re.split(r"^- ", limits, flags=re.MULTILINE)[1:]]
    items += re.findall(r"^\| (.*?) \|", limits, re.MULTILINE)[1:]  # or a table's rows
    found = {one.document: one.limits for one in only_aws(DOCS, "")}
    assert len(found[text.partition("\n")[0].removeprefix("# ")]) == len(items) > 4
    for item in items:
        bare = re.sub(r"[*`]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", item))
        assert bare.replace(" ", "") in words(plain).replace(" ", "")


def test_a_document_with_such_a_section_appears_by_itself(report: Report, tmp_path: Path) -> None:
    docs = shutil.copytree(DOCS, tmp_path / "docs")
    (docs / "another.md").write_text(
        "# Another\n\n## What only AWS can show\n\n- That it <rains>.\n"
    )
    assert "<h3>Another</h3> 1 thing</summary>" in (page := report(docs=docs))
    assert "<li>That it &lt;rains&gt;.</li>" in page


def test_text_from_elsewhere_is_escaped(recorded: str) -> None:
    assert "a &lt;load&gt;" in recorded
    assert "memory &lt;b&gt;" in recorded
    assert "<load>" not in recorded


def test_no_secret_of_a_template_is_on_the_page(report: Report, templates: Stacks) -> None:
    world = World(templates)
    for _, _, body in world.resources("AWS::SNS::Subscription"):
        body["Properties"]["Endpoint"] = "https://events.example/a-key-of-pagerduty"
    assert "a-key-of-pagerduty" not in report(stacks=world.stacks)


@pytest.mark.parametrize("environment", ["staging", "development"])
def test_every_environment_has_its_report(report: Report, environment: str) -> None:
    text = report(environment)
    assert f"vibewell-redis-{environment}" in text
    assert "vibewell-redis-production-" not in words(text)


def test_an_environment_that_is_not_there_is_refused(report: Report) -> None:
    with pytest.raises(Answer, match="vibewell-redis-prod-data"):
        report("prod")
