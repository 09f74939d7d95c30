"""The report: one HTML page that needs no network, readable on a telephone, light and dark."""

from rehearsal.load.report.page import page as report

__all__ = ["report"]
