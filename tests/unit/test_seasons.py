"""Eclipse seasons in closed form: against the orbit that the plant flies, and `nightside orbit`."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from flight.cli import main
from sim_hw.orbit import Orbit, Shadow
from sim_hw.seasons import (
    SunModel,
    design_orbit,
    find_seasons,
    secular_orbit,
    sun_synchronous_inclination_deg,
)
from sim_hw.sun import DAY_S

CBERS2 = Path(__file__).parents[2] / "examples" / "orbits" / "cbers2.tle"
START = datetime(2030, 3, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize("shadow", ["cone", "cylinder"])
@pytest.mark.parametrize(
    ("altitude_km", "beta_deg", "inclination_deg"),
    [(550.0, 0.0, 97.593), (550.0, -40.0, 97.593), (550.0, 66.5, 97.593), (1400.0, 20.0, 51.6),
     (400.0, 10.0, 28.5), (35_786.0, 1.0, 5.0)],
)  # fmt: skip
def test_the_eclipses_are_those_of_the_orbit_that_the_plant_flies(
    altitude_km: float, beta_deg: float, inclination_deg: float, shadow: Shadow
) -> None:
    orbit = Orbit.circular(altitude_km, beta_deg, inclination_deg=inclination_deg, shadow=shadow)
    found = find_seasons(secular_orbit(orbit), days=2.0, shadow=shadow)
    flown = np.array(orbit.eclipses(0.0, 2.0 * DAY_S))
    assert len(flown) == found.entry_s.size > 0
    assert np.abs(flown[:, 0] - found.entry_s).max() < 0.05
    assert np.abs(flown[:, 1] - found.exit_s).max() < 0.05
    assert found.beta_deg[0] == pytest.approx(orbit.beta_deg(float(found.time_s[0])), abs=0.01)


def test_umbra_eclipse_and_penumbra_are_nested_and_half_a_penumbra_apart() -> None:
    orbit = Orbit.circular(550.0, 0.0)
    found = find_seasons(secular_orbit(orbit), days=1.0)
    each_end_s = 0.5 * (found.penumbra_s - found.umbra_s)
    assert each_end_s == pytest.approx(np.full(each_end_s.size, 8.5), abs=0.5)  # check case 5
    assert 0.5 * (found.umbra_s + found.penumbra_s) == pytest.approx(found.eclipse_s, abs=0.1)


def test_the_sunlit_share_is_that_of_the_plant() -> None:
    orbit = Orbit.circular(600.0, 50.0)
    found = find_seasons(secular_orbit(orbit), days=1.0)
    lit = [orbit.sunlight_ratio(float(second)) for second in range(5, 86_400, 10)]
    assert found.sunlit_ratio == pytest.approx(float(np.mean(lit)), abs=1e-3)


@pytest.mark.parametrize(
    ("altitude_km", "inclination_deg", "days", "longest_min"),
    [(550.0, 97.593, 98.5, 21.66), (600.0, 97.788, 93.0, 20.69), (650.0, 97.986, 88.5, 19.72),
     (1400.0, 101.427, 0.0, 0.0)],
)  # fmt: skip
def test_a_dawn_dusk_year_has_one_season_and_none_at_1400_km(
    altitude_km: float, inclination_deg: float, days: float, longest_min: float
) -> None:
    assert sun_synchronous_inclination_deg(altitude_km) == pytest.approx(inclination_deg, abs=0.01)
    orbit = design_orbit(altitude_km, inclination_deg=None, ltan_h=18.0, start_utc=START)
    found = find_seasons(orbit, shadow="cylinder", sun="circular")
    assert found.eclipse_days == pytest.approx(days, abs=2.0)
    assert found.longest_s / 60.0 == pytest.approx(longest_min, abs=0.25)
    assert len(found.seasons()) == (1 if days else 0)


def test_dawn_has_its_season_at_the_other_solstice() -> None:
    orbit = design_orbit(550.0, inclination_deg=None, ltan_h=6.0, start_utc=START)
    (season,) = find_seasons(orbit).seasons()
    day = season.longest_at_s / DAY_S
    assert day == pytest.approx((datetime(2030, 12, 21, tzinfo=UTC) - START).days, abs=3.0)


@pytest.mark.parametrize("sun", ["apparent", "circular"])
def test_the_two_suns_agree_within_the_equation_of_the_centre(sun: SunModel) -> None:
    orbit = design_orbit(550.0, inclination_deg=90.0, ltan_h=12.0, start_utc=START)
    found = find_seasons(orbit, sun=sun)
    other = find_seasons(orbit, sun="apparent")
    assert np.abs(found.beta_deg - other.beta_deg).max() < 2.0


def test_a_season_cut_by_the_ends_of_the_span_is_told_in_two() -> None:
    start = datetime(2030, 6, 21, tzinfo=UTC)
    orbit = design_orbit(550.0, inclination_deg=None, ltan_h=18.0, start_utc=start)
    first, last = find_seasons(orbit).seasons()
    assert first.begin_s < orbit.period_s
    assert last.end_s > find_seasons(orbit).span_s - orbit.period_s


def test_elements_far_from_their_epoch_are_started_where_they_are_asked_for() -> None:
    later = datetime(2006, 7, 6, tzinfo=UTC)
    orbit = Orbit.from_tle(CBERS2, later)
    found = find_seasons(secular_orbit(orbit), days=1.0)
    flown = np.array(orbit.eclipses(0.0, DAY_S))
    assert len(flown) == found.entry_s.size
    assert np.abs(flown[:, 0] - found.entry_s).max() < 10.0  # waves of J2, ten days of drag


# ---- the command ----


def printed(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(["orbit", *argv]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(["orbit", *argv]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_the_command_tells_the_orbit_of_ref1_without_arguments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = printed(capsys)
    assert "circular 550 km, beta 0 deg" in out
    assert "period     5738.99 s" in out
    assert "penumbra 8.5 s at each end" in out
    assert "anomaly    11.9 passes a day, 10.2 % of the time, longest 13.45 min" in out
    assert "sink       181 to 192 K, radiator edge-on" in out


def test_the_command_tells_a_dawn_dusk_orbit(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "--altitude", "600", "--inclination", "sso", "--ltan", "18:00")
    assert "Sun-synchronous 600 km, 97.788 deg, node at 18:00" in out
    assert "season   2030-05-04 to 2030-08-08" in out
    assert "longest    20.69 min on 2030-06-21" in out


def test_several_altitudes_make_a_table_and_a_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, begin in (("year.png", b"\x89PNG"), ("year.svg", b"<?xml")):
        picture = tmp_path / name
        out = printed(capsys, "--altitude", "550", "1400", "--out", str(picture))
        assert len(out.splitlines()) == 5
        assert picture.read_bytes().startswith(begin)


def test_json_holds_the_values(capsys: pytest.CaptureFixture[str]) -> None:
    (one,) = json.loads(printed(capsys, "--orbit", str(CBERS2), "--days", "30", "--json"))
    assert one["eclipse_count"] == pytest.approx(30 * 14.35, abs=3)
    assert one["seasons"][0]["eclipse_s_max"] == one["eclipse_s_max"]
    assert math.isclose(one["beta_deg_critical"], 63.15, abs_tol=0.1)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--ltan", "18:00"], "--ltan goes with --altitude, which is not given"),
        (["--inclination", "98"], "--inclination goes with --altitude, which is not given"),
        (["--start", "2030-03-20"], "--start goes with --altitude or --orbit"),
        (["--altitude", "600", "--orbit", "x.tle"], "--orbit and --altitude each name an orbit"),
        (["--altitude", "100"], "altitude 100 km: give 200 to 40000"),
        (["--altitude", "nan"], "altitude nan km: give 200 to 40000"),
        (["--altitude", "7000"], "no inclination is Sun-synchronous above 5974 km"),
        (["--altitude", "600", "--inclination", "200"], "inclination 200 deg: give 0 to 180"),
        (["--altitude", "600", "--inclination", "polar"], "'polar' is neither a number nor sso"),
        (["--altitude", "600", "--ltan", "6pm"], "'6pm' is not a time such as 18:00"),
        (["--altitude", "600", "--ltan", "24:00"], "24:00 is outside 00:00 to 23:59"),
        (["--altitude", "600", "--start", "soon"], "'soon' is not a date such as 2030-03-20"),
        (["--altitude", "600", "--start", "1066-10-14"], "1066-10-14 is outside 1957 to 2100"),
        (["--days", "many"], "'many' is not a number of days"),
        (["--days", "0"], "0 is outside 1 to 3660"),
        (["--days", "nan"], "nan is outside 1 to 3660"),
        (["--out", "year.pdf"], "--out year.pdf: ends in none of .png, .svg"),
        (["--out", "no/such/folder/year.png"], "there is no folder no/such/folder"),
        (["--altitude", "550km"], "'550km' is not a number of kilometres"),
        (["--orbit", "missing.tle"], "missing.tle: cannot be read (No such file or directory)"),
        (["missing.toml"], "missing.toml: no such config file"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_mend(
    argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["orbit", *argv]) == 2
    assert told in capsys.readouterr().err


def test_an_eccentric_orbit_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    name, line1, line2 = CBERS2.read_text(encoding="ascii").splitlines()
    line2 = line2.replace(" 0000884 ", " 7200000 ")[:-1]
    digits = sum(int(c) for c in line2 if c.isdigit()) + line2.count("-")
    path = tmp_path / "molniya.tle"
    path.write_text(f"{name}\n{line1}\n{line2}{digits % 10}\n", encoding="ascii")
    error = refused(capsys, "--orbit", str(path))
    assert "eccentricity 0.72" in error or "cannot be flown" in error
