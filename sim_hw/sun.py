"""Where the Sun is and how much of it a satellite sees.

Sun: low-precision formulae of the Astronomical Almanac (page C5), 0.01 deg between 1950 and 2050,
mean equator and equinox of date. Shadow: spherical Earth, no atmosphere.
"""

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]

EARTH_RADIUS_KM = 6378.137  # equatorial, WGS 84
SUN_RADIUS_KM = 695_700.0  # nominal solar radius, IAU 2015 resolution B3
ASTRONOMICAL_UNIT_KM = 149_597_870.7  # IAU 2012 resolution B2
J2000_JD = 2_451_545.0
DAY_S = 86_400.0
SUN_DEG_PER_DAY = 0.985_647_4  # mean longitude, Astronomical Almanac


def sun_direction(days_since_j2000: Float64s) -> tuple[Float64s, Float64s]:
    """Return the unit vectors Earth to Sun (n, 3) and the distances in km (n,).

    Args:
        days_since_j2000: Days since JD 2451545.0; UT serves: TT would move the Sun by 0.001 deg.
    """
    days = np.asarray(days_since_j2000, dtype=np.float64)
    anomaly = np.radians(357.528 + 0.985_600_3 * days)
    longitude_deg = (
        mean_longitude_deg(days) + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2.0 * anomaly)
    )
    longitude = np.radians(longitude_deg)
    distance_au = 1.000_14 - 0.016_71 * np.cos(anomaly) - 0.000_14 * np.cos(2.0 * anomaly)
    return _on_the_ecliptic(longitude, days), distance_au * ASTRONOMICAL_UNIT_KM


def circular_sun_direction(days_since_j2000: Float64s) -> tuple[Float64s, Float64s]:
    """Return the same of a Sun on a circular path: the mean longitude, one astronomical unit.

    It leads or trails the true Sun by up to 1.9 deg. Sizing by hand is done with it (check case 6).
    """
    days = np.asarray(days_since_j2000, dtype=np.float64)
    distance_km = np.full(days.size, ASTRONOMICAL_UNIT_KM)
    return _on_the_ecliptic(np.radians(mean_longitude_deg(days)), days), distance_km


def mean_longitude_deg(days_since_j2000: Float64s) -> Float64s:
    """Return the mean longitude of the Sun: the right ascension of the mean Sun of civil time."""
    longitude_deg: Float64s = 280.460 + SUN_DEG_PER_DAY * days_since_j2000
    return longitude_deg


def _on_the_ecliptic(longitude: Float64s, days: Float64s) -> Float64s:
    """Return unit vectors in the mean equator of date."""
    obliquity = np.radians(23.439 - 4.0e-7 * days)
    direction = np.empty((days.size, 3))
    direction[:, 0] = np.cos(longitude)
    direction[:, 1] = np.cos(obliquity) * np.sin(longitude)
    direction[:, 2] = np.sin(obliquity) * np.sin(longitude)
    return direction


def limb_elevation_rad(
    position_km: Float64s,
    sun: Float64s,
    sun_distance_km: Float64s | None,
    earth_radius_km: float = EARTH_RADIUS_KM,
) -> Float64s:
    """Return how far the Sun's centre stands above the Earth's limb, in rad; negative: in shadow.

    Args:
        position_km: Satellite from the Earth's centre, (n, 3), above the surface.
        sun: Unit vectors Earth to Sun, (n, 3).
        sun_distance_km: Distance of the Sun, for a shadow that opens as seen from a point Sun; None
            for parallel rays, the cylinder of check cases 2 and 3.
        earth_radius_km: Radius of the sphere that casts the shadow.
    """
    radius = np.sqrt(np.einsum("ij,ij->i", position_km, position_km))
    if sun_distance_km is None:
        cosine = -np.einsum("ij,ij->i", position_km, sun) / radius
    else:
        to_sun = sun * sun_distance_km[:, None] - position_km
        length = np.sqrt(np.einsum("ij,ij->i", to_sun, to_sun))
        cosine = -np.einsum("ij,ij->i", position_km, to_sun) / (radius * length)
    separation: Float64s = np.arccos(np.minimum(np.maximum(cosine, -1.0), 1.0))
    elevation: Float64s = separation - np.arcsin(earth_radius_km / radius)
    return elevation
