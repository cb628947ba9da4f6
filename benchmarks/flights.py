"""The flights that are measured."""

from flight.examples import default_config_path
from sim_hw.flight import FlightSetup
from sim_hw.fly import FlightRequest, prepare


def default_setup(duration: str = "1orbit") -> FlightSetup:
    """Return the default flight of REF-1: its fault plan, cut at a duration.

    Faults and expectations that would come after the end are left out by the scenario's own rules.
    """
    return prepare(FlightRequest(config_path=default_config_path(), duration=duration))[0]
