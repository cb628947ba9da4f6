"""Eclipses out of a recording, and in a plot."""

from itertools import pairwise

import pytest

from flight.core.types import OrbitForecast
from flight.eclipses import eclipses_of
from flight.plot import plot_samples
from flight.services.recording import NS_PER_S, RecordingReader
from flight.times import parse_bounds
from sim_hw.fly import FlightRequest, fly
from tests.unit.test_log_export_plot import CONFIG

S = NS_PER_S
FORECAST = OrbitForecast(((10 * S, 20 * S), (40 * S, 50 * S)), 100 * S)


class Line:
    """Forecasts by the time they came."""

    def __init__(self, rows):
        self.times_ns = [at_s * S for at_s, _ in rows]
        self._rows = rows

    def at(self, now_ns):
        return next((f for at_s, f in reversed(self._rows) if at_s * S <= now_ns), None)


class Reader:
    """A recording of 100 s with these forecasts."""

    def __init__(self, rows):
        self.inputs = {"orbit": Line(rows)}

    def span_s(self):
        return 0.0, 100.0

    def rares(self, from_ns, to_ns):
        return self


@pytest.mark.parametrize(
    ("rows", "begin", "end", "wanted"),
    [
        ([], None, None, []),
        ([(0, FORECAST)], None, None, [(10, 20), (40, 50)]),
        ([(0, FORECAST)], "15s", "45s", [(15, 20), (40, 45)]),
        ([(15, FORECAST)], None, None, [(15, 20), (40, 50)]),  # not before it was known
        ([(0, FORECAST), (12, FORECAST)], None, None, [(10, 20), (40, 50)]),  # one, not two
        ([(0, FORECAST._replace(valid_until_ns=44 * S))], None, None, [(10, 20), (40, 44)]),
        ([(0, FORECAST), (30, OrbitForecast(((60 * S, 70 * S),), 100 * S))], None, None,
         [(10, 20), (60, 70)]),  # the newer one counts from when it came
    ],
)  # fmt: skip
def test_a_recording_tells_what_was_believed_when(rows, begin, end, wanted):
    found = eclipses_of(Reader(rows), parse_bounds(begin, end))
    assert found == [(a * S, b * S) for a, b in wanted]
    assert all(a < b for a, b in found) and all(x[1] < y[0] for x, y in pairwise(found))


def test_the_belief_of_a_flight_is_recorded_and_shades_its_plot(tmp_path, monkeypatch):
    out = tmp_path / "flight"
    assert fly(FlightRequest(config_path=CONFIG, duration="10s", out=out, as_json=True)) in (0, 1)
    with RecordingReader(out / "recording.db") as reader:
        first_ns, last_ns = eclipses_of(reader, parse_bounds(None, None))[0]
    assert first_ns <= 1 * S and last_ns >= 9 * S  # the flight starts at eclipse entry

    from flight import cli

    drawn = {}
    monkeypatch.setattr(
        "flight.plot.plot_samples",
        lambda *args, **kwargs: drawn.update(kwargs) or plot_samples(*args, **kwargs),
    )
    picture = tmp_path / "x.svg"
    assert cli.main(["plot", str(out), "--channels", "eps.array_power_w", "--out", str(picture)]) \
        == 0  # fmt: skip
    assert drawn["eclipses"] == [(first_ns, last_ns)]
    assert "<!-- eclipse -->" in picture.read_text()
