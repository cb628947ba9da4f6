"""The flights that are measured."""

from dataclasses import replace

from flight.examples import default_config_path
from sim_hw.flight import NS_PER_S, FlightSetup
from sim_hw.fly import FlightRequest, prepare


def default_setup(duration_s: float | None = None) -> FlightSetup:
    """Return the default flight of REF-1 with its fault plan.

    Args:
        duration_s: Ends the flight early; the plan stays that of the whole orbit. None: one orbit.
    """
    setup, _ = prepare(FlightRequest(config_path=default_config_path()))
    if duration_s is None:
        return setup
    return replace(setup, plan=replace(setup.plan, duration_ns=round(duration_s * NS_PER_S)))
