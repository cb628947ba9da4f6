"""Where the Sun is, by low-precision formulae.

J. Meeus, Astronomical Algorithms, 2nd edition, chapter 25 ("low accuracy", 0.01 deg), with the
aberration of 20.5 arc seconds; obliquity from its chapter 22. Mean equator and equinox of date,
which differs from the frame of SGP4 by the nutation, at most 0.005 deg.
"""

import math
from typing import Final

ASTRONOMICAL_UNIT_KM: Final = 149_597_870.7  # IAU 2012 resolution B2
_DAYS_PER_CENTURY: Final = 36_525.0
_ABERRATION_DEG: Final = 0.005_69


def sun_position(days_since_j2000: float) -> tuple[float, float, float]:
    """Return the vector from the Earth to the Sun in km.

    Args:
        days_since_j2000: Days since JD 2451545.0 in UTC; TT would move the Sun by 0.001 deg.
    """
    centuries = days_since_j2000 / _DAYS_PER_CENTURY
    longitude_deg = 280.466_46 + centuries * (36_000.769_83 + 0.000_303_2 * centuries)
    anomaly = math.radians(357.529_11 + centuries * (35_999.050_29 - 0.000_153_7 * centuries))
    eccentricity = 0.016_708_634 - 0.000_042_037 * centuries
    centre_deg = (
        (1.914_602 - 0.004_817 * centuries) * math.sin(anomaly)
        + (0.019_993 - 0.000_101 * centuries) * math.sin(2.0 * anomaly)
        + 0.000_289 * math.sin(3.0 * anomaly)
    )
    true_anomaly = anomaly + math.radians(centre_deg)
    distance_au = (
        1.000_001_018
        * (1.0 - eccentricity * eccentricity)
        / (1.0 + eccentricity * math.cos(true_anomaly))
    )
    longitude = math.radians(longitude_deg + centre_deg - _ABERRATION_DEG)
    obliquity = math.radians(23.439_291 - 0.013_004 * centuries)
    distance_km = distance_au * ASTRONOMICAL_UNIT_KM
    across = math.sin(longitude) * distance_km
    return (
        math.cos(longitude) * distance_km,
        math.cos(obliquity) * across,
        math.sin(obliquity) * across,
    )
