"""What every part of an environment's settings has in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One table of an environment file: frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Refusal(ValueError):  # noqa: N818 - it is the answer, not a fault
    """A value that AWS or the plan refuses; ``key`` is its path below the section that checks."""

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


def refusal(what: str, why: str, instead: str, *, key: str = "") -> Refusal:
    """One message: what is wrong, why AWS or the plan refuses it, what to write instead.

    ``key`` is for rules over several keys: the one that the reader should change.
    """
    return Refusal(f"{what}. {why}. {instead}.", key)
