"""AI1's published figures beside the plant's radiator: which temperature it has at 120 and 150 kW.

Published (press reports of a presentation, secondary): 120 kW mean and 150 kW peak payload, 110 m2
of liquid radiator, both sides, edge-on to the Sun, about 600 km. Not published: emissivity, sink,
fin efficiency, the coolant's temperature difference, heat of all that is no payload. Each is varied
over what is plausible, so that the page shows how far the published figures determine the result.
"""

from typing import NamedTuple

from sim_hw._native import lib

AREA_M2 = 110.0
MEAN_W, PEAK_W = 120_000.0, 150_000.0
ZERO_C_K = 273.15
CELLS = 40  # along the flow; 80 change no figure of the page
# Stefan-Boltzmann, emissivity 0.9, both sides, one temperature, sink 0 K to 200 K.
REFERENCE_C = {MEAN_W: (48.0, 60.0), PEAK_W: (67.0, 77.0)}


class Panel(NamedTuple):
    """A radiator and what it looks at; the first value of each is the one of the reference."""

    emissivity_ratio: float = 0.9
    fin_ratio: float = 1.0
    sink_k: float = 0.0
    loop_k: float = 0.0  # from inlet to outlet
    sides: int = 2
    heat_ratio: float = 1.0  # all heat over that of the payload


class Solution(NamedTuple):
    """Temperatures in steady flow."""

    mean_c: float
    inlet_c: float
    outlet_c: float


def panel_w(panel: Panel, temp_k: float, area_m2: float) -> float:
    """Return what a part of the panel gives off. The only use of the plant's own equation."""
    area_m2 *= panel.fin_ratio
    given_w = lib.sim_radiated_w(panel.sides, area_m2, panel.emissivity_ratio, temp_k, panel.sink_k)
    return float(given_w)


def steady(panel: Panel, payload_w: float) -> Solution:
    """Return the temperatures at which the panel gives off the heat of a payload."""
    heat_w = panel.heat_ratio * payload_w
    low_k, high_k = panel.sink_k + 1.0, 900.0
    while high_k - low_k > 1e-6:
        middle_k = 0.5 * (low_k + high_k)
        given_w = sum(panel_w(panel, k, AREA_M2 / CELLS) for k in cells_k(panel, middle_k, heat_w))
        low_k, high_k = (middle_k, high_k) if given_w < heat_w else (low_k, middle_k)
    temps_k = cells_k(panel, high_k, heat_w)
    return Solution(
        sum(temps_k) / CELLS - ZERO_C_K, high_k - ZERO_C_K, high_k - panel.loop_k - ZERO_C_K
    )


def cells_k(panel: Panel, inlet_k: float, heat_w: float) -> list[float]:
    """Return the mean temperature of each cell along the flow that carries this heat."""
    if panel.loop_k == 0.0:
        return [inlet_k] * CELLS
    flow_w_per_k = heat_w / panel.loop_k
    temps_k = []
    for _ in range(CELLS):
        drop_k = panel_w(panel, inlet_k, AREA_M2 / CELLS) / flow_w_per_k
        middle_k = inlet_k - 0.5 * drop_k
        drop_k = panel_w(panel, middle_k, AREA_M2 / CELLS) / flow_w_per_k
        temps_k.append(inlet_k - 0.5 * drop_k)
        inlet_k -= drop_k
    return temps_k


# 190 K: edge-on at 550 to 600 km with Earth's infrared and albedo; 230 K: tilted some way to Earth.
TYPICAL = Panel(emissivity_ratio=0.85, fin_ratio=0.92, sink_k=190.0, loop_k=10.0, heat_ratio=1.05)
ROWS: tuple[tuple[str, Panel], ...] = (
    ("reference, sink 0 K: one temperature, emissivity 0.9, fin 1", Panel()),
    ("reference, sink 200 K", Panel(sink_k=200.0)),
    ("sink 190 K", Panel(sink_k=190.0)),
    ("sink 230 K", Panel(sink_k=230.0)),
    ("sink 190 K, emissivity 0.80", Panel(sink_k=190.0, emissivity_ratio=0.8)),
    ("sink 190 K, fin efficiency 0.85", Panel(sink_k=190.0, fin_ratio=0.85)),
    ("sink 190 K, coolant 5 K from inlet to outlet", Panel(sink_k=190.0, loop_k=5.0)),
    ("sink 190 K, coolant 15 K from inlet to outlet", Panel(sink_k=190.0, loop_k=15.0)),
    ("sink 190 K, 10 % more heat than the payload's", Panel(sink_k=190.0, heat_ratio=1.1)),
    ("sink 190 K, one side alone", Panel(sink_k=190.0, sides=1)),
    ("all at its middle: 0.85, 0.92, 190 K, 10 K, 5 % more heat", TYPICAL),
    ("all at its coolest: 0.9, 1, 0 K, 5 K", Panel(loop_k=5.0)),
    (
        "all at its hottest: 0.8, 0.85, 230 K, 15 K, 10 % more heat",
        Panel(emissivity_ratio=0.8, fin_ratio=0.85, sink_k=230.0, loop_k=15.0, heat_ratio=1.1),
    ),
)
HEAD = """\
## AI1's published figures

Published (press reports, so indicative): 120 kW mean and 150 kW peak payload on 110 m² of liquid
radiator that radiates from both sides, edge-on to the Sun, at about 600 km. Stefan and Boltzmann
alone give 48 to 60 °C and 67 to 77 °C (sink 0 to 200 K). The plant's own equation, along the flow
of the coolant, gives the following; what is not published is varied.

| assumed | 120 kW: mean | inlet, outlet | 150 kW: mean | inlet, outlet |
|---|---|---|---|---|
"""
TAIL = """
What is not published moves the radiator by 46 K, the step from mean to peak by 18 K. With all of it
at its middle the coolant comes back too warm for cores that need 52 to 59 °C at 700 W (0.04 to
0.05 K/W below 87 °C), at the mean load as at the peak: capping by temperature is part of normal
operation on such a satellite. One side alone cannot have been meant.
"""


def section() -> str:
    """Return the section of the page."""
    return HEAD + "".join(_row(what, panel) for what, panel in ROWS) + TAIL


def _row(what: str, panel: Panel) -> str:
    cells = [what]
    for payload_w in (MEAN_W, PEAK_W):
        found = steady(panel, payload_w)
        cells += [f"{found.mean_c:.1f} °C", f"{found.inlet_c:.1f}, {found.outlet_c:.1f} °C"]
    return f"| {' | '.join(cells)} |\n"
