"""A flight whose energy does not close has failed, wherever it ends."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from flight import cli
from flight.examples import default_config_path
from flight.report.writing import write_report
from sim_hw import plant as plant_module
from sim_hw.energy import ERROR_RATIO_MAX, EnergyError, EnergyVerdict
from sim_hw.flight_runner import FlightRunner
from sim_hw.fly import FlightRequest, prepare, summarise
from sim_hw.fly_output import prepare_folder
from sim_hw.plant import EnergyLedger, Plant
from sim_hw.runs.fly import exit_code_of
from sim_hw.runs.result import RunsFacts, build_runs
from sim_hw.runs.table import render_runs
from sim_hw.runs.worker import Run, Verdict, fly_run
from tests.system.flying import flight_of, scenario

SHORT = 'title = "Short"\nshows = "A few seconds."\nduration = "5 s"\n'


@pytest.fixture
def leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plant whose ledger misses one part in a hundred of what the loads took."""
    monkeypatch.setattr(plant_module.Plant, "energy", property(_leaking(Plant.energy.fget)))


def _leaking(honest):
    def energy(plant: Plant) -> EnergyLedger:
        ledger = honest(plant)
        found = {name: getattr(ledger, name) for name in ledger.__dataclass_fields__}
        return EnergyLedger(**{**found, "load_j": 1.01 * ledger.load_j})

    return energy


def sim(folder: Path, *options: str) -> int:
    (folder / "short.toml").write_text(SHORT)
    return cli.main(
        ["sim", "--scenario", str(folder / "short.toml"), "--out", str(folder / "out"), *options]
    )


def test_a_flight_that_nobody_judges_fails_when_it_ends(leak) -> None:
    flight = flight_of(scenario(), duration_s=2.0)
    flight.fly(1.0)
    with pytest.raises(EnergyError, match=r"seed 7: energy does not close: electrical 0\.\d+ %"):
        flight.close()
    flight.close()  # a second call does nothing


def test_an_error_of_the_flight_itself_is_told_first(leak) -> None:
    def fly_into_a_bug() -> None:
        with flight_of(scenario(), duration_s=2.0) as flight:
            flight.fly(1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fly_into_a_bug()


def test_a_simulation_tells_it_and_ends_with_1(leak, tmp_path, capsys) -> None:
    assert sim(tmp_path, "--report") == 1
    told = capsys.readouterr().out
    assert "! energy does not close: electrical " in told and "NOT GOOD" in told
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert not summary["ok"] and not summary["energy"]["ok"]
    assert summary["energy"]["electrical_error_ratio"] > ERROR_RATIO_MAX
    page = write_report(tmp_path / "out").read_text()
    assert "NOT GOOD" in page and "the energy of the simulated plant does not close" in page


def test_one_that_closes_says_so_in_its_summary_alone(tmp_path, capsys) -> None:
    assert sim(tmp_path, "--report") == 0
    assert "energy does not close" not in capsys.readouterr().out
    energy = json.loads((tmp_path / "out" / "summary.json").read_text())["energy"]
    assert energy["ok"]
    assert max(energy["electrical_error_ratio"], energy["thermal_error_ratio"]) < 1e-6
    assert "does not close" not in (tmp_path / "out" / "report.html").read_text()


def test_of_many_runs_it_is_a_verdict_of_its_own(leak, tmp_path) -> None:
    (tmp_path / "short.toml").write_text(SHORT)
    request = FlightRequest(
        config_path=default_config_path(), scenario_path=tmp_path / "short.toml"
    )
    run = Run(seed=7, folder=tmp_path / "run-001", request=request)
    outcome = fly_run(run, lambda _flown_s: None)
    assert outcome.verdict is Verdict.IMBALANCE
    assert exit_code_of([Verdict.GOOD, outcome.verdict]) == 1
    facts = RunsFacts(
        title="A test", orbit="circular", flight_s=5.0, first_seed=7, jobs=1, wall_s=1.0,
        is_interrupted=False,
    )  # fmt: skip
    told = render_runs(build_runs(facts, [run], [outcome]))
    assert "! run-001: energy does not close" in told and "1 imbalance" in told


@pytest.mark.parametrize(
    ("ratios", "is_ok"),
    [
        ((0.0, 0.0), True),
        ((ERROR_RATIO_MAX, ERROR_RATIO_MAX), True),
        ((1.1e-3, 0.0), False),
        ((0.0, 1.1e-3), False),
        ((math.nan, 0.0), False),
        ((0.0, math.nan), False),
    ],
)
def test_both_sides_must_close_and_be_numbers(ratios, is_ok) -> None:
    verdict = EnergyVerdict(electrical_error_ratio=ratios[0], thermal_error_ratio=ratios[1])
    assert verdict.ok is is_ok


def test_the_end_of_the_block_is_an_end_as_well(leak) -> None:
    def fly() -> None:
        with flight_of(scenario(), duration_s=2.0) as flight:
            flight.fly(1.0)

    with pytest.raises(EnergyError):
        fly()


def test_what_ctrl_c_cut_in_the_middle_of_a_step_is_not_judged(leak, tmp_path) -> None:
    (tmp_path / "short.toml").write_text(SHORT)
    request = FlightRequest(
        config_path=default_config_path(), scenario_path=tmp_path / "short.toml"
    )
    setup, _ = prepare(request)
    runner = FlightRunner(setup, prepare_folder(tmp_path / "out"))
    with runner.flight:
        flown = runner.fly_virtual()
        whole, cut = (
            summarise(replace(flown, interrupted=is_cut))["energy"] for is_cut in (False, True)
        )
    assert (whole["ok"], cut["ok"]) == (False, True)
    assert cut["electrical_error_ratio"] > ERROR_RATIO_MAX
