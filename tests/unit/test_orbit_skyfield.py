"""The orbit of a real element set against skyfield, an independent implementation.

Same shadow model: a spherical Earth and a point Sun at its true distance. Differences of model,
all far inside the 2 s: skyfield's Earth radius is 6378.1366 km (ours 6378.137); its Sun comes from
DE421, ours from the low-precision formulae of the Astronomical Almanac (0.01 deg, 0.2 s); skyfield
turns SGP4's frame into the GCRS, ours takes it for the mean equator of date (0.005 deg, 0.1 s). An
edge in skyfield is a change of `is_sunlit`; the penumbra around it is a model of ours alone.
"""

import warnings
from pathlib import Path

import numpy as np
import skyfield_data
from numpy.typing import NDArray
from skyfield import api as skyfield_api

from sim_hw.orbit import Orbit

TLE_PATH = Path(__file__).parents[2] / "examples" / "orbits" / "cbers2.tle"
DAY_S = 86_400.0


def skyfield_edges(path: Path) -> list[tuple[float, str]]:
    """Return eclipse edges over one day from the element epoch, to 0.01 s, by skyfield alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the table of UT1 of skyfield-data has an expiry date
        data_path = skyfield_data.get_skyfield_data_path()
    load = skyfield_api.Loader(data_path, expire=False)
    ephemeris = load("de421.bsp")
    timescale = skyfield_api.load.timescale(builtin=True)
    name, line1, line2 = path.read_text(encoding="ascii").splitlines()
    satellite = skyfield_api.EarthSatellite(line1, line2, name, timescale)

    def sunlit(time_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        times = timescale.tt_jd(satellite.epoch.tt + time_s / DAY_S)
        return np.asarray(satellite.at(times).is_sunlit(ephemeris))

    grid_s = np.arange(0.0, DAY_S + 1.0, 30.0)
    lit = sunlit(grid_s)
    at = np.flatnonzero(lit[1:] != lit[:-1])
    low_s, high_s, falls = grid_s[at], grid_s[at + 1], lit[at]
    for _ in range(12):
        middle_s = 0.5 * (low_s + high_s)
        before = sunlit(middle_s) == falls
        low_s, high_s = np.where(before, middle_s, low_s), np.where(before, high_s, middle_s)
    ephemeris.close()
    names = ["eclipse_entry" if fall else "eclipse_exit" for fall in falls]
    return list(zip((0.5 * (low_s + high_s)).tolist(), names, strict=True))


def test_eclipse_edges_of_a_real_element_set_agree_with_skyfield_within_2_s() -> None:
    expected = skyfield_edges(TLE_PATH)
    ours = Orbit.from_tle(TLE_PATH).events(0.0, DAY_S)
    assert [event.name for event in ours] == [name for _, name in expected]
    assert len(ours) >= 28
    worst_s = max(abs(event.time_s - at_s) for event, (at_s, _) in zip(ours, expected, strict=True))
    assert worst_s < 2.0
