"""What every part of an environment's settings has in common."""

import re

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """One table of an environment file: frozen, no unknown keys, no silent conversions.

    TOML has ``inf``, and an alarm with that threshold would never fire.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


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


def at_most(most: int, why: str) -> AfterValidator:
    """The greatest value of a key; the comment next to it has the source of the bound."""

    def check(value: float) -> float:
        if value > most:
            raise refusal(f"{value} is above {most}", why, f"Write at most {most}")
        return value

    check.__doc__ = f"≤ {most}"  # as the settings reference shows it
    return AfterValidator(check)


def matching(pattern: str, what: str, why: str, instead: str) -> AfterValidator:
    """Text of one shape; ``{}`` in ``what`` is the value as it was written."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise refusal(what.format(repr(value)), why, instead)
        return value

    check.__doc__ = why
    return AfterValidator(check)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "Input should be a valid string")
    return value


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if twice := sorted({value for value in values if values.count(value) > 1}):
        raise refusal(
            f"{', '.join(map(repr, twice))} is listed twice",
            "Each is made once, and a second one of the same name cannot be",
            "Leave one out",
        )
    return values


EACH_ONCE = AfterValidator(_each_once)


def at_least(least: int, why: str) -> AfterValidator:
    """The smallest value of a key, where the unit is easily mistaken."""

    def check(value: float) -> float:
        if value < least:
            raise refusal(f"{value} is below {least}", why, f"Write at least {least}")
        return value

    check.__doc__ = f"≥ {least}"
    return AfterValidator(check)


SECURITY_GROUP_ID = matching(
    "sg-([0-9a-f]{8}|[0-9a-f]{17})",
    "{} is not the id of a security group",
    "EC2 takes sg- and 8 or 17 of 0 to 9 and a to f, not a name",
    "Copy the id from the EC2 console",
)

# Is last in an Annotated whose own validator parses text: Pydantic asks the last one first.
TEXT = BeforeValidator(_text)
