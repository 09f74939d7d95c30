"""Numbers and times as people write them."""


def counted(count: int, noun: str) -> str:
    """``1 node``, ``3 nodes``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def window(text: str) -> str:
    """A window as AWS writes it, ``02:00-03:00`` or ``sun:03:00-sun:05:00``, without the repeat."""
    start, end = text.split("-")
    if len(start) <= len("02:00"):
        return f"{start}–{end}"
    (first, opens), (last, closes) = start.split(":", 1), end.split(":", 1)
    return f"{first.title()} {opens}–{'' if first == last else f'{last.title()} '}{closes}"
