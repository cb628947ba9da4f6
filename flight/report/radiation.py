"""The part of the report that tells of particles: dose, passes, and what struck how often."""

from flight.report.flight_data import FlightData
from flight.report.words import Html, duration, element, number, table


def radiation(data: FlightData) -> Html:
    """Return the section; nothing of a flight without radiation."""
    told = (data.summary or {}).get("radiation")
    if told is None:
        return Html("")
    passes, events = told["anomaly_pass_count"], told["particle_events_s"]
    inside = f"{duration(told['anomaly_s'])} inside"
    facts = [
        f"Radiation {told['level']}",
        f"dose {number(told['dose_rad'])} rad(Si)",
        f"{passes} {'pass' if passes == 1 else 'passes'} of the South Atlantic Anomaly, {inside}",
        *(f"solar particle event from {duration(start_s)} on" for start_s in events),
    ]
    rows = [
        (kind["id"], kind["what"], number(kind["factor"]), number(kind["expected"]), kind["count"])
        for kind in told["classes"]
    ]
    head = ("class", "what", "rate raised by", "expected", "struck")
    return element(
        "section",
        element("h2", "Radiation"),
        element("p", "; ".join(facts), "."),
        table(head, rows),
        id="radiation",
    )
