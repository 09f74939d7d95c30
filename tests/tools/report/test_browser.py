"""The report in a real browser: a telephone and a desk, by day and by night."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.support import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Scheme = Literal["light", "dark"]

PHONE, DESK = 360, 1280
ENOUGH = 4.5  # WCAG 2.2, success criterion 1.4.3, for text of any size
SMALLEST = 10.0  # CSS pixels
CONTRAST = Path(__file__).with_name("contrast.js").read_text()


@dataclass
class Visit:
    """An open report, and what the browser did and said meanwhile."""

    page: "Page"
    address: str
    width: int
    scheme: Scheme
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def _command() -> tuple[str, dict[str, str]]:
    """The program, and the variables that it needs: the pinned Chromium, or that of CHROMIUM."""
    if own := os.environ.get("CHROMIUM"):
        return own, {}
    found = sorted((ROOT / "build" / "browser").glob("*/chromium"))
    if not found:
        raise RuntimeError(
            "there is no browser to try the report in: run make setup-browser, or set CHROMIUM to "
            "a Chromium of your own"
        )
    home = found[-1].parent
    # The same letters everywhere, so that a line is as long everywhere.
    fonts = {"FONTCONFIG_FILE": str(home / "fonts.conf")}
    return str(found[-1]), {"LD_LIBRARY_PATH": str(home / "lib"), **fonts}


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A headless one, ended in the end."""
    from playwright.sync_api import sync_playwright  # a second that other tests need not wait

    program, variables = _command()
    environment: dict[str, str | float | bool] = {**os.environ, **variables}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, env=environment)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="module", params=["plain", "recorded"])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on disk, with nothing recorded or with a recording."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(request.getfixturevalue(request.param))
    return path


@pytest.fixture(scope="module", params=product((PHONE, DESK), ("light", "dark")))
def visit(browser: "Browser", file: Path, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """The report as somebody opens it, every fold unfolded."""
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    visit = Visit(page, file.as_uri(), width, scheme)
    page.on("request", lambda request: visit.asked.append(request.url))
    page.on("console", lambda message: visit.said.append(message.text))
    page.on("pageerror", lambda error: visit.said.append(str(error)))
    page.goto(visit.address)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    # All of it in view at once, so that what lies under a text can be asked for.
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": height})
    yield visit
    context.close()


def test_nothing_is_asked_of_any_network_and_nothing_is_complained_of(visit: Visit) -> None:
    assert visit.asked == [visit.address]
    assert visit.said == []


def test_it_never_scrolls_sideways(visit: Visit) -> None:
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= visit.width
    beyond = visit.page.evaluate(
        """width => [...document.body.querySelectorAll("*")]
            .filter(one => !one.closest(".picture svg, nav"))
            .filter(one => one.getBoundingClientRect().right > width + 0.5)
            .map(one => one.outerHTML.slice(0, 120))""",
        visit.width,
    )
    assert beyond == []


def test_the_picture_and_the_navigation_can_be_scrolled_to_their_ends(visit: Visit) -> None:
    for selector in (".picture", "nav"):
        last = visit.page.locator(f"{selector} > :last-child").first
        frame = visit.page.locator(selector)
        assert frame.evaluate("one => getComputedStyle(one).overflowX") == "auto"
        frame.evaluate("one => one.scrollLeft = one.scrollWidth")
        box = last.bounding_box()
        assert box is not None
        width = visit.page.evaluate("innerWidth")
        assert box["x"] + box["width"] <= width + 1, selector
        frame.evaluate("one => one.scrollLeft = 0")


def test_every_text_stands_out_from_what_is_under_it(visit: Visit) -> None:
    texts = contrasts(visit)
    assert len(texts) > 500
    pale = [one for one in texts if one["seen"] and one["contrast"] < ENOUGH]
    assert pale == []


def test_no_text_is_covered_by_another_thing(visit: Visit) -> None:
    texts = contrasts(visit)
    assert [one for one in texts if one["covered"]] == []
    hidden = [one for one in texts if not one["seen"]]
    if visit.width == PHONE:  # there the picture and the navigation are wider than the screen
        hidden = [one for one in hidden if not (one["inPicture"] or one["inNavigation"])]
    assert hidden == []


def test_no_text_is_too_small_to_read(visit: Visit) -> None:
    small = [one for one in contrasts(visit) if one["pixels"] < SMALLEST]
    assert small == []


def test_light_and_dark_differ(visit: Visit) -> None:
    colour = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (colour == "rgb(255, 255, 255)") is (visit.scheme == "light")
    picture = visit.page.evaluate(
        "getComputedStyle(document.querySelector('.picture .page')).fill === "
        "getComputedStyle(document.body).backgroundColor"
    )
    assert picture


def test_every_link_inside_the_page_leads_to_something(visit: Visit) -> None:
    wrong = visit.page.evaluate(
        """() => [...document.querySelectorAll("a")].map(one => one.getAttribute("href"))
            .filter(to => to.startsWith("#") ? !document.getElementById(to.slice(1))
                                             : !to.startsWith("https://"))"""
    )
    assert wrong == []
    doubled = visit.page.evaluate(
        """() => [...document.querySelectorAll("[id]")].map(one => one.id)
            .filter((id, place, all) => all.indexOf(id) !== place)"""
    )
    assert doubled == []


def test_the_graphs_stand_as_cloudwatch_would_place_them(visit: Visit) -> None:
    boxes = visit.page.locator(".widget").evaluate_all(
        "all => all.map(one => { const box = one.getBoundingClientRect();"
        " return [Math.round(box.x), Math.round(box.y), Math.round(box.width)]; })"
    )
    (left, _, whole), *graphs = boxes
    assert len(graphs) == 10
    if visit.width == PHONE:
        assert {(x, wide) for x, _, wide in graphs} == {(left, whole)}
    else:
        assert [x > left for x, _, _ in graphs] == [False, True] * 5
        assert [y for _, y, _ in graphs[::2]] == [y for _, y, _ in graphs[1::2]]


def contrasts(visit: Visit) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = visit.page.evaluate(CONTRAST)
    return found
