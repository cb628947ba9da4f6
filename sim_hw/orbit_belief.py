"""What a daemon in the simulated world is told of its orbit: elements, not the truth itself.

The plant's orbit is the truth; these elements are what an operator would send up for it.
"""

import math

from sgp4.exporter import export_tle

from flight.plan.element_set import ElementSet, circular_element_set, parse_element_set
from sim_hw.orbit import Orbit
from sim_hw.propagators import CircularPropagator, ElementSetPropagator
from sim_hw.sun import EARTH_RADIUS_KM


def element_set_of(orbit: Orbit) -> ElementSet | None:
    """Return the elements of an orbit of the plant; None for a path that has none."""
    path = orbit.propagator
    if isinstance(path, CircularPropagator):
        return circular_element_set(
            altitude_km=path.radius_km - EARTH_RADIUS_KM,
            inclination_deg=math.degrees(path.inclination_rad),
            raan_deg=math.degrees(path.node_rad),
            argument_of_latitude_deg=math.degrees(path.argument_rad),
            epoch_utc=orbit.epoch_utc,
        )
    if isinstance(path, ElementSetPropagator):
        line1, line2 = export_tle(path.satellite)
        return parse_element_set(f"{line1}\n{line2}")
    return None
