"""Check cases 1 to 6: period, eclipses, penumbra and a dawn-dusk year."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from sim_hw.orbit import Orbit
from sim_hw.seasons import Seasons, design_orbit, find_seasons, sun_synchronous_inclination_deg
from tests.check_cases.case import CheckCase

_CLOSED = "closed form, computed"
_YEAR = "dawn-dusk year at 550 km, circular Sun, cylinder"
_SWEEP = (  # beta in deg, eclipse in min, tolerance in s
    (30.0, 33.58, 5.0), (50.0, 27.95, 5.0), (60.0, 20.54, 5.0),
    (64.0, 14.37, 5.0), (66.0, 8.64, 5.0), (67.0, 1.10, 10.0),
)  # fmt: skip


def eclipse_s(altitude_km: float, beta_deg: float) -> float:
    """Return the first eclipse behind a cylinder, as the plant flies it."""
    return Orbit.circular(altitude_km, beta_deg, shadow="cylinder").eclipse_s


def critical_beta_deg(altitude_km: float) -> float:
    """Return the beta at which the plant's eclipses end, by bisection to 0.001 deg."""
    low, high = 60.0, 70.0
    while high - low > 0.001:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if eclipse_s(altitude_km, middle) > 0.0 else (low, middle)
    return 0.5 * (low + high)


def penumbra_s() -> float:
    """Return how long part of the Sun is seen at the entry of an eclipse at beta 0."""
    orbit = Orbit.circular(550.0, 0.0)
    return sum(0.0 < orbit.sunlight_ratio(n / 100.0) < 1.0 for n in range(-1000, 1000)) / 100.0


@cache
def dawn_dusk_year() -> Seasons:
    """Return the year of case 6."""
    start_utc = datetime(2030, 3, 20, 12, tzinfo=UTC)
    orbit = design_orbit(550.0, inclination_deg=None, ltan_h=18.0, start_utc=start_utc)
    return find_seasons(orbit, shadow="cylinder", sun="circular")


def days_from_june_solstice() -> float:
    """Return when the longest eclipse of the year falls."""
    year = dawn_dusk_year()
    (season,) = year.seasons()
    solstice = datetime(2030, 6, 21, 7, 31, tzinfo=UTC)  # U.S. Naval Observatory
    return (season.longest_at_s - (solstice - year.orbit.epoch_utc).total_seconds()) / 86_400.0


def _year(
    letter: str,
    what: str,
    unit: str,
    expected: float,
    tolerance: float,
    ours: Callable[[], float],
    digits: int = 2,
) -> CheckCase:
    return CheckCase(
        number=f"6{letter}", what=f"{_YEAR}: {what}", source=_CLOSED, unit=unit,
        expected=expected, tolerance=tolerance, ours=ours, digits=digits,
    )  # fmt: skip


ORBIT_CASES = (
    CheckCase(
        number="1", what="period T = 2π √(a³/mu), 550 km", source=_CLOSED, unit="s",
        expected=5738.99, tolerance=0.1, ours=lambda: Orbit.circular(550.0).period_s,
    ),
    CheckCase(
        number="2a", what="eclipse share acos(√(h² + 2 R h) / (R + h)) / π, 550 km, beta 0",
        source="the same relation as CNES CelestLab CL_gm_betaEclipse; computed", unit="1",
        expected=0.372311, tolerance=0.00035,
        ours=lambda: eclipse_s(550.0, 0.0) / Orbit.circular(550.0).period_s, digits=6,
    ),
    CheckCase(
        number="2b", what="eclipse, cylinder, 550 km, beta 0", source=_CLOSED, unit="s",
        expected=2136.69, tolerance=2.0, ours=lambda: eclipse_s(550.0, 0.0),
    ),
    *(
        CheckCase(
            number=f"3{letter}", what=f"eclipse, cylinder, 550 km, beta {beta_deg:g}°",
            source=_CLOSED, unit="min", expected=minutes, tolerance=tolerance_s / 60.0,
            ours=lambda beta_deg=beta_deg: eclipse_s(550.0, beta_deg) / 60.0, digits=3,
        )
        for letter, (beta_deg, minutes, tolerance_s) in zip("abcdef", _SWEEP, strict=True)
    ),
    *(
        CheckCase(
            number=f"4{letter}", what=f"no eclipse above asin(R/a), {altitude_km:g} km",
            source=_CLOSED, unit="°", expected=beta_deg, tolerance=0.02,
            ours=lambda altitude_km=altitude_km: critical_beta_deg(altitude_km), digits=3,
        )
        for letter, altitude_km, beta_deg in (
            ("a", 550.0, 67.016), ("b", 600.0, 66.067), ("c", 650.0, 65.164),
        )
    ),
    CheckCase(
        number="5", what="penumbra at one end, 550 km, beta 0", source=_CLOSED, unit="s",
        expected=8.5, tolerance=0.5, ours=penumbra_s,
    ),
    CheckCase(
        number="6a", what="Sun-synchronous inclination by J2, 550 km", source=_CLOSED, unit="°",
        expected=97.593, tolerance=0.01,
        ours=lambda: sun_synchronous_inclination_deg(550.0), digits=3,
    ),
    _year("b", "least |beta|", "°", 58.97, 0.01,
          lambda: float(abs(dawn_dusk_year().beta_deg).min())),
    _year("c", "greatest |beta|", "°", 88.54, 0.01,
          lambda: float(abs(dawn_dusk_year().beta_deg).max())),
    _year("d", "days with eclipses", "d", 98.5, 2.0, lambda: dawn_dusk_year().eclipse_days, 1),
    _year("e", "longest eclipse", "min", 21.66, 0.25, lambda: dawn_dusk_year().longest_s / 60.0),
    _year("f", "the longest, from the June solstice", "d", 0.0, 3.0, days_from_june_solstice, 1),
    _year("g", "sunlit share", "1", 0.9509, 0.002, lambda: dawn_dusk_year().sunlit_ratio, 4),
)  # fmt: skip
