"""What every part of an environment's settings has in common."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """One table of an environment file: frozen, no unknown keys, no silent conversions.

    TOML has ``inf``, and an alarm with that threshold would never fire.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Refusal(ValueError):  # noqa: N818 - it is the answer, not a fault
    """A value that AWS or the plan refuses: what is wrong, why, and what to write instead.

    ``key`` is what the reader should change, as a path below the section that checks.
    """

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


Problems = Iterator[str]  # each begins with the key to change


def rule(check: Callable[[Any], Problems]) -> Any:
    """A rule over several keys of a section; its name is in the settings reference."""

    def refuse(section: Section) -> Section:
        for message in check(section):
            key, _, wrong = message.partition(": ")
            raise Refusal(wrong, key)
        return section

    return model_validator(mode="after")(refuse)


def at_least(least: float, why: str) -> AfterValidator:
    """The smallest value of a key, where the unit is easily mistaken."""
    instead = f"{{}} is below {least}. {why}. Write at least {least}."
    return _check(lambda value: value >= least, f"≥ {least}", instead)


def at_most(most: int, why: str) -> AfterValidator:
    """The greatest value of a key; the comment next to it has the source of the bound."""
    instead = f"{{}} is above {most}. {why}. Write at most {most}."
    return _check(lambda value: value <= most, f"≤ {most}", instead)


def matching(pattern: str, what: str, why: str, instead: str) -> AfterValidator:
    """Text of one shape; ``{}`` in ``what`` is the value as it was written."""
    return _check(re.compile(pattern).fullmatch, why, f"{what}. {why}. {instead}.")


def _check(holds: Callable[[Any], object], shown: str, message: str) -> AfterValidator:
    """``shown`` is what the settings reference has of it; ``{}`` in the message is the value."""

    def check(value: Any) -> Any:
        if not holds(value):
            raise Refusal(message.replace("{}", repr(value), 1))
        return value

    check.__doc__ = shown
    return AfterValidator(check)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "Input should be a valid string")
    return value


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if twice := sorted({value for value in values if values.count(value) > 1}):
        raise Refusal(
            f"{', '.join(map(repr, twice))} is listed twice. Each is made once, and a second one "
            "of the same name cannot be. Leave one out."
        )
    return values


EACH_ONCE = AfterValidator(_each_once)


SECURITY_GROUP_ID = matching(
    "sg-([0-9a-f]{8}|[0-9a-f]{17})",
    "{} is not the id of a security group",
    "EC2 takes sg- and 8 or 17 of 0 to 9 and a to f, not a name",
    "Copy the id from the EC2 console",
)

# Is last in an Annotated whose own validator parses text: Pydantic asks the last one first.
TEXT = BeforeValidator(_text)
