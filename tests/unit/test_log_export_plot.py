"""`nightside log`, `export` and `plot`, on one minute of the default flight."""

import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from flight import cli
from flight.channels_chosen import read_samples
from flight.core.types import Event, Severity
from flight.event_list import EventFilter, follow
from flight.services.recorder import Recorder
from flight.services.recording import RecordingReader
from flight.times import parse_bounds
from sim_hw.fly import FlightRequest, fly
from tests.unit.test_recorder import INFO, record
from tests.unit.test_recorder import flight as flight_of_noise

CONFIG = Path(__file__).parents[2] / "examples" / "configs" / "ref1.toml"


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flight")
    assert fly(FlightRequest(config_path=CONFIG, duration="40s", out=folder, as_json=True)) == 0
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> list[str]:
    assert cli.main([str(a) for a in arguments]) == cli.EXIT_OK
    return capsys.readouterr().out.splitlines()


def test_the_log_holds_every_event_of_the_flight(flight, capsys) -> None:
    written = (flight / "events.jsonl").read_text().splitlines()
    lines = said(capsys, "log", flight, "--severity", "debug", "--json")
    assert [json.loads(line)["id"] for line in lines] == [json.loads(w)["id"] for w in written]
    text = said(capsys, "log", flight, "--severity", "debug")
    assert len(text) == len(written) + 1 and "run 1" in text[0]
    for line, event in zip(text[1:], map(json.loads, written), strict=True):
        assert line.endswith(f" {event['text']}".rstrip()), "what is said stays whole"


def test_a_span_may_be_one_instant() -> None:
    assert parse_bounds("10s", "10s") == (10_000_000_000, 10_000_000_000)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--id", "mode.*"], lambda e: e["id"].startswith("mode.")),
        (["--subject", "accel3"], lambda e: e["subject"] == "accel3"),
        (["--severity", "warning"], lambda e: e["severity"] in ("WARNING", "CRITICAL")),
        (["--from", "2s", "--to", "4s"], lambda e: 2.0 <= e["t_s"] <= 4.0),
    ],
)
def test_the_log_is_filtered(flight, capsys, options, wanted) -> None:
    every = [json.loads(line) for line in said(capsys, "log", flight, "--json")]
    some = [json.loads(line) for line in said(capsys, "log", flight, "--json", *options)]
    assert some == [event for event in every if wanted(event)]


def test_following_tells_each_event_once_and_goes_on_with_the_next_run(tmp_path: Path) -> None:
    path, lines = tmp_path / "r.db", []
    recorder = Recorder(path, INFO)

    def event(number: int) -> Event:
        return Event(number, f"e.{number}", Severity.INFO, "node", "")

    recorder.note(event(1))
    recorder.flush()
    naps = 0

    def nap(_seconds: float) -> None:
        nonlocal naps, recorder
        naps += 1
        if naps == 2:
            recorder.close()
            recorder = Recorder(path, INFO)
        recorder.note(event(10 + naps))
        recorder.flush()

    follow(
        path, EventFilter(), as_json=True, write=lines.append, sleep=nap, is_over=lambda: naps == 3
    )
    recorder.close()
    assert [json.loads(line)["id"] for line in lines] == ["e.1", "e.11", "e.12", "e.13"]
    assert [json.loads(line)["run"] for line in lines] == [1, 1, 2, 2]


def truth(flight: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Times and values as the reader gives them cycle by cycle; NaN where the reading failed."""
    with RecordingReader(flight / "recording.db") as reader:
        i = reader.index(name)
        rows = [
            (c.inputs.now_ns, c.inputs.snapshot.values[i], c.inputs.snapshot.status[i])
            for c in reader.rows()
        ]
    times, values, status = (np.array(column) for column in zip(*rows, strict=True))
    return times, np.where(status == 0, values, np.nan)


@pytest.mark.parametrize("kind", ["csv", "npz", "parquet"])
def test_an_export_gives_back_what_was_recorded(flight, tmp_path, capsys, kind) -> None:
    out, name = tmp_path / f"x.{kind}", "accel0.core_temp_c"
    said(capsys, "export", flight, "--channels", "accel0.*", "--format", kind, "--out", out)
    times, values = truth(flight, name)
    assert np.isnan(values).any() and not np.isnan(values).all()
    if kind == "csv":
        rows = list(csv.DictReader(out.read_text().splitlines()))
        read_times = np.array([round(float(row["t_s"]) * 1e9) for row in rows])
        read = np.array([float(row[name]) for row in rows])
    elif kind == "npz":
        with np.load(out) as arrays:
            read_times, read = arrays["t_ns"], arrays[name]
    else:
        from pyarrow import parquet

        table = parquet.read_table(out)
        read_times, read = table["t_ns"].to_numpy(), table[name].to_numpy()
        assert table.schema.field(name).metadata == {b"unit": b"degC"}
    np.testing.assert_array_equal(read_times, times)
    np.testing.assert_array_equal(read, values)
    assert [path.name for path in tmp_path.iterdir()] == [out.name], "no half file is left"


def test_a_failed_reading_is_nan_and_not_the_value_before(tmp_path: Path) -> None:
    flown = flight_of_noise(60)  # one reading in twenty fails and keeps a value
    record(tmp_path / "r.db", flown)
    with RecordingReader(tmp_path / "r.db") as reader:
        samples = read_samples(reader, ("p7", "p9"), parse_bounds(None, None), 0)
    status = np.array([cycle.inputs.snapshot.status[[7, 9]] for cycle in flown])
    assert (status != 0).any()
    np.testing.assert_array_equal(np.isnan(samples.values), status != 0)


def test_an_interval_takes_the_first_cycle_of_each(flight, tmp_path, capsys) -> None:
    out = tmp_path / "x.npz"
    said(
        capsys, "export", flight, "--channels", "loop.flow_kg_per_s", "--format", "npz",
        "--out", out, "--every", "2s", "--from", "10s", "--to", "30s",
    )  # fmt: skip
    with np.load(out) as arrays:
        assert arrays["t_ns"].tolist() == [k * 2_000_000_000 for k in range(5, 16)]


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_plot_is_a_picture_with_units_channels_and_modes(
    flight, tmp_path, capsys, suffix
) -> None:
    out = tmp_path / f"x.{suffix}"
    channels = ["accel?.core_temp_c", "loop.pump_a.speed_rpm"]
    said(capsys, "plot", flight, "--channels", *channels, "--out", out)
    data = out.read_bytes()
    if suffix == "png":
        assert data.startswith(b"\x89PNG") and len(data) > 20_000
        return
    words = set(re.findall(r"<!-- (.+?) -->", data.decode()))
    assert {"rpm", "°C", "accel3.core_temp_c", "loop.pump_a.speed_rpm", "NOMINAL"} <= words
    assert "time in the flight / s" in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["log", "--severity", "warnin"], ("--severity 'warnin': is none of debug, info, warning, "
         "critical; did you mean 'warning'?")),
        (["log", "--from", "soon"], "--from 'soon': is not a duration"),
        (["log", "--run", "3"], "holds no run 3; it holds 1"),
        (["plot", "--channels", "accl3.core_temp_c", "--out", "x.png"],
         "--channels 'accl3.core_temp_c': no such channel; did you mean 'accel3.core_temp_c'?"),
        (["plot", "--channels", "accel3.*", "--out", "x.gif"],
         "--out x.gif: ends in none of .png, .svg"),
        (["export", "--channels", "accel3.*", "--format", "csv", "--out", "no/such/x.csv"],
         "--out no/such/x.csv: cannot be written: No such file or directory"),
        (["export", "--channels", "accel3.*", "--format", "csv", "--out", "x", "--every", "10ms"],
         "--every '10ms': unknown unit 'ms'"),
        (["export", "--channels", "accel3.*", "--format", "csv", "--out", "x", "--every", "0.01s"],
         "--every '0.01s': a cycle takes 0.1 s, write no less"),
        (["export", "--channels", "accel3.*", "--format", "csv", "--out", "x", "--from", "3h"],
         "the recording holds 0 s to 40 s, nothing of that"),
    ],
)  # fmt: skip
def test_bad_input_is_named(flight, capsys, arguments, message) -> None:
    command, *options = arguments
    assert cli.main([command, str(flight), *options]) == cli.EXIT_BAD_INPUT
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("missing", "arguments", "message"),
    [
        ("pyarrow", ["export", "--format", "parquet", "--out", "x"],
         "pip install 'nightside[parquet]', or take csv or npz"),
        ("matplotlib.figure", ["plot", "--out", "x.png"], "pip install 'nightside[plot]'"),
    ],
)  # fmt: skip
def test_a_missing_library_is_named(
    flight, capsys, monkeypatch, missing, arguments, message
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    command, *options = arguments
    code = cli.main([command, str(flight), "--channels", "accel3.*", *options])
    assert code == cli.EXIT_BAD_INPUT
    assert message in capsys.readouterr().err


def test_a_folder_that_is_misspelt_is_told_the_nearest(flight, capsys) -> None:
    wrong = flight.with_name(flight.name + "x")
    assert cli.main(["log", str(wrong)]) == cli.EXIT_BAD_INPUT
    assert f"did you mean '{flight.name}'?" in capsys.readouterr().err
