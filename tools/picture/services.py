"""Under the VPC: what the application reads, and what Redis leaves behind."""

from typing import NamedTuple

from tools.picture import redis
from tools.picture.deployment import Deployment, target
from tools.picture.svg import Canvas
from tools.picture.words import counted, window

CARD = 70
GUTTER = 16
HEIGHT = 2 * CARD + GUTTER
READ_WIDTH = 280
HALF = (redis.RIGHT - redis.GROUP_X - GUTTER) / 2


class Card(NamedTuple):
    """What one card says; ``used`` where an arrow leads to it, ``encrypted`` with the key."""

    glyph: str
    tone: str
    name: str
    details: list[str]
    used: bool = True
    encrypted: bool = False

    def draw(self, canvas: Canvas, x: float, y: float, width: float, *, frame: bool = True) -> None:
        """The card's content, and its frame if no other one has it."""
        if frame:
            canvas.box("card", x, y, width, CARD)
        canvas.glyph(self.glyph, self.tone, x + 14, y + 21)
        canvas.text("name14 ink", x + 54, y + 25, self.name, width=width - 78)
        for number, words in enumerate(self.details):
            canvas.text("text11 soft", x + 54, y + 43 + 16 * number, words, width=width - 62)
        if self.encrypted:
            canvas.lock(x + width - 24, y + 13)


def draw(canvas: Canvas, facts: Deployment, top: float, bottoms: redis.Bottoms) -> None:
    """Draw the cards, and the arrows that lead to them from inside the VPC."""
    token, settings, backup, logs = _token(facts), _settings(facts), _backup(facts), _logs(facts)
    canvas.box("card", redis.LEFT, top, READ_WIDTH, HEIGHT)
    lower = top + CARD + GUTTER
    if token:
        token.draw(canvas, redis.LEFT, top, READ_WIDTH, frame=False)
    settings.draw(canvas, redis.LEFT, lower, READ_WIDTH, frame=False)
    if settings.used:
        x = redis.SOURCE_X + redis.SOURCE_WIDTH / 2
        canvas.arrow("violet", (x, bottoms.sources), (x, top))
        canvas.text("text11 soft", x + 10, top - 14, "may read", width=90)
    for card, left in ((backup, redis.GROUP_X), (logs, redis.GROUP_X + HALF + GUTTER)):
        card.draw(canvas, left, top, HALF)
        if card.used:
            canvas.arrow("teal", (left + HALF / 2, bottoms.group), (left + HALF / 2, top))
    encrypted = {"data and snapshots": backup, "AUTH token": token, "logs": logs}
    uses = [name for name, card in encrypted.items() if card and card.encrypted]
    if key := _key(facts, ", ".join(uses) or "nothing"):
        key.draw(canvas, redis.GROUP_X, lower, redis.RIGHT - redis.GROUP_X)


def _token(facts: Deployment) -> Card | None:
    users = facts.data.of_type("AWS::ElastiCache::User").values()
    passwords = [password for user in users for password in user.get("Passwords", [])]
    if not passwords or not facts.group.get("UserGroupIds"):
        return None
    secret = facts.data.of_type("AWS::SecretsManager::Secret")[target(passwords[0])]
    details = [
        f"{secret['GenerateSecretString']['PasswordLength']} characters",
        "in Secrets Manager",
    ]
    return Card("token", "violet", "AUTH token", details, encrypted="KmsKeyId" in secret)


def _settings(facts: Deployment) -> Card:
    parameters = facts.data.of_type("AWS::SSM::Parameter").values()
    paths, _, names = zip(*(one["Name"].rpartition("/") for one in parameters), strict=True)
    readable = any(
        "ssm:GetParametersByPath" in statement["Action"] and statement["Effect"] == "Allow"
        for policy in facts.data.of_type("AWS::IAM::ManagedPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
    )
    limits = sum(name.startswith("RATE_LIMIT_") for name in names if "_TIERS" not in name)
    details = [" ".join(sorted(set(paths))), counted(limits, "rate limit")]
    return Card("settings", "violet", counted(len(names), "parameter"), details, used=readable)


def _backup(facts: Deployment) -> Card:
    group, days = facts.group, facts.group.get("SnapshotRetentionLimit", 0)
    policies = [
        one.get("DeletionPolicy")
        for one in facts.data.resources.values()
        if one.get("Properties") is group
    ]
    title = f"{counted(days, 'day')} of snapshots" if days else "No daily snapshots"
    details = [f"daily, {window(group.get('SnapshotWindow', ''))} UTC"] if days else []
    details += ["a last one at deletion"] if "Snapshot" in policies else []
    return Card("snapshot", "teal", title, details, bool(details), "KmsKeyId" in group)


def _logs(facts: Deployment) -> Card:
    groups = {
        one["LogGroupName"]: one for one in facts.data.of_type("AWS::Logs::LogGroup").values()
    }
    written = {
        one["LogType"]: groups[one["DestinationDetails"]["CloudWatchLogsDetails"]["LogGroup"]]
        for one in facts.group.get("LogDeliveryConfigurations", [])
    }
    if not written:
        return Card("logs", "teal", "No logs", [], used=False)
    days = min(one["RetentionInDays"] for one in written.values())
    details = [", ".join(written), "in CloudWatch Logs"]
    encrypted = all("KmsKeyId" in one for one in written.values())
    return Card("logs", "teal", f"{counted(days, 'day')} of logs", details, encrypted=encrypted)


def _key(facts: Deployment, uses: str) -> Card | None:
    if "KmsKeyId" not in facts.group:
        return None
    name = target(facts.group["KmsKeyId"])
    aliases = [
        alias["AliasName"].removeprefix("alias/")
        for alias in facts.data.of_type("AWS::KMS::Alias").values()
        if target(alias["TargetKeyId"]) == name
    ]
    rotates = facts.data.of_type("AWS::KMS::Key")[name].get("EnableKeyRotation")
    details = [f"encrypts {uses}", "rotated each year" if rotates else "not rotated"]
    return Card("key", "violet", f"KMS key {' '.join(aliases)}", details)
