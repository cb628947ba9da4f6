"""What the Sun and the Earth send to the node: fluxes by distance, altitude and attitude.

    solar      S = 1361 W/m2 (1 AU / d)^2
    albedo     F a S max(cos zeta, 0), zeta the Sun's zenith angle under the satellite
    infra-red  F 237 W/m2
    sink       eps sigma Ts^4 = the flux absorbed by a face, mean of the free ones

F is the view factor from one face of a flat plate to the Earth as a sphere; the heat of a face that
the Earth only part fills is its closed form. The Earth is even: no clouds, seasons or latitudes.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from sim_hw.attitude import Attitude, dots
from sim_hw.sun import ASTRONOMICAL_UNIT_KM, EARTH_RADIUS_KM, Float64s

SOLAR_CONSTANT_W_PER_M2: Final = 1361.0  # docs/models.md 1a, at one astronomical unit
ALBEDO_RATIO: Final = 0.30  # docs/models.md 1a
EARTH_INFRARED_W_PER_M2: Final = 237.0  # docs/models.md 1a; S (1 - a) / 4 is 238.2
STEFAN_BOLTZMANN_W_PER_M2_K4: Final = 5.670_374_419e-8  # CODATA 2018


class Fluxes(NamedTuple):
    """At some instants, with an unshadowed Sun; the radiator's are sums over its free faces.

    The names are those of sim_orbit_table_t (sim_hw/csrc/plant/environment.h).
    """

    solar_w_per_m2: Float64s
    array_cos: Float64s
    array_albedo_w_per_m2: Float64s
    radiator_direct_w_per_m2: Float64s
    radiator_albedo_w_per_m2: Float64s
    radiator_infrared_w_per_m2: Float64s


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Attitude of the node, and the radiator's free faces (1 or 2) and coating."""

    attitude: Attitude = field(default_factory=Attitude)
    faces: int = 2
    absorptance_ratio: float = 0.14  # docs/models.md 1c, white silicate paint after 1000 h
    emissivity_ratio: float = 0.90  # docs/models.md 1c

    def fluxes(
        self,
        time_s: Float64s,
        position_km: Float64s,
        orbit_normal: Float64s,
        sun: Float64s,
        sun_distance_km: Float64s,
    ) -> Fluxes:
        """Return the fluxes of a satellite at these places, (n, 3), under this Sun."""
        radius_km = np.sqrt(dots(position_km, position_km))
        nadir = position_km / -radius_km[:, None]
        pointing = self.attitude.pointing(time_s, nadir, orbit_normal, sun)
        solar = SOLAR_CONSTANT_W_PER_M2 * (ASTRONOMICAL_UNIT_KM / sun_distance_km) ** 2
        reflected = ALBEDO_RATIO * solar * np.maximum(-dots(nadir, sun), 0.0)
        ratio = radius_km / EARTH_RADIUS_KM
        panel = sphere_view_factor(pointing.panel_nadir, ratio)
        direct = np.maximum(pointing.panel_sun, 0.0)
        if self.faces == 2:
            panel = panel + sphere_view_factor(-pointing.panel_nadir, ratio)
            direct = np.abs(pointing.panel_sun)
        return Fluxes(
            solar,
            np.maximum(pointing.array_sun, 0.0),
            sphere_view_factor(pointing.array_nadir, ratio) * reflected,
            direct * solar,
            panel * reflected,
            panel * EARTH_INFRARED_W_PER_M2,
        )

    def sink_temp_k(self, solar_w_per_m2: float, infrared_w_per_m2: float) -> float:
        """Return the temperature at which the panel would radiate just what it absorbs.

        Args:
            solar_w_per_m2: Direct and reflected sunlight on all faces together.
            infrared_w_per_m2: Of the Earth, on all faces together.
        """
        absorbed = self.absorptance_ratio * solar_w_per_m2
        absorbed += self.emissivity_ratio * infrared_w_per_m2
        radiated = self.faces * self.emissivity_ratio * STEFAN_BOLTZMANN_W_PER_M2_K4
        return float((absorbed / radiated) ** 0.25)


def sphere_view_factor(cos_nadir: Float64s, distance_ratio: Float64s) -> Float64s:
    """Return the view factors from one face of a flat plate to a sphere, 0..1.

    Args:
        cos_nadir: Between the face's normal and the direction of the sphere's centre, -1..1.
        distance_ratio: Distance of that centre in radii of the sphere, above 1.

    Source: J. R. Howell, A Catalog of Radiation Heat Transfer Configuration Factors, plane element
    to sphere, tilted; checked by Monte Carlo in the tests.
    """
    square = distance_ratio * distance_ratio
    cos = np.clip(cos_nadir, -1.0, 1.0)
    sin = np.sqrt(np.maximum(1.0 - cos * cos, 1e-30))
    height = np.sqrt(square - 1.0)
    edge = np.arcsin(np.minimum(height / (distance_ratio * sin), 1.0))
    cut = np.arccos(np.clip(-height * cos / sin, -1.0, 1.0))
    beyond = np.sqrt(np.maximum(1.0 - square * cos * cos, 0.0))
    partly = 0.5 - edge / np.pi + (cos * cut - height * beyond) / (np.pi * square)
    horizon_cos = 1.0 / distance_ratio  # the plate's plane touches the sphere
    whole: Float64s = np.where(cos >= horizon_cos, cos / square, partly)
    factor: Float64s = np.where(cos <= -horizon_cos, 0.0, whole)
    return factor
