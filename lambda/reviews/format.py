"""Figures and days as the reports say them."""

from datetime import date


def amount(value: float, unit: str) -> str:
    """A figure with its unit: whole from ten on, for nobody decides by a tenth of a percent."""
    number = f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2g}"
    return f"{number} {unit}".strip()


def long_date(day: date) -> str:
    """With its year: "3 January 2027"."""
    return f"{day.day} {day:%B %Y}"


def short_date(day: date) -> str:
    """As in a chart: "3 Jan 2027"."""
    return f"{day.day} {day:%b %Y}"
