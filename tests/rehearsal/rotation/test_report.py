"""What is printed is what was counted."""

import time
from dataclasses import asdict

import pytest

from rehearsal.common.errors import RehearsalError
from rehearsal.rotation.load import Figures
from rehearsal.rotation.steps import counted, table


def test_the_figures_of_all_clients_are_added_and_the_longest_wait_is_the_longest_of_any() -> None:
    one = Figures(commands=10, longest=0.2, logins=3)
    other = Figures(
        commands=5, failed=2, longest=0.1, logins=4, refused=2, first_failure="GET: refused"
    )
    assert Figures.of_all([asdict(one), asdict(other)]) == Figures(15, 2, 0.2, 7, 2, "GET: refused")


def test_the_first_failure_is_kept_and_a_failed_command_counts_as_one_that_was_sent() -> None:
    figures = Figures()
    for failure in (None, "first", "second"):
        figures.count(time.monotonic() - 1, failure)
    assert (figures.commands, figures.failed, figures.first_failure) == (3, 2, "first")
    assert figures.longest >= 1


def test_the_table_has_a_line_a_figure() -> None:
    lines = table(20, Figures(commands=900, failed=1, longest=0.25), [1.0, 2.0, 6.0]).splitlines()
    rows = {line[:46].strip(): line[46:].strip() for line in lines}
    assert rows["rotations"] == "3"
    assert rows["commands sent"] == "900"
    assert rows["commands failed"] == "1"
    assert rows["longest time a command waited"] == "250 ms"
    assert rows["RotateSecret to AWSCURRENT moved, median"] == "2.0 s"
    assert rows["RotateSecret to AWSCURRENT moved, longest"] == "6.0 s"


def test_the_interruption_points_are_read_from_what_the_tests_print() -> None:
    printed = "=== rotation of the AUTH token ===\n    1044 interruption points (every call)\n"
    assert counted(printed) == "1044 interruption points (every call)"
    with pytest.raises(RehearsalError, match="does not print how many"):
        counted("22 passed\n")
