"""What moves the satellite: a circular orbit under secular J2, or an element set under SGP4."""

import math
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from sgp4.api import SGP4_ERRORS, Satrec

from sim_hw.sun import DAY_S, EARTH_RADIUS_KM, Float64s

MU_KM3_PER_S2: Final = 398_600.441_8  # EGM96
J2: Final = 1.082_626_68e-3  # EGM96


class Propagator(Protocol):
    """Positions over time, in the mean equator of date."""

    def state(self, time_s: Float64s) -> tuple[Float64s, Float64s]:
        """Return positions in km (n, 3) and unit orbit normals (n, 3)."""


@dataclass(frozen=True, slots=True)
class CircularPropagator:
    """A circular Kepler orbit whose node regresses by J2; other J2 effects are left out."""

    radius_km: float
    inclination_rad: float
    node_rad: float
    argument_rad: float  # argument of latitude at t = 0

    @property
    def rate_rad_per_s(self) -> float:
        """Mean motion."""
        return math.sqrt(MU_KM3_PER_S2 / self.radius_km**3)

    @property
    def node_rate_rad_per_s(self) -> float:
        """Secular regression of the node by J2."""
        cos_i = math.cos(self.inclination_rad)
        ratio = EARTH_RADIUS_KM / self.radius_km
        return -1.5 * self.rate_rad_per_s * J2 * ratio**2 * cos_i

    def state(self, time_s: Float64s) -> tuple[Float64s, Float64s]:
        """Return positions in km and unit orbit normals."""
        cos_i, sin_i = math.cos(self.inclination_rad), math.sin(self.inclination_rad)
        node = self.node_rad + self.node_rate_rad_per_s * time_s
        argument = self.argument_rad + self.rate_rad_per_s * time_s
        cos_node, sin_node = np.cos(node), np.sin(node)
        cos_u, sin_u = np.cos(argument), np.sin(argument)
        position = np.stack(
            (
                cos_node * cos_u - sin_node * sin_u * cos_i,
                sin_node * cos_u + cos_node * sin_u * cos_i,
                sin_u * sin_i,
            ),
            axis=1,
        )
        normal = np.stack((sin_node * sin_i, -cos_node * sin_i, np.full(node.shape, cos_i)), axis=1)
        return position * self.radius_km, normal


@dataclass(frozen=True, slots=True)
class ElementSetPropagator:
    """An element set under SGP4. Its frame (TEME) is within 0.005 deg of the Sun's here."""

    satellite: Satrec
    name: str
    offset_s: float  # t = 0 minus the element epoch

    def state(self, time_s: Float64s) -> tuple[Float64s, Float64s]:
        """Return positions in km and unit orbit normals.

        Raises:
            ValueError: SGP4 cannot carry the element set to one of these times.
        """
        jd = np.full(time_s.shape, self.satellite.jdsatepoch)
        fraction = self.satellite.jdsatepochF + (time_s + self.offset_s) / DAY_S
        error, position, velocity = self.satellite.sgp4_array(jd, fraction)
        if error.any():
            first = int(np.flatnonzero(error)[0])
            raise ValueError(
                f"{self.name}: cannot be flown to {time_s[first]:.0f} s after the start "
                f"({SGP4_ERRORS[int(error[first])]}); use a newer element set or a shorter flight"
            )
        normal = np.cross(position, velocity)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        return position, normal
