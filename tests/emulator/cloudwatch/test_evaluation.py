"""The two tables of the CloudWatch user guide, and the sentences around them."""

import pytest

from emulator.cloudwatch.evaluation import Rule, State, Treatment, next_state

OK, ALARM, UNKNOWN = State.OK, State.ALARM, State.INSUFFICIENT_DATA
RETAIN = None
FIGURES = {"0": 0.0, "X": 9.0, "-": None}
COLUMNS = (Treatment.MISSING, Treatment.IGNORE, Treatment.BREACHING, Treatment.NOT_BREACHING)


def rule(treatment: Treatment, to_alarm: int = 3, periods: int = 3) -> Rule:
    return Rule("GreaterThanThreshold", 5.0, periods, to_alarm, treatment)


# Rows of "Configuring how CloudWatch alarms treat missing data", the two of an earlier edition of
# the page last: M, the points with the most recent one last, and a state for each treatment.
TABLES = [
    (3, "0 - X - X", (OK, OK, OK, OK)),
    (3, "0 - - - -", (OK, OK, OK, OK)),
    (3, "- - - - -", (UNKNOWN, RETAIN, ALARM, OK)),
    (3, "0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
    (3, "- - X - -", (ALARM, RETAIN, ALARM, OK)),
    (2, "0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
    (2, "0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
    (2, "0 - X - -", (OK, OK, ALARM, OK)),
    (2, "- - - - 0", (OK, OK, ALARM, OK)),
    (2, "- - - X -", (ALARM, RETAIN, ALARM, OK)),
    (3, "- - - - X", (UNKNOWN, RETAIN, ALARM, OK)),
    (3, "X - - - -", (ALARM, RETAIN, ALARM, OK)),
]


@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize(("to_alarm", "row", "wanted"), TABLES)
def test_missing_data_is_treated_as_the_guides_tables_say(
    to_alarm: int, row: str, wanted: tuple[State | None, ...], before: State
) -> None:
    figures = [FIGURES[each] for each in row.split()]
    states = tuple(next_state(rule(each, to_alarm), figures, before) for each in COLUMNS)
    assert states == tuple(each or before for each in wanted)


def test_one_figure_within_the_threshold_ends_an_alarm_of_three_in_a_row() -> None:
    assert next_state(rule(Treatment.MISSING), [9, 9, 9, 9, 9], OK) is ALARM
    assert next_state(rule(Treatment.MISSING), [9, 9, 9, 9, 5], ALARM) is OK


def test_older_figures_than_the_evaluation_range_count_for_nothing() -> None:
    assert (
        next_state(rule(Treatment.MISSING), [9, 9, 9, None, None, None, None, None], OK) is UNKNOWN
    )


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [6]),
        ("GreaterThanOrEqualToThreshold", [5, 6]),
        ("LessThanThreshold", [4]),
        ("LessThanOrEqualToThreshold", [4, 5]),
    ],
)
def test_the_threshold_itself_breaches_only_where_the_operator_says_so(
    comparison: str, breaching: list[int]
) -> None:
    compared = Rule(comparison, 5.0, 1, 1, Treatment.MISSING)
    assert [value for value in (4, 5, 6) if compared.breaches(value)] == breaching


def test_a_band_of_anomaly_detection_is_refused() -> None:
    with pytest.raises(ValueError, match="LessThanLowerThreshold are not evaluated"):
        Rule("LessThanLowerThreshold", 5.0, 1, 1, Treatment.MISSING)
