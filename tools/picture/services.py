"""Under the VPC: what the application reads, and what Redis leaves behind."""

from tools.picture import redis
from tools.picture.deployment import Deployment, Key
from tools.picture.svg import Canvas
from tools.picture.words import counted, window

CARD = 70
GUTTER = 16
HEIGHT = 2 * CARD + GUTTER
READ_WIDTH = 280
HALF = (redis.RIGHT - redis.GROUP_X - GUTTER) / 2


def draw(canvas: Canvas, facts: Deployment, top: float, bottoms: redis.Bottoms) -> None:
    """Draw the cards, and the arrows that lead to them from inside the VPC."""
    _read(canvas, facts, top, bottoms)
    _backup(canvas, facts, top, bottoms)
    _logs(canvas, facts, top, bottoms)
    if facts.key:
        _key(canvas, facts, facts.key, top + CARD + GUTTER)


def _read(canvas: Canvas, facts: Deployment, top: float, bottoms: redis.Bottoms) -> None:
    left, token, settings = redis.LEFT, facts.token, facts.settings
    canvas.box("card", left, top, READ_WIDTH, HEIGHT)
    if token:
        details = [f"{token.characters} characters", "in Secrets Manager"]
        _row(canvas, "token", "violet", "AUTH token", details, left, top, READ_WIDTH)
        if token.encrypted:
            canvas.lock(left + READ_WIDTH - 24, top + 13)
    limits = sum(name.startswith("RATE_LIMIT_") for name in settings.names if "_TIERS" not in name)
    title, details = (
        counted(len(settings.names), "parameter"),
        [settings.path, counted(limits, "rate limit")],
    )
    _row(canvas, "settings", "violet", title, details, left, top + CARD + GUTTER, READ_WIDTH)
    if settings.readable:
        x = redis.SOURCE_X + redis.SOURCE_WIDTH / 2
        canvas.arrow("violet", (x, bottoms.sources), (x, top))
        canvas.text("text11 soft", x + 10, top - 14, "may read", width=90)


def _backup(canvas: Canvas, facts: Deployment, top: float, bottoms: redis.Bottoms) -> None:
    backup, left = facts.backup, redis.GROUP_X
    canvas.box("card", left, top, HALF, CARD)
    title = f"{counted(backup.days, 'day')} of snapshots" if backup.days else "No daily snapshots"
    details = [f"daily, {window(backup.window)} UTC"] if backup.days else []
    details += ["a last one at deletion"] if backup.last else []
    _row(canvas, "snapshot", "teal", title, details, left, top, HALF)
    if facts.group.encrypted:
        canvas.lock(left + HALF - 24, top + 13)
    if backup.days or backup.last:
        canvas.arrow("teal", (left + HALF / 2, bottoms.group), (left + HALF / 2, top))


def _logs(canvas: Canvas, facts: Deployment, top: float, bottoms: redis.Bottoms) -> None:
    logs, left = facts.logs, redis.GROUP_X + HALF + GUTTER
    canvas.box("card", left, top, HALF, CARD)
    title = f"{counted(logs.days, 'day')} of logs" if logs.kinds else "No logs"
    details = [", ".join(logs.kinds), "in CloudWatch Logs"] if logs.kinds else []
    _row(canvas, "logs", "teal", title, details, left, top, HALF)
    if logs.encrypted:
        canvas.lock(left + HALF - 24, top + 13)
    if logs.kinds:
        canvas.arrow("teal", (left + HALF / 2, bottoms.group), (left + HALF / 2, top))


def _key(canvas: Canvas, facts: Deployment, key: Key, top: float) -> None:
    width = redis.RIGHT - redis.GROUP_X
    canvas.box("card", redis.GROUP_X, top, width, CARD)
    encrypted = {
        "data and snapshots": facts.group.encrypted,
        "AUTH token": facts.token is not None and facts.token.encrypted,
        "logs": facts.logs.encrypted,
    }
    uses = ", ".join(name for name, is_so in encrypted.items() if is_so) or "nothing"
    details = [f"encrypts {uses}", "rotated each year" if key.rotates else "not rotated"]
    title = f"KMS key {key.alias}"
    _row(canvas, "key", "violet", title, details, redis.GROUP_X, top, width)


def _row(
    canvas: Canvas,
    glyph: str,
    tone: str,
    name: str,
    details: list[str],
    x: float,
    y: float,
    width: float,
) -> None:
    canvas.glyph(glyph, tone, x + 14, y + 21)
    canvas.text("name14 ink", x + 54, y + 25, name, width=width - 78)
    for number, words in enumerate(details):
        canvas.text("text11 soft", x + 54, y + 43 + 16 * number, words, width=width - 62)
