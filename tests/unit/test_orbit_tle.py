"""Element sets from a file: what is read, and what is said about a bad file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sim_hw.orbit import Orbit

CBERS2 = Path(__file__).parents[2] / "examples" / "orbits" / "cbers2.tle"
NAME, LINE1, LINE2 = CBERS2.read_text(encoding="ascii").splitlines()


def write(folder: Path, *lines: str) -> Path:
    """Write an element file."""
    path = folder / "orbit.tle"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_time_starts_at_the_element_epoch() -> None:
    orbit = Orbit.from_tle(CBERS2)
    assert abs(orbit.epoch_utc - datetime(2006, 6, 26, 18, 52, 4, 79_712, UTC)).total_seconds() < 1
    assert orbit.period_s == pytest.approx(86_400.0 / 14.35478080, abs=0.1)
    assert "CBERS 2" in orbit.source


def test_a_later_start_shifts_the_same_eclipses() -> None:
    epoch = Orbit.from_tle(CBERS2)
    later = Orbit.from_tle(CBERS2, start_utc=datetime(2006, 6, 27, tzinfo=UTC))
    shift_s = (later.epoch_utc - epoch.epoch_utc).total_seconds()
    expected = epoch.events(shift_s, shift_s + 20_000.0)
    actual = later.events(0.0, 20_000.0)
    assert [event.name for event in actual] == [event.name for event in expected]
    for ours, theirs in zip(actual, expected, strict=True):
        assert ours.time_s == pytest.approx(theirs.time_s - shift_s, abs=0.01)


def test_the_name_line_may_be_missing(tmp_path: Path) -> None:
    orbit = Orbit.from_tle(write(tmp_path, LINE1, LINE2))
    assert orbit.events(0.0, 20_000.0) == Orbit.from_tle(CBERS2).events(0.0, 20_000.0)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["", ""], r"orbit\.tle: empty; give"),
        (["just", "some", "text"], r"orbit\.tle, line 2: not an element set"),
        ([NAME], r"orbit\.tle, line 2: not an element set"),
        ([NAME, LINE1], r"orbit\.tle, line 3: the second element line .* add it"),
        ([NAME, LINE1[:-1] + "7", LINE2], r"line 2: checksum is '7', the line adds up to 6"),
        ([NAME, LINE1, LINE2[:40]], r"line 3: 40 characters, an element line has 69"),
        ([NAME, LINE1, LINE2[:-1] + "x"], r"line 3: checksum is 'x'"),
        ([NAME, LINE1, LINE2, LINE1, LINE2], r"line 4: more than one element set; keep one"),
        ([NAME, LINE1, "2 28058" + LINE2[7:-1] + "1"], r"line 3: satellite 28058, but"),
        (["CBERS é", LINE1, LINE2], r"some bytes are not ASCII"),
    ],
)
def test_a_bad_file_is_refused_with_file_line_and_mend(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Orbit.from_tle(write(tmp_path, *lines))


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.tle: cannot be read .*give a file"):
        Orbit.from_tle(tmp_path / "nowhere.tle")


def with_checksum(line: str) -> str:
    """Return an element line with its last digit made right."""
    digits = sum(int(c) for c in line[:-1] if c.isdigit()) + line[:-1].count("-")
    return f"{line[:-1]}{digits % 10}"


def test_an_element_set_that_decays_is_refused_by_name(tmp_path: Path) -> None:
    low = with_checksum(LINE2.replace("14.35478080", "16.40000000"))  # 160 km
    light = with_checksum(LINE1.replace(" 35940-4", " 35940-1"))
    orbit = write(tmp_path, NAME, light, low)
    with pytest.raises(ValueError, match=r"orbit\.tle: cannot be flown to .* a newer element set"):
        Orbit.from_tle(orbit).eclipses(0.0, 30.0 * 86_400.0)
