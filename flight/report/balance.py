"""Energy and heat balance as stacked bars: what came in, where it went.

Of a simulated flight the plant's own ledger is shown, so the two sides must be equal; of any other
what telemetry says.
"""

from typing import NamedTuple

from flight.report.flight_data import FlightData
from flight.report.words import Html, element, energy, table

SHOWN_RATIO_MIN = 5e-5  # of its side: less would read 0.0 %


class Share(NamedTuple):
    """A part of a bar. colour: number of a colour of the page."""

    label: str
    joules: float
    colour: int


class Bar(NamedTuple):
    """A bar of shares."""

    label: str
    shares: tuple[Share, ...]

    @property
    def joules(self) -> float:
        """The whole length."""
        return sum(share.joules for share in self.shares)


def electrical_bars(data: FlightData, *, from_telemetry: bool = False) -> tuple[Bar, Bar] | None:
    """Return what came into the 54 V bus and where it went; None: nothing tells what came in."""
    accounts = data.accounts
    truth = None if from_telemetry else ledger(data)
    supply = "array" if accounts.knows_supply else "allotment of the spacecraft"
    cells = "battery" if accounts.knows_supply else "modules' inputs"
    if truth is None:
        if not accounts.knows_supply and not accounts.knows_payload:
            return None
        gave: tuple[Share, ...] = (
            Share("array", accounts.array_j, 3),
            Share("battery discharged", accounts.discharged_j, 1),
        )
        if not accounts.knows_supply:
            gave = (Share(supply, accounts.payload_j, 3),)
        work_j = accounts.accelerator_j
        rest_j = sum(share.joules for share in gave) - work_j - accounts.charged_j
        stored = [Share("battery charged", accounts.charged_j, 1)]
        wired_j = 0.0  # nobody measures it: it is in the rest
    else:
        change_j = truth["stored_change_joules"]
        gave = (
            Share(supply, truth["array_joules"], 3),
            Share(f"taken from {cells}", max(0.0, -change_j), 1),
        )
        work_j, wired_j = truth["accelerator_joules"], truth.get("converter_loss_joules", 0.0)
        rest_j = truth["load_joules"] - work_j - wired_j
        stored = [
            Share("lost in the battery", truth["battery_loss_joules"], 7),
            Share(f"kept in {cells}", max(0.0, change_j), 1),
        ]
    rest_j = max(0.0, rest_j)
    pumps_j = min(accounts.pumps_j, rest_j)
    heaters_j = min(accounts.heaters_j, rest_j - pumps_j)
    took = (
        Share("accelerators", work_j, 5),
        Share("pumps", pumps_j, 2),
        Share("heaters", heaters_j, 4),
        Share("host and the rest", rest_j - pumps_j - heaters_j, 6),
        Share("lost in converters and wiring", wired_j, 8),
        *stored,
    )
    return Bar("in", gave), Bar("out", took)


def heat_bars(data: FlightData) -> tuple[Bar, Bar] | None:
    """Return what became heat and where it went; None: only the plant knows."""
    truth = ledger(data)
    if truth is None:
        return None
    work_j, held_j = truth["accelerator_joules"], truth["heat_change_joules"]
    wired_j = truth.get("converter_loss_joules", 0.0)
    absorbed_j, leaked_j = truth.get("absorbed_joules", 0.0), truth.get("leaked_joules", 0.0)
    radiated_j = truth["rejected_joules"] + absorbed_j - leaked_j
    came = (
        Share("accelerators", work_j, 5),
        Share("host, pumps, heaters", truth["load_joules"] - work_j - wired_j, 6),
        Share("lost in converters and wiring", wired_j, 8),
        Share("lost in the battery", truth["battery_loss_joules"], 7),
        Share("absorbed from Sun and Earth", absorbed_j, 3),
        Share("from the structure", max(0.0, -leaked_j), 4),
        Share("given off by what cooled", max(0.0, -held_j), 1),
    )
    went = (
        Share("radiated", radiated_j, 2),
        Share("leaked into the structure", max(0.0, leaked_j), 4),
        Share("kept by what warmed", max(0.0, held_j), 1),
    )
    return Bar("in", came), Bar("out", went)


def ledger(data: FlightData) -> dict[str, float] | None:
    """Return the energies of the simulated plant; None: there is none."""
    summary = data.summary or {}
    if not summary.get("energy"):
        return None
    return {**summary["energy"], **summary["work"]}


def balance(data: FlightData) -> Html:
    """Return the section."""
    electrical, heat = electrical_bars(data), heat_bars(data)
    if electrical is None:
        told = "Nothing measures what comes into this node."
        return element("section", element("h2", "Energy and heat"), element("p", told), id="energy")
    parts = [element("h3", "Electrical"), _bars(electrical)]
    if heat is not None:
        parts += [element("h3", "Heat"), _bars(heat)]
    source = (
        "From telemetry: what was read, added up."
        if heat is None
        else "From the ledger of the simulated plant; pumps and heaters from telemetry."
    )
    if data.is_cut:
        source += " Telemetry is of what the recording still holds."
    return element(
        "section", element("h2", "Energy and heat"), element("p", source), *parts, id="energy"
    )


def _bars(bars: tuple[Bar, Bar]) -> Html:
    longest = max(bar.joules for bar in bars) or 1.0
    drawn = [
        element(
            "div",
            element("div", bar.label, class_="name"),
            element(
                "div",
                *(
                    element(
                        "span", class_=f"share c{share.colour}",
                        style=f"width:{100.0 * share.joules / longest:.3f}%",
                        title=f"{share.label}: {energy(share.joules)}",
                    )
                    for share in bar.shares
                ),
                class_="stack",
            ),
            class_="line",
        )
        for bar in bars
    ]  # fmt: skip
    rows = [
        (bar.label, Html(element("span", class_=f"key c{share.colour}") + " " + share.label),
         energy(share.joules, beside=longest),
         f"{100.0 * share.joules / (bar.joules or 1.0):.1f} %")
        for bar in bars for share in bar.shares if share.joules > SHOWN_RATIO_MIN * bar.joules
    ]  # fmt: skip
    apart = bars[0].joules - bars[1].joules
    error = 100.0 * abs(apart) / longest
    note = element("p", f"In {energy(bars[0].joules)}, out {energy(bars[1].joules)}: ",
                   f"{error:.3f} % apart.")  # fmt: skip
    return Html("".join(drawn) + table(("", "share", "energy", "of the side"), rows) + note)
