"""The check cases of docs/reference/check-cases.md, a test for each figure, and the page itself."""

from pathlib import Path

import pytest

from tests.check_cases.case import CheckCase
from tests.check_cases.table import CASES, LOGIC, PAGE, measured, page

ROOT = Path(__file__).parents[2]
_FIGURES = (4, 5)  # columns of the page: ours, difference


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"case_{case.number}")
def test_the_plant_gives_the_figure(case: CheckCase) -> None:
    ours = measured(case)
    assert case.holds(ours), (
        f"{case.name}: {ours} {case.unit}, expected {case.expected} within {case.tolerance}"
    )


def test_a_case_fails_outside_its_tolerance_and_for_no_number() -> None:
    case = CASES[0]
    assert case.holds(case.expected + 0.99 * case.tolerance)
    assert not case.holds(case.expected + 1.01 * case.tolerance)
    assert not case.holds(case.expected - 1.01 * case.tolerance)
    assert not case.holds(float("nan"))


def test_no_two_cases_have_one_number() -> None:
    numbers = [case.number for case in CASES]
    assert len(set(numbers)) == len(numbers)


def test_the_tests_that_the_page_names_speak_of_their_case() -> None:
    for number, _, where in LOGIC:
        text = (ROOT / where).read_text(encoding="utf-8").lower()
        assert f"case {number}" in text or f"case_{number}" in text, where


def assert_same(written: str, made: str) -> None:
    """Compare two lines of the page; a figure of ours may differ by 1 in its last digit."""
    cells, ours = written.split(" | "), made.split(" | ")
    assert len(cells) == len(ours), f"{written}\n{made}"
    for column, (cell, our) in enumerate(zip(cells, ours, strict=True)):
        if len(cells) == 7 and column in _FIGURES and "." in cell and "." in our:
            last = 10.0 ** -len(our.partition(".")[2])
            assert float(cell) == pytest.approx(float(our), abs=1.01 * last), made
        else:
            assert cell == our, made


def test_the_page_is_what_the_plant_gives() -> None:
    written, made = PAGE.read_text(encoding="utf-8").splitlines(), page().splitlines()
    assert len(written) == len(made), "run tools/check_cases.py"
    for line, our in zip(written, made, strict=True):
        assert_same(line, our)


def test_a_page_that_drifted_is_seen() -> None:
    row = "| 1 | what | source | 10 s | 10.02 | +0.02 | 0.1 |"
    assert_same(row, row.replace("10.02", "10.03"))
    for drifted in (row.replace("10.02", "10.04"), row.replace("what", "else"), row + " x |"):
        with pytest.raises(AssertionError):
            assert_same(row, drifted)
