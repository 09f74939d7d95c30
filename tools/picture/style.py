"""How the picture looks, in light and in dark."""

SANS = '-apple-system,BlinkMacSystemFont,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif'
MONO = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace'
# The width of a character, in its size: 0.6 in monospaced fonts, and on average in the widest of
# the others.
CHARACTER_EM = 0.6

# selector -> property -> (light, dark). Literal colours in both, not variables: not everything
# that shows an SVG knows those.
COLOURS = {
    ".page": {"fill": ("#ffffff", "#0d1117"), "stroke": ("#d1d9e0", "#3d444d")},
    ".zone": {"fill": ("#f6f8fa", "#151b23"), "stroke": ("#d1d9e0", "#3d444d")},
    ".vpc": {"fill": ("#f6f8fa", "#151b23"), "stroke": ("#818b98", "#656c76")},
    ".card,.replica": {"fill": ("#ffffff", "#212830"), "stroke": ("#d1d9e0", "#3d444d")},
    ".group": {"fill": ("#ffffff", "#1c2129"), "stroke": ("#cf3a33", "#e5534b")},
    ".primary": {"fill": ("#cf3a33", "#c03a33"), "stroke": ("#cf3a33", "#e5534b")},
    ".ink": {"fill": ("#1f2328", "#f0f6fc")},
    ".soft": {"fill": ("#59636e", "#9ea7b3")},
    ".on": {"fill": ("#ffffff", "#ffffff")},
    ".red": {"fill": ("#cf3a33", "#c9423b"), "stroke": ("#cf3a33", "#f0665e")},
    ".amber": {"fill": ("#9a6700", "#946400"), "stroke": ("#9a6700", "#d29922")},
    ".blue": {"fill": ("#0969da", "#1f6feb"), "stroke": ("#0969da", "#4493f8")},
    ".violet": {"fill": ("#8250df", "#8957e5"), "stroke": ("#8250df", "#a371f7")},
    ".teal": {"fill": ("#0f766e", "#0f766e"), "stroke": ("#0f766e", "#2fb5a8")},
    ".warning": {"fill": ("#9a6700", "#d29922")},
    ".critical": {"fill": ("#cf3a33", "#ff7b72")},
    ".lock": {"stroke": ("#8250df", "#a371f7")},
    ".head.red": {"fill": ("#cf3a33", "#f0665e")},
    ".head.amber": {"fill": ("#9a6700", "#d29922")},
    ".head.blue": {"fill": ("#0969da", "#4493f8")},
    ".head.violet": {"fill": ("#8250df", "#a371f7")},
    ".head.teal": {"fill": ("#0f766e", "#2fb5a8")},
}

SHAPES = f"""
text{{font-family:{SANS}}}
.mono11{{font-family:{MONO}}}
.text11,.mono11{{font-size:11px}}
.text12,.name12{{font-size:12px}}
.name14{{font-size:14px}}
.name18{{font-size:18px}}
.name22{{font-size:22px}}
.name12,.name14,.name18,.name22{{font-weight:600}}
.middle{{text-anchor:middle}}
.end{{text-anchor:end}}
.vpc{{stroke-dasharray:6 4}}
.group{{stroke-width:1.5}}
.tile,.head{{stroke:none}}
.line{{fill:none;stroke-width:1.75;stroke-linejoin:round}}
.sign,.lock{{fill:none;stroke-linecap:round;stroke-linejoin:round}}
.sign{{stroke:#fff;stroke-width:1.6}}
.lock{{stroke-width:1.4}}
"""

# Drawn in a square of 28, the lock in 10 by 12.
GLYPHS = {
    "servers": "M7 8h14v5H7zM7 15h14v5H7zM10 10.5h.1M10 17.5h.1",
    "database": "M7.5 9.5a6.5 2.6 0 1 0 13 0a6.5 2.6 0 1 0-13 0v9a6.5 2.6 0 0 0 13 0v-9"
    "M7.5 14a6.5 2.6 0 0 0 13 0",
    "token": "M8 13h12v8H8zM10.5 13v-2.5a3.5 3.5 0 0 1 7 0V13M14 16.3v1.6",
    "settings": "M7 10h6M17 10h4M7 18h3M14 18h7M13 10a2 2 0 1 0 4 0a2 2 0 1 0-4 0"
    "M10 18a2 2 0 1 0 4 0a2 2 0 1 0-4 0",
    "key": "M7 17a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0M13 14.5l7-7M17 10.5l2.5 2.5",
    "snapshot": "M7 10h3.5l1.5-2h4l1.5 2H21v10H7zM11 15a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    "logs": "M9 6.5h7l4 4v11H9zM12 12h4M12 15h5M12 18h5",
    "alarm": "M9 18v-5a5 5 0 0 1 10 0v5l1.5 1.5h-13zM12.7 22h2.6",
    "dashboard": "M7 7v14h14M10 17l3.5-4 3 2.5L20.5 10",
    "topic": "M7 12v4h3l7 4V8l-7 4zM20 11.5a4 4 0 0 1 0 5",
    "Slack": "M11.5 7L10 21M18 7l-1.5 14M8 11.5h13M7 16.5h13",
    "PagerDuty": "M10 21.5h8V6.5h-8zM13 9h2M13.5 19h1",
    "lock": "M1 5.5h8v6H1zM2.8 5.5V3.5a2.2 2.2 0 0 1 4.4 0v2",
}


def css() -> str:
    """The style sheet: light by default, dark where the reader prefers that."""
    dark = f"@media(prefers-color-scheme:dark){{\n{_colours(1)}\n}}"
    # The shapes come last, because some of them take a colour away again.
    return f"\n{_colours(0)}\n{dark}\n{SHAPES.strip()}\n"


def _colours(scheme: int) -> str:
    return "\n".join(
        f"{selector}{{{';'.join(f'{name}:{pair[scheme]}' for name, pair in colours.items())}}}"
        for selector, colours in COLOURS.items()
    )
