"""kill -9 at random times: `python -m benchmarks.restarts --trials 100 --seed 1`.

Each trial has a folder, and so a restart budget, of its own. `nightside run` is killed at a random
time while parameters are changed and parts fall silent; what it left is looked at; it is started
again and ended in order; now and then once more, to see that the ordered end was understood. `make
verify` asserts its rows.
"""

import argparse
import itertools
import json
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.processes import compiled_environment
from benchmarks.table import Row, report
from flight.examples import default_config_path
from flight.services.recording import RecordingReader
from flight.services.slot_file import SlotFile
from flight.services.stored_state import RunPhase, StoredState, decode

CONTROL_S_MAX = 2.0  # DESIGN: time to control without a hot spare
KILL_AFTER_S = (0.05, 3.5)  # from the first instructions of Python to accelerators that start
PATIENCE_S = 30.0  # a hang, not a measure
THIRD_EVERY = 5  # trials, of which one has a third start
KEY = "guard.setpoint_c"
ROUNDS = 40  # of three commands each, ten rounds per second
LOW_C, STEP_C = 79.0, 0.01
SILENT_PARTS = ("host_12v", "host_5v", "host_3v3", "host_1v8")  # each leaves evidence

_HEAD = """\
title = "Parameters change and parts fall silent"
shows = "Work for the store and the recorder while the daemon is killed."
"""
_ACTION = """
[[action]]
at = "{time_ms} ms"
do = "{do}"
parameters = {{ {parameters} }}
"""
_FAULT = """
[[fault]]
id = "{name}"
at = "{time_ms} ms"
name = "i2c_nack"
target = "{name}"
"""


@dataclass(kw_only=True)
class Trials:
    """What all trials found. wrong: one line per thing that is not as it must be."""

    seed: int
    control_s: list[float] = field(default_factory=list)
    acknowledged: int = 0
    evidence: int = 0
    early: int = 0  # killed before the store existed
    wrong: list[str] = field(default_factory=list)


def scenario_text() -> str:
    """Return the scenario: set, activate, confirm, ten times a second, each value above the last;
    and parts that fall silent meanwhile.
    """
    text = [_HEAD]
    for k in range(ROUNDS):
        value = f'key = "{KEY}", value = {setpoint_c(k):.2f}'
        steps = ("set_parameter", value), ("activate_parameters", "confirm_s = 60.0")
        for do, parameters in (*steps, ("confirm_parameters", "")):
            text.append(_ACTION.format(time_ms=100 * (k + 1), do=do, parameters=parameters))
    for k, name in enumerate(SILENT_PARTS):
        text.append(_FAULT.format(time_ms=203 + 500 * k, name=name))
    return "".join(text)


def setpoint_c(round_index: int) -> float:
    """Return the value of a round."""
    return round(LOW_C + STEP_C * round_index, 2)


def fly_trials(count: int, seed: int) -> Trials:
    """Run the trials."""
    trials, rng = Trials(seed=seed), random.Random(seed)
    for index in range(count):
        with tempfile.TemporaryDirectory() as folder:
            trial = _Trial(Path(folder), trials, f"seed {seed} trial {index}")
            trial.fly(rng.uniform(*KILL_AFTER_S), has_third=index % THIRD_EVERY == 0)
    return trials


class _Trial:
    """One trial in one folder."""

    def __init__(self, folder: Path, trials: Trials, name: str) -> None:
        self._folder = folder
        self._out = folder / "run"
        self._trials = trials
        self._name = name
        self._lives = 0
        self._scenario = folder / "scenario.toml"
        self._scenario.write_text(scenario_text(), encoding="utf-8")

    def fly(self, kill_after_s: float, *, has_third: bool) -> None:
        """Kill one life, look, live another one to its ordered end, look again."""
        self._name += f" killed after {kill_after_s:.3f} s"
        answered = self._killed_life(kill_after_s)
        self._trials.acknowledged += len(answered)
        state = self._stored("after the kill")
        if state is None:
            self._expect(not answered, "commands were acknowledged and there is no store")
            self._trials.early += 1
            state = StoredState()
        self._expect_kept(answered, state, "after the kill")
        self._look_into_recording("after the kill")
        self._next_life(was_planned=state.run_phase is RunPhase.ENDED, by=signal.SIGTERM)
        ended = self._stored("after the ordered end")
        if ended is None:
            self._expect(False, "no store after an ordered end")
            return
        self._expect(ended.run_phase is RunPhase.ENDED, f"ended, but stored as {ended.run_phase}")
        self._expect(ended.run_count == state.run_count + 1, "a run was not counted")
        self._expect_kept(answered, ended, "after the ordered end")
        self._look_into_recording("after the ordered end")
        if has_third:
            self._next_life(was_planned=True, by=signal.SIGKILL)

    def _start(self, *arguments: str | Path) -> "subprocess.Popen[bytes]":
        self._lives += 1
        command = [sys.executable, "-m", "flight", "run", str(default_config_path())]
        command += ["--out", str(self._out), *map(str, arguments)]
        with self._log().open("wb") as log:
            return subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=log, env=compiled_environment()
            )

    def _killed_life(self, kill_after_s: float) -> list[tuple[str, int]]:
        """Return the name and the round of each command that was answered with good."""
        with self._start("--scenario", self._scenario) as process:
            try:
                process.wait(kill_after_s)
                self._expect(False, f"ended by itself: {self._log().read_text()[-500:]}")
            except subprocess.TimeoutExpired:
                process.kill()
        return list(answers(self._log().read_text(encoding="utf-8")))

    def _next_life(self, *, was_planned: bool, by: signal.Signals) -> None:
        with self._start() as process:
            try:
                start = self._control(process)
                if start is None:
                    self._expect(False, f"no control: {self._log().read_text()[-500:]}")
                    return
                self._trials.control_s.append(float(start["control_after_s"]))
                said = start["was_planned"]
                self._expect(said == was_planned, f"planned is {said}, not {was_planned}")
                process.send_signal(by)
                exit_code = process.wait(PATIENCE_S)
                wanted = 0 if by is signal.SIGTERM else -by
                self._expect(exit_code == wanted, f"exit code {exit_code} after {by.name}")
            finally:
                process.kill()

    def _control(self, process: "subprocess.Popen[bytes]") -> dict[str, Any] | None:
        """Wait until a status of this process says that a cycle has acted."""
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s and process.poll() is None:
            time.sleep(0.02)
            try:
                status = json.loads((self._out / "status.json").read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue
            start: dict[str, Any] = status["start"]
            if status["pid"] == process.pid and start["control_after_s"] is not None:
                return start
        return None

    def _log(self) -> Path:
        return self._folder / f"log{self._lives}"

    def _stored(self, when: str) -> StoredState | None:
        """Return the newest state on the disk, None when there has not been any."""
        path = self._out / "store.bin"
        if not path.exists():
            return None
        slots = SlotFile(path).load().slots
        if not slots:
            self._expect(False, f"no complete slot {when}")
            return None
        return decode(slots[0].schema, slots[0].body)

    def _expect_kept(
        self, answered: Iterable[tuple[str, int]], state: StoredState, when: str
    ) -> None:
        for command, round_index in answered:
            lost = lost_of(command, round_index, state, is_restarted="end" in when)
            self._expect(not lost, f"{lost} {when}")

    def _look_into_recording(self, when: str) -> None:
        path = self._out / "recording.db"
        if not path.exists():
            return
        database = sqlite3.connect(path)
        try:
            word = database.execute("PRAGMA integrity_check").fetchone()[0]
            has_runs = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 1
        finally:
            database.close()
        self._expect(word == "ok", f"recording {when}: {word}")
        if not has_runs:
            return
        try:
            with RecordingReader(path) as reader:
                runs = [entry.run for entry in reader.runs()]
        except (ValueError, LookupError) as error:  # killed before its first run was written
            self._expect(self._lives == 1, f"recording {when}: {error}")
            return
        for run in runs:
            self._look_into_run(path, run, when)

    def _look_into_run(self, path: Path, run: int, when: str) -> None:
        with RecordingReader(path, run) as reader:
            times_ns = [event.time_ns for _, event in reader.events_after(0)]
            records = reader.evidence()
            for _cycle in reader.rows():
                pass  # it decodes, to the end
        in_order = all(a <= b for a, b in itertools.pairwise(times_ns))
        self._expect(in_order, f"events of run {run} are out of order {when}")
        by_driver: dict[str, list[int]] = {}
        for record in records:
            by_driver.setdefault(record["driver"], []).append(record["sequence"])
        for driver, found in by_driver.items():
            whole = list(range(found[0], found[0] + len(found)))
            self._expect(found == whole, f"evidence of {driver} has holes {when}: {found}")
        if "kill" in when:
            self._trials.evidence += len(records)

    def _expect(self, holds: bool, text: str) -> None:
        if not holds:
            self._trials.wrong.append(f"{self._name}: {text}")


def answers(log: str) -> Iterable[tuple[str, int]]:
    """Yield name and round of each command that a log says was done; the last line may be cut."""
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry.get("event") == "command.done":
            name, _, number = entry["subject"].rpartition("-")
            yield name, (int(number) - 1) // 3


def lost_of(command: str, round_index: int, state: StoredState, *, is_restarted: bool) -> str:
    """Return what of an acknowledged command is not in a state, "" when nothing was lost.

    Args:
        is_restarted: A restart lies between: it takes back what was not confirmed.
    """
    parameters, wanted_c = state.parameters, setpoint_c(round_index)
    kept = parameters.active if parameters.before is None else parameters.before
    places = {"confirm_parameters": [kept]}
    if not is_restarted:
        places["activate_parameters"] = [parameters.active]
        places["set_parameter"] = [parameters.active, parameters.staged]
    if command not in places:
        return ""
    found_c = [float(values.get(KEY, 0.0)) for values in places[command]]
    if max(found_c) >= wanted_c:
        return ""
    return f"{command} of round {round_index} ({wanted_c}) was acknowledged and is lost: {found_c}"


def rows(trials: Trials) -> list[Row]:
    """Return the trials against their budgets."""
    control_s = trials.control_s or [float("inf")]
    return [
        Row(name="starts", value=len(trials.control_s), unit=f"after kill -9, seed {trials.seed}"),
        Row(name="wrong", value=len(trials.wrong), unit="things not as they must be", budget=0.0),
        Row(name="acknowledged", value=trials.acknowledged, unit="commands before the kills"),
        Row(name="evidence", value=trials.evidence, unit="records before the kills"),
        Row(name="early", value=trials.early, unit="kills before there was a store"),
        Row(name="control_s_min", value=min(control_s), unit="s, process start to first act"),
        Row(
            name="control_s_median",
            value=statistics.median(control_s),
            unit="s",
            budget=CONTROL_S_MAX,
            goal=CONTROL_S_MAX / 2.0,
        ),
        Row(name="control_s_max", value=max(control_s), unit="s"),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write build/bench/restarts.json; return 1 when a budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=25, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    options = parser.parse_args(arguments)
    print(f"{options.trials} trials, seed {options.seed}")
    trials = fly_trials(options.trials, options.seed)
    is_good = report("restarts", "Restarts after kill -9", rows(trials))
    for line in trials.wrong:
        print(line)
    return 0 if is_good else 1


if __name__ == "__main__":
    raise SystemExit(main())
