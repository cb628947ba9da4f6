"""The progress line of days: how far, how fast, how long still; never wider than a terminal."""

import io

import pytest

from sim_hw.progress import FlightView, Progress, left_text

DAY_S = 86_400.0
S = 1_000_000_000
VIEW = FlightView(
    orbit_phase=0.5, is_sunlit=False, mode="SURVIVAL", core_temp_c=81.26, draw_w=5600.0,
    charge_ratio=1.0,
)  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self):
        return True


def lines_of(stream, duration_s, speed):
    """Fly at so many simulated seconds per second of wall time; return what was drawn."""
    wall_s = 0.0
    progress = Progress(
        duration_s=duration_s, view=lambda: VIEW, stream=stream, clock_s=lambda: wall_s
    )
    for step in range(1, 64 * 1000 + 1):
        now_s = duration_s * step / 64_000
        wall_s = now_s / speed
        progress.step(round(now_s * S))
    progress.finish()
    return [line.rstrip() for line in stream.getvalue().replace("\n", "\r").split("\r")]


def test_days_are_counted_with_speed_and_time_left():
    lines = lines_of(Terminal(), 3.0 * DAY_S, 600.0)
    assert "1.50 of 3 d  eclipse  SURVIVAL  81.3 °C  5.60 kW  100%  600x  4 min left" in lines


@pytest.mark.parametrize("days", [1.0, 2.5, 30.0, 399.75])
def test_the_line_of_a_long_flight_fits_a_terminal(days):
    for speed in (1.0, 600.0, 50_000.0):
        assert max(map(len, lines_of(Terminal(), days * DAY_S, speed))) <= 80


def test_days_without_a_terminal_are_nine_lines():
    lines = lines_of(io.StringIO(), 2.0 * DAY_S, 600.0)
    assert len(lines) == 10 and lines[-1] == ""
    assert lines[0].startswith("0.20 of 2 d") and lines[0].endswith("600x  4 min left")


@pytest.mark.parametrize(
    ("done", "wall_s", "text"),
    [
        (0.0, 10.0, ""),
        (0.5, 80.0, "80 s left"),
        (0.5, 120.0, "2 min left"),
        (0.25, 7200.0, "6.0 h left"),
        (0.25, 72_000.0, "2.5 d left"),
        (1.0, 7200.0, "0 s left"),
    ],
)
def test_the_time_left_is_in_the_unit_that_fits(done, wall_s, text):
    assert left_text(done, wall_s) == text
