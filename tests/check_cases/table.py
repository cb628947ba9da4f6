"""All check cases, and the page of them."""

from functools import cache
from pathlib import Path

from tests.check_cases.case import CheckCase
from tests.check_cases.heat_cases import HEAT_CASES
from tests.check_cases.orbit_cases import ORBIT_CASES
from tests.check_cases.power_cases import POWER_CASES
from tests.check_cases.radiation_cases import RADIATION_CASES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "check-cases.md"
CASES = tuple(
    sorted(
        (*ORBIT_CASES, *POWER_CASES, *HEAT_CASES, *RADIATION_CASES),
        key=lambda case: (int(case.number.rstrip("abcdefgh")), case.number),
    )
)
# Cases of logic, not of a figure: number, what has to hold, the tests that show it.
LOGIC = (
    (
        "22",
        "peak-power mask, 700 W at 54 V (Cambricon MLU290-M5 manual, table 4.4): opens outside",
        "tests/integration/test_rails_transients.py",
    ),
    ("27", "an imbalance planted in the ledger is seen", "tests/unit/test_plant_check_cases.py"),
)
# What the simulation cannot show yet: number, what, what it waits for.
WAITING = (("26", "CRC-16 of PUS packets", "packets of that kind: the link carries MessagePack"),)
_HEAD = """\
# Check cases

Figures known from elsewhere, and what the simulation gives for the same inputs. The tolerance is
part of the case. Each row is a test (`tests/unit/test_check_cases.py`). The page is made by
`tools/check_cases.py`, and a test holds it to what the plant gives.

| case | relation and inputs | source | expected | ours | difference | tolerance |
|---|---|---|---|---|---|---|
"""
_LOGIC_HEAD = """
Two are no figures:

| case | what holds | test |
|---|---|---|
"""
_WAITING_HEAD = """
## Not shown yet

| case | what | waits for |
|---|---|---|
"""


@cache
def measured(case: CheckCase) -> float:
    """Return what the simulation gives, asked once."""
    return float(case.ours())


def page() -> str:
    """Return the page of all cases."""
    rows = "".join(f"| {' | '.join(_cells(case))} |\n" for case in CASES)
    logic = "".join(f"| {number} | {what} | `{where}` |\n" for number, what, where in LOGIC)
    waiting = "".join(f"| {number} | {what} | {what_for} |\n" for number, what, what_for in WAITING)
    return _HEAD + rows + _LOGIC_HEAD + logic + _WAITING_HEAD + waiting


def _cells(case: CheckCase) -> tuple[str, ...]:
    ours = measured(case)
    what, digits = case.what.replace("|", "\\|"), case.digits
    difference = round(ours - case.expected, digits) + 0.0  # no minus before a zero
    return (
        case.number,
        what,
        case.source,
        f"{case.expected:.7g} {case.unit.removeprefix('1')}".rstrip(),
        f"{round(ours, digits) + 0.0:.{digits}f}",
        f"{difference:+.{digits}f}",
        f"{case.tolerance:.2g}",
    )
