"""A flight looks for garbage seldom, and leaves the process as it found it."""

import gc
from pathlib import Path

import pytest

from flight import cli
from sim_hw import flight_runner


@pytest.mark.parametrize("has_bug", [False, True])
def test_what_a_flight_sets_for_itself_is_gone_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_bug: bool
) -> None:
    scenario = tmp_path / "x.toml"
    scenario.write_text('title = "Short"\nshows = "Nothing."\n')
    during: list[tuple[int, int]] = []
    shipped = flight_runner.run_simulated

    def fly(*arguments: object, **options: object) -> None:
        during.append((gc.get_threshold()[0], gc.get_freeze_count()))
        shipped(*arguments, **options)  # type: ignore[arg-type]
        if has_bug:
            raise KeyError("bug")

    monkeypatch.setattr(flight_runner, "run_simulated", fly)
    before = gc.get_threshold(), gc.get_freeze_count()
    out = ("--out", str(tmp_path / "flight"))
    exit_code = cli.main(["sim", "--scenario", str(scenario), "--duration", "1s", *out])
    assert exit_code == (3 if has_bug else 0)
    assert during[0][0] == flight_runner.GARBAGE_OBJECTS > before[0][0]
    assert during[0][1] > before[1]
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
