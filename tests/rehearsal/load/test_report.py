"""The page and the table say what was judged, and need nothing from elsewhere."""

from html.parser import HTMLParser

from rehearsal.load.judges import Verdict, judge_all, table
from rehearsal.load.outcome import Key
from rehearsal.load.report import in_window, latencies, per_second, report
from tests.rehearsal.load import seeded
from tests.rehearsal.load.limiters import FixedWindow

BROKEN = seeded.outcome(FixedWindow)
VERDICTS = judge_all(BROKEN)
PAGE = report(BROKEN, VERDICTS, {"cores": "2, <made up>"})


class Reading(HTMLParser):
    """Tags that are open, and every attribute that could lead somewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [tag for name, _ in attrs if name in ("src", "href", "xlink:href")]
        if tag in ("script", "link", "iframe", "img"):
            self.links.append(tag)


def test_the_page_asks_for_nothing() -> None:
    reading = Reading()
    reading.feed(PAGE)
    assert reading.links == []
    assert not [words for words in ("://", "url(", "@import") if words in PAGE]


def test_the_page_shows_each_line_why_it_fails_and_both_losses_in_every_chart() -> None:
    assert (PAGE.count("✓ pass"), PAGE.count("✗ fail")) == (4, 1)
    assert "Load test: 4 of 5 pass" in PAGE
    for verdict in VERDICTS:
        assert verdict.title in PAGE
        assert all(fault in PAGE for fault in verdict.faults)
    assert "2, &lt;made up&gt;" in PAGE, "what is no markup is written as text"
    assert PAGE.count("replica lost") == PAGE.count("primary lost") == PAGE.count("<svg") == 20


def test_the_page_is_for_both_schemes_and_for_narrow_screens() -> None:
    assert "prefers-color-scheme: dark" in PAGE
    assert 'name="viewport" content="width=device-width' in PAGE


def test_the_table_has_a_line_each_and_its_faults_below() -> None:
    told = table([Verdict(1, "users held", "5000 open"), Verdict(2, "limits", "all", ("x: 31",))])
    assert told.splitlines() == [
        "  ✓ 1  pass  users held",
        "      5000 open",
        "  ✗ 2  FAIL  limits",
        "      all",
        "      ! x: 31",
    ]


def test_a_window_never_shows_more_than_was_surely_in_it() -> None:
    run = seeded.outcome()
    key = Key("auth", "user", "steady-auth")
    points = in_window(run.answers, key, 3, run.plan.end)
    assert max(value for _, value in points) == 6
    assert min(value for _, value in points) == 0


def test_figures_of_a_second_are_those_of_its_answers() -> None:
    run = seeded.outcome()
    assert sum(value for _, value in per_second(run.answers, run.plan.end + 1)) == len(run.answers)
    for mean, p99 in zip(
        *(latencies(run.answers, 15)[name] for name in ("mean", "p99")), strict=True
    ):
        assert mean[0] == p99[0]
        assert 1 <= mean[1] < p99[1] <= 3
