"""AI1's published figures: the solution is one, and the page is as the plant has it."""

from pathlib import Path

import pytest

from tests.check_cases.heat_cases import flying_radiator_w
from tests.verify.ai1 import (
    AREA_M2,
    CELLS,
    MEAN_W,
    PEAK_W,
    REFERENCE_C,
    ROWS,
    ZERO_C_K,
    Panel,
    cells_k,
    panel_w,
    section,
    steady,
)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("payload_w", [MEAN_W, PEAK_W])
def test_the_reference_is_met_within_a_kelvin(payload_w: float) -> None:
    for sink_k, expected_c in zip((0.0, 200.0), REFERENCE_C[payload_w], strict=True):
        found = steady(Panel(sink_k=sink_k), payload_w)
        assert found.mean_c == pytest.approx(expected_c, abs=1.0)


@pytest.mark.parametrize("panel", [panel for _, panel in ROWS], ids=[what for what, _ in ROWS])
def test_a_solution_gives_off_its_heat_and_has_the_drop_of_its_coolant(panel: Panel) -> None:
    found = steady(panel, PEAK_W)
    heat_w = panel.heat_ratio * PEAK_W
    temps_k = cells_k(panel, found.inlet_c + ZERO_C_K, heat_w)
    given_w = sum(panel_w(panel, temp_k, AREA_M2 / CELLS) for temp_k in temps_k)
    assert given_w == pytest.approx(heat_w, rel=1e-6)
    assert found.inlet_c - found.outlet_c == pytest.approx(panel.loop_k)
    assert found.outlet_c <= found.mean_c <= found.inlet_c


def test_the_equation_is_that_of_the_radiator_that_flies() -> None:
    flying_w = flying_radiator_w(340.0, area_m2=AREA_M2, emissivity_ratio=0.9)
    assert panel_w(Panel(), 340.0, AREA_M2) == pytest.approx(flying_w, rel=1e-6)
    assert panel_w(Panel(sides=1), 340.0, AREA_M2) == pytest.approx(flying_w / 2.0, rel=1e-6)


def test_the_page_is_as_the_plant_has_it() -> None:
    page = (ROOT / "docs" / "reference" / "comparisons.md").read_text(encoding="utf-8")
    assert section() in page, "run: python tools/comparisons.py (after make compare)"
