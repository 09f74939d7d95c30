"""Reading one variable at a time, each error with the variable's name and what to write."""

from __future__ import annotations

from collections.abc import Mapping

from vibewell_redis.errors import SettingsError
from vibewell_redis.limits import RateLimitItem


class Variables:
    """Names and texts, and where they stand: "the environment", or an SSM path."""

    def __init__(self, values: Mapping[str, str], where: str) -> None:
        self._values = values
        self._where = where

    def refusal(self, name: str, problem: str, remedy: str) -> SettingsError:
        """The error to raise: it never repeats the value of a variable that may be a secret."""
        return SettingsError(f"{name} in {self._where} {problem}. {remedy}.")

    def optional(self, name: str) -> str | None:
        """The variable, or None if it is not there or empty."""
        return self._values.get(name) or None

    def or_else(self, defaults: Mapping[str, str]) -> Variables:
        """The same, with values for variables that are not there or empty."""
        given = {name: value for name, value in self._values.items() if value}
        return Variables({**defaults, **given}, self._where)

    def text(self, name: str) -> str:
        """A variable that must be there."""
        value = self.optional(name)
        if value is None:
            raise self.refusal(name, "is missing", "Write it as the deployment publishes it")
        return value

    def flag(self, name: str) -> bool:
        """``true`` or ``false``, in any case."""
        value = self.text(name).lower()
        if value not in ("true", "false"):
            raise self.refusal(name, f"is {value!r}", "Write true or false")
        return value == "true"

    def count(self, name: str, *, most: int, least: int = 1, default: int | None = None) -> int:
        """A whole number from ``least`` to ``most``; without a default it must be there."""
        if default is not None and self.optional(name) is None:
            return default
        value = self.text(name)
        number = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else -1
        if not least <= number <= most:
            raise self.refusal(
                name, f"is {value!r}", f"Write a whole number from {least} to {most}"
            )
        return number

    def limit(self, name: str, tier: str) -> RateLimitItem:
        """A limit in the plan's form, as ``120,60`` or ``10,1;1000,3600``."""
        value = self.text(name)
        try:
            return RateLimitItem.parse(tier, value)
        except ValueError as problem:
            form = "It is requests,seconds, or several of these separated by ;"
            raise self.refusal(name, f"is no limit: {problem}", form) from None
