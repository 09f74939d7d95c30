"""The review as Markdown for a pull request: the verdict, a table that fits, the rest folded."""

from collections.abc import Iterator, Sequence

from tools.prices import AS_OF
from tools.review.acknowledged import FILE
from tools.review.difference import How, ResourceChange, deepest
from tools.review.findings import Finding, What
from tools.review.showing import code, short, shown
from tools.review.verdict import Review

LARGEST = 60_000  # characters; GitHub takes 65,536 in a comment
LINES = 12  # of one finding's causes that are shown unfolded

DONE = {
    What.REPLACE: "replaced",
    What.DELETE: "deleted",
    What.INTERRUPT: "interrupted",
    What.WEAKEN: "less protected",
    What.WIDEN: "access widened",
    What.LOOSEN: "alarm loosened",
}
COUNTED = DONE | {What.WIDEN: "widened", What.LOOSEN: "removed or loosened"}
DATA = (What.REPLACE, What.DELETE, What.INTERRUPT, What.WEAKEN)


def markdown(review: Review) -> str:
    """All of it; only the folded details are cut where a comment would be too long."""
    head = "\n".join(_head(review))
    details: list[str] = []
    room = LARGEST - len(head)
    for part in _details(review):
        if len(part) > room:
            details.append("\n*More changes than a comment holds: run `make review` to read them.*")
            break
        details.append(part)
        room -= len(part)
    return "\n".join([head, *details]) + "\n"


def _head(review: Review) -> Iterator[str]:
    yield f"## {_verdict(review)}"
    yield ""
    yield f"{code(review.base)} → {code(review.head)}"
    yield ""
    yield from _summary(review)
    refused = [one for one in review.findings if one.refused]
    if refused:
        yield from ("", "### What is refused unless it is acknowledged", "")
        yield "| | what | because, and what follows |"
        yield "|---|---|---|"
        for finding in refused:
            yield _row(review, finding)
    if review.open:
        yield from _entries(review)
    if review.answered.problems:
        yield from ("", "### Acknowledgements that do not count", "")
        yield from (f"- {problem}" for problem in review.answered.problems)
    if review.answered.covered:
        yield from ("", "### Acknowledged", "")
        for entry in review.answered.covered.values():
            yield f"- {code(entry.resource)} {DONE[entry.what]}: {_cell(entry.reason)}"


def _verdict(review: Review) -> str:
    if review.passes:
        known = len(review.answered.covered)
        if known:
            return f"✅ {review.environment}: passes, {_count(known, 'danger')} acknowledged"
        return (
            f"✅ {review.environment}: nothing to stop"
            if review.changes
            else (f"✅ {review.environment}: no change")
        )
    names = list(dict.fromkeys(one.resource for one in review.open))
    if not names:
        return f"⛔ {review.environment}: refused, an acknowledgement does not fit"
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    what = dict.fromkeys(DONE[one.what] for one in review.open)
    return (
        f"⛔ {review.environment}: refused. {', '.join(code(name) for name in names[:2])}{more}: "
        f"{', '.join(list(what)[:3])}"
    )


def _summary(review: Review) -> Iterator[str]:
    yield "| | |"
    yield "|---|---|"
    for name, kinds in (("Data", DATA), ("Access", (What.WIDEN,)), ("Alarms", (What.LOOSEN,))):
        yield f"| **{name}** | {_told(review, kinds)} |"
    yield f"| **Cost** | {_cost(review)} |"
    counts = [f"{sum(change.how is how for change in review.changes)} {how.value}" for how in How]
    yield f"| **Resources** | {', '.join(counts)} |"


def _told(review: Review, kinds: Sequence[What]) -> str:
    parts = []
    for kind in kinds:
        those = [one for one in review.findings if one.what is kind]
        refused = [one for one in those if one.refused]
        if refused:
            still = [one for one in refused if one in review.open]
            sign = "⛔" if still else "☑️"
            parts.append(f"{sign} {len(refused)} {COUNTED[kind]}")
        if told := len(those) - len(refused):
            parts.append(f"👁 {told} to read")
    return ", ".join(parts) or "nothing"


def _cost(review: Review) -> str:
    before, after = review.cost.before, review.cost.after
    if before is None or after is None:
        figure = "not known: a node type or a number of nodes has no price in the list"
    elif abs(after - before) < 0.005:
        figure = f"{after:.2f} USD a month, as before"
    else:
        figure = f"{before:.2f} → **{after:.2f}** USD a month ({after - before:+.2f})"
    return f"{figure} ({AS_OF})"


def _row(review: Review, finding: Finding) -> str:
    sign = "⛔" if finding in review.open else "☑️"
    shown_causes = finding.causes[:LINES]
    causes = "<br>".join(_cell(cause) for cause in shown_causes)
    if len(finding.causes) > LINES:
        causes += f"<br>and {len(finding.causes) - LINES} more"
    part = finding.stack.rsplit("-", 1)[-1]
    kind = finding.kind.removeprefix("AWS::")
    return (
        f"| {sign} | {code(finding.resource)} **{DONE[finding.what]}**<br>{part}, {kind} "
        f"| {causes}<br>**→** {_cell(finding.effect)} |"
    )


def _entries(review: Review) -> Iterator[str]:
    yield ""
    yield (
        f"<details><summary>If that is meant: add to <code>{FILE}</code>, each with its reason"
        "</summary>"
    )
    yield ""
    yield "```toml"
    for finding in review.open:
        yield "[[acknowledged]]"
        yield f'environment = "{review.environment}"'
        yield f'stack = "{finding.stack}"'
        yield f'resource = "{finding.resource}"'
        yield f'what = "{finding.what}"'
        yield f'difference = "{finding.difference}"'
        yield 'reason = ""  # why, and what becomes of the data, the access or the alarm'
        yield ""
    yield "```"
    yield "</details>"


def _details(review: Review) -> Iterator[str]:
    told = [one for one in review.findings if not one.refused]
    if told:
        rows = [
            f"- {code(one.resource)} ({one.kind.removeprefix('AWS::')}): "
            + "; ".join(_cell(cause) for cause in one.causes)
            for one in told
        ]
        yield _folded(f"Access that comes with what is new ({len(told)})", rows)
    if review.corrected:
        yield _folded("Where cdk diff says otherwise", [f"- {line}" for line in review.corrected])
    if review.cost.unpriced:
        rows = [f"- {kind}" for kind in review.cost.unpriced]
        yield _folded("New types that the price list has no price for", rows)
    for how in (How.REMOVED, How.CHANGED, How.ADDED):
        those = [change for change in review.changes if change.how is how]
        if those:
            rows = [line for change in those for line in _change(review, change)]
            yield _folded(f"{_count(len(those), 'resource')} {how.value}", rows)


def _change(review: Review, change: ResourceChange) -> Iterator[str]:
    part = change.address.stack.rsplit("-", 1)[-1]
    kind = change.kind.removeprefix("AWS::")
    marks = ", **replaced**" if change.address in review.replaced else ""
    marks += ", **other code**" if change.new_code else ""
    yield f"- {code(change.address.name)} {kind} ({part}){marks}"
    properties = [inner for one in change.properties for inner in deepest(one)]
    for one in (*change.attributes, *properties):
        if one.path.startswith("Code."):
            continue
        if isinstance(one.before, list) and isinstance(one.after, list):
            gone = [item for item in one.before if item not in one.after]
            come = [item for item in one.after if item not in one.before]
            yield f"  - {_cell(one.path)}:{'' if gone or come else ' another order'}"
            yield from (f"    - − {code(shown(one.path, item))}" for item in gone)
            yield from (f"    - + {code(shown(one.path, item))}" for item in come)
            continue
        was, becomes = shown(one.path, one.before), shown(one.path, one.after)
        yield f"  - {_cell(one.path)}: {code(was)} → {code(becomes)}"


def _folded(title: str, lines: Sequence[str]) -> str:
    body = "\n".join(lines)
    return f"\n<details><summary>{title}</summary>\n\n{body}\n</details>"


def _cell(text: str) -> str:
    """Text in a table: nothing in it may end the cell, or be read as Markdown or HTML."""
    text = short(text).replace("\n", " ")
    for sign in "\\|*_`<>[]":
        text = text.replace(sign, f"&#{ord(sign)};")
    return text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
