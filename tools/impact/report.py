"""The impact as Markdown for a pull request: the verdict, what asks by subject, the rest folded."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from tools.assembly import Stack
from tools.impact.acknowledged import FILE, What
from tools.impact.templates import TOKEN, Address, Leaf, differences
from tools.impact.verdict import Impact, Question
from tools.impact.words import SUBJECTS
from tools.prices import AS_OF, monthly

HIDDEN = "(not shown)"
LONGEST = 90  # characters of one value
SHOWN, LEAVES = 6, 12  # of a subject's questions, and of a question's paths
FENCE = "~" * 12  # cdk diff prints values as they are; no line of it begins so

DONE = {
    What.REMOVE: "removed",
    What.REPLACE: "replaced",
    What.CHANGE: "changed",
    What.ADD: "new",
}
_SECRET = re.compile(
    r"pass(word|phrase)|token|secret(?!s?manager)|credential|(api|access|private)_?key",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"(name|id|arn|length|days|hours|type)s?$", re.IGNORECASE)
_REFERENCE = re.compile(r"^(\{\{resolve:|⟦)|^(true|false)?$")
_WEBHOOK = re.compile(r"(https?://[^/\s\"]+)/[^\s\"]+")


def markdown(impact: Impact, diffs: Mapping[str, str]) -> str:
    """All of it. ``diffs`` is the unedited output of ``cdk diff`` by stack."""
    return "\n".join([*_head(impact), *_folded(impact, diffs)]) + "\n"


def _head(impact: Impact) -> Iterator[str]:
    yield f"## {_verdict(impact)}"
    yield from ("", f"{code(impact.base.label)} → {code(impact.head.label)}", "")
    yield from ("| | |", "|---|---|")
    for subject in SUBJECTS:
        those = [
            (one, part)
            for one in impact.questions
            for part in (one, *one.follows)
            if part.subject == subject
        ]
        parts = [
            f"{_sign(impact, one)} {_cell(part.name)} **{DONE[part.what]}**" for one, part in those
        ]
        more = [f"and {len(parts) - SHOWN} more"] if parts[SHOWN:] else []
        yield f"| **{subject}** | {'<br>'.join(parts[:SHOWN] + more) or 'nothing asks'} |"
    yield f"| **Money** | {_cost(impact)} |"
    if impact.questions:
        yield from ("", "### What asks", "", "| | what | what differs, and what follows |")
        yield "|---|---|---|"
        yield from (_row(impact, one) for one in impact.questions)
    if entries := [one for one in impact.open if not one.impossible]:
        yield from _entries(impact, entries)
    if impact.answered.problems:
        yield from ("", "### Acknowledgements that do not count", "")
        yield from (f"- {_cell(problem)}" for problem in impact.answered.problems)
    if impact.answered.covered:
        yield from ("", "### Acknowledged", "")
        for entry in impact.answered.covered.values():
            yield f"- {code(entry.resource)} {DONE[entry.what]}: {_cell(entry.reason)}"


def _verdict(impact: Impact) -> str:
    name, known = impact.environment, len(impact.answered.covered)
    if impact.passes:
        if known:
            return f"✅ {name}: passes, {_count(known, 'answer')} acknowledged"
        quiet = _count(len(impact.harmless), "difference")
        return f"✅ {name}: {f'{quiet}, all harmless' if impact.harmless else 'no change'}"
    fails = [one for one in impact.open if one.impossible]
    asks = len(impact.open) - len(fails)
    parts = [f"{len(fails)} impossible in place"] if fails else []
    parts += [f"{_count(asks, 'question')}"] if asks else []
    parts += ["an acknowledgement does not fit"] if impact.answered.problems else []
    first = ", ".join(f"{one.name} {DONE[one.what]}" for one in impact.open[:3])
    return f"⛔ {name}: {', '.join(parts)}{f'. {_cell(first)}' if first else ''}"


def _sign(impact: Impact, question: Question) -> str:
    return "⛔" if question in impact.open else "☑️"


def _row(impact: Impact, question: Question) -> str:
    stack, name = question.address
    lines = [line for leaf in question.leaves for line in _leaf(impact, stack, leaf)]
    for one in question.follows:
        inner = [line for leaf in one.leaves for line in _leaf(impact, one.address.stack, leaf)]
        more = f" and {len(inner) - 3} more" if inner[3:] else ""
        lines.append(f"{_cell(one.name)} {DONE[one.what]} {', '.join(inner[:3])}{more}")
    if lines[LEAVES:]:
        lines[LEAVES:] = [f"and {len(lines) - LEAVES} more, in cdk diff below"]
    if question.impossible:
        lines.append(f"**impossible in place**: {_cell(question.impossible)}")
    lines += [f"**→** {_cell(one)}" for one in question.effects]
    part = stack.rsplit("-", 1)[-1]
    return (
        f"| {_sign(impact, question)} | {_cell(question.name)} **{DONE[question.what]}**"
        f"<br>{code(name)} in {part} | {'<br>'.join(line for line in lines if line)} |"
    )


def _leaf(impact: Impact, stack: str, leaf: Leaf) -> Iterator[str]:
    """A line for each path that differs, within JSON text too."""
    values = impact.base.plain(stack, leaf.before), impact.head.plain(stack, leaf.after)
    if not leaf.path:
        if isinstance(body := values[1], dict):  # what is new; cdk diff has all of it
            properties = shown("Properties", body.get("Properties", {}))
            yield f"{code(str(body.get('Type')))} {code(properties)}"
        return
    was, becomes = map(_document, values)
    inner = [] if None in (was, becomes) else list(differences(was, becomes, leaf.path))
    for one in inner or [Leaf(leaf.path, *values)]:
        before, after = one.before, one.after
        if isinstance(before, list) and isinstance(after, list):
            gone = [item for item in before if item not in after]
            come = [item for item in after if item not in before]
            before, after = gone or None, come or None
        texts = shown(one.path, before), shown(one.path, after)
        if texts[0] == texts[1]:
            same = _beginning(str(before), str(after)) if HIDDEN not in texts[0] else ""
            texts = _late(before, same), _late(after, same)
        yield f"{code(one.path)}: {code(texts[0])} → {code(texts[1])}"


def _beginning(one: str, other: str) -> str:
    pairs = zip(one, other, strict=False)
    return "".join(mine for mine, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _late(value: Any, same: str) -> str:
    """A value from where it differs; nothing of one that is not shown."""
    return f"…{str(value)[len(same) :][: LONGEST - 1]}" if same else "a value that is not shown"


def _document(value: Any) -> Any:
    """What JSON text holds; None for anything else."""
    try:
        found = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None


def _entries(impact: Impact, questions: Sequence[Question]) -> Iterator[str]:
    yield ""
    yield (
        f"<details><summary>If that is intended: add to <code>{FILE}</code>, each with its reason"
        "</summary>"
    )
    yield from ("", "```toml")
    for question in questions:
        stack, resource, what = question.key
        yield "[[acknowledged]]"
        yield f'environment = "{impact.environment}"'
        yield f'stack = "{stack}"'
        yield f'resource = "{resource}"'
        yield f'what = "{what}"'
        yield f'difference = "{question.difference}"'
        yield 'reason = ""  # why, and what becomes of the data, the access or the alarm'
        yield ""
    yield from ("```", "</details>")


def _folded(impact: Impact, diffs: Mapping[str, str]) -> Iterator[str]:
    if impact.harmless:
        yield from ("", f"<details><summary>Harmless ({len(impact.harmless)})</summary>", "")
        for (_, name), leaf, reason in impact.harmless:
            yield f"- {code(name)} {code(leaf.path or 'new')}: {_cell(reason)}"
        yield "</details>"
    for stack, text in diffs.items():
        yield from ("", f"<details><summary>cdk diff {stack}</summary>", "")
        secret = any(place.stack == stack for place in _secrets(impact))
        yield from (
            ["It is not shown: it would print a value that reads like a secret, see above."]
            if secret
            else [FENCE, text.rstrip(), FENCE]
        )
        yield "</details>"


def _secrets(impact: Impact) -> Iterator[Address]:
    """Where a value differs that is not printed."""
    leaves = [(place, leaf) for place, leaf, _ in impact.harmless]
    for question in impact.questions:
        for one in (question, *question.follows):
            leaves += [(one.address, leaf) for leaf in one.leaves]
    for place, leaf in leaves:
        for side, value in ((impact.base, leaf.before), (impact.head, leaf.after)):
            text = json.dumps(_guarded(leaf.path, side.plain(place.stack, value)))
            if HIDDEN in text:
                yield place


def _cost(impact: Impact) -> str:
    before, after = (_monthly(one.stacks) for one in (impact.base, impact.head))
    if before is None or after is None:
        return "not known: a node type or a number of nodes has no price in the list"
    if abs(after - before) < 0.005:
        figure = f"{after:.2f} USD per month, as before"
    else:
        figure = f"{before:.2f} → **{after:.2f}** USD per month ({after - before:+.2f})"
    return f"{figure} ({AS_OF})"


def _monthly(stacks: Mapping[str, Stack]) -> float | None:
    try:
        return sum(monthly(stack) for stack in stacks.values())
    except (KeyError, TypeError, ValueError):
        return None


def shown(path: str, value: Any) -> str:
    """A value as text for a table, short and never a secret; ``path`` is its name."""
    if value is None:
        return "absent"
    text = json.dumps(_guarded(path, value), ensure_ascii=False, sort_keys=True)
    if isinstance(value, str):
        text = text[1:-1].replace('\\"', '"')
    text = TOKEN.sub(lambda found: ".".join(filter(None, found.groups()[1:])), text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _guarded(path: str, value: Any) -> Any:
    """The value without what could be a secret: a literal under a name that sounds like one."""
    match value:
        case dict():
            return {key: _guarded(f"{path}.{key}", item) for key, item in value.items()}
        case list():
            return [_guarded(path, item) for item in value]
        case str():
            name = re.sub(r"\[\d+\]", "", path.rsplit(".", 1)[-1])
            if _SECRET.search(name) and not _NO_SECRET.search(name) and not _REFERENCE.match(value):
                return HIDDEN
            # The last part of a webhook's address is what lets one in.
            return _WEBHOOK.sub(rf"\1/{HIDDEN}", value) if name == "Endpoint" else value
    return value


def code(text: str) -> str:
    """Text as inline code in a cell of a Markdown table."""
    text = re.sub(r"\s", " ", text).replace("`", "'").replace("|", "\\|")
    return f"`{text}`" if text else "` `"


def _cell(text: str) -> str:
    """Text in a table: nothing in it may end the cell, or be read as Markdown or HTML."""
    text = TOKEN.sub(lambda found: ".".join(filter(None, found.groups()[1:])), text)
    text = re.sub(r"\s", " ", text)
    for sign in "\\|*_`<>[]":
        text = text.replace(sign, f"&#{ord(sign)};")
    return text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
