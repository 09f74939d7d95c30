"""The impact as Markdown for a pull request: the verdict, what asks by subject, the rest folded."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.command import counted
from tools.impact.acknowledged import FILE, What
from tools.impact.templates import TOKEN, Leaf
from tools.impact.verdict import Impact, Question
from tools.prices import AS_OF, monthly

HIDDEN = "(not shown)"
LONGEST = 90  # characters of one value
LEAVES = 12  # of a question's paths
FENCE = "~" * 12  # cdk diff prints values as they are; no line of it begins so

_ENTRY = """[[acknowledged]]
environment = "{}"
stack = "{}"
resource = "{}"
what = "{}"
difference = "{}"
reason = ""  # why, and what becomes of the data, the access or the alarm
"""
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
    yield from ("| | | what | what differs, and what follows |", "|---|---|---|---|")
    yield from (_row(impact, one) for one in impact.questions)
    yield f"| **Money** | | | {_cost(impact)} |"
    if entries := [one for one in impact.open if not one.impossible]:
        title = f"If that is meant: add to <code>{FILE}</code>, each with its reason"
        text = "\n".join(
            _ENTRY.format(impact.environment, *one.key, one.difference) for one in entries
        )
        yield from _fold(title, ["```toml", text, "```"])
    if impact.problems:
        yield from ("", "### Acknowledgements that do not count", "")
        yield from (f"- {_cell(problem)}" for problem in impact.problems)
    if impact.covered:
        yield from ("", "### Acknowledged", "")
        for entry in impact.covered.values():
            yield f"- {code(entry.resource)} {_done(entry.what)}: {_cell(entry.reason)}"


def _verdict(impact: Impact) -> str:
    name, known, quiet = impact.environment, len(impact.covered), len(impact.harmless)
    if impact.passes:
        if known:
            return f"✅ {name}: passes, {counted(known, 'answer')} acknowledged"
        said = f"{counted(quiet, 'difference')}, all harmless" if quiet else "no change"
        return f"✅ {name}: {said}"
    fails = [one for one in impact.open if one.impossible]
    asks = len(impact.open) - len(fails)
    parts = [f"{len(fails)} impossible in place"] if fails else []
    parts += [f"{counted(asks, 'question')}"] if asks else []
    parts += ["an acknowledgement does not fit"] if impact.problems else []
    first = ", ".join(f"{one.name} {_done(one.what)}" for one in impact.open[:3])
    return f"⛔ {name}: {', '.join(parts)}{f'. {_cell(first)}' if first else ''}"


def _row(impact: Impact, question: Question) -> str:
    stack, name = question.address
    lines = [_leaf(leaf) for leaf in question.leaves if leaf.path or leaf.after is not None]
    if lines[LEAVES:]:
        lines[LEAVES:] = [f"and {len(lines) - LEAVES} more, in cdk diff below"]
    if question.impossible:
        lines.append(f"**impossible in place**: {_cell(question.impossible)}")
    lines += [f"**→** {_cell(one)}" for one in question.effects]
    return (
        f"| **{question.subject}** | {'⛔' if question in impact.open else '☑️'} "
        f"| {_cell(question.name)} **{_done(question.what)}**<br>{code(name)} in "
        f"{stack.rsplit('-', 1)[-1]} | {'<br>'.join(lines)} |"
    )


def _leaf(leaf: Leaf) -> str:
    path, before, after = leaf
    if not path:  # cdk diff has all of it
        body = after if isinstance(after, dict) else {}
        properties = shown("Properties", body.get("Properties", {}))
        return f"{code(str(body.get('Type', 'stack')))} {code(properties)}"
    if isinstance(before, list) and isinstance(after, list):
        gone = [one for one in before if one not in after]
        come = [one for one in after if one not in before]
        sides = ("without", gone), ("with", come)
        lists = [f"{word} {code(shown(path, items))}" for word, items in sides if items]
        return f"{code(path)}: {', '.join(lists) or 'the same in another order or number'}"
    texts = shown(path, before), shown(path, after)
    if texts[0] == texts[1]:
        return f"{code(path)}: it differs where it is not shown"
    return f"{code(path)}: {code(texts[0])} → {code(texts[1])}"


def _folded(impact: Impact, diffs: Mapping[str, str]) -> Iterator[str]:
    if impact.harmless:
        lines = [
            f"- {code(name)} {code(leaf.path or 'new')}: {_cell(reason)}"
            for (_, name), leaf, reason in impact.harmless
        ]
        yield from _fold(f"Harmless ({len(lines)})", lines)
    for stack, text in diffs.items():
        instead = "It is not shown: it would print a value that reads like a secret, see above."
        fenced = [FENCE, text.rstrip(), FENCE]
        yield from _fold(f"cdk diff {stack}", [instead] if _hides(impact, stack) else fenced)


def _fold(summary: str, lines: Sequence[str]) -> Iterator[str]:
    yield from ("", f"<details><summary>{summary}</summary>", "", *lines, "</details>")


def _hides(impact: Impact, stack: str) -> bool:
    found = [leaf for place, leaf, _ in impact.harmless if place.stack == stack]
    for question in impact.questions:
        found += question.leaves if question.address.stack == stack else ()
    return HIDDEN in json.dumps([_guarded(path, value) for path, *both in found for value in both])


def _cost(impact: Impact) -> str:
    try:
        before, after = (
            sum(monthly(stack) for stack in side.stacks.values())
            for side in (impact.base, impact.head)
        )
    except (KeyError, TypeError, ValueError):
        return "not known: a node type or a number of nodes has no price in the list"
    if abs(after - before) < 0.005:
        return f"{after:.2f} USD per month, as before ({AS_OF})"
    return f"{before:.2f} → **{after:.2f}** USD per month ({after - before:+.2f}) ({AS_OF})"


def shown(path: str, value: Any) -> str:
    """A value as text for a table, short and never a secret; ``path`` is its name."""
    if value is None:
        return "absent"
    text = json.dumps(_guarded(path, value), ensure_ascii=False, sort_keys=True)
    text = _named(text[1:-1].replace('\\"', '"') if isinstance(value, str) else text)
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
    text = re.sub(r"\s", " ", _named(text))
    for sign in "\\|*_`<>[]":
        text = text.replace(sign, f"&#{ord(sign)};")
    return text


def _named(text: str) -> str:
    """Text with references as names: "Key.Arn"."""
    return TOKEN.sub(lambda found: ".".join(filter(None, found.groups()[1:])), text)


def _done(what: What) -> str:
    return "new" if what is What.ADD else f"{what}d"
