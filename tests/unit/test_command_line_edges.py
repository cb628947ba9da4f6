"""The command line where its surroundings fail: pipes, full disks, damaged files, used folders."""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flight import __main__ as program
from flight import cli
from flight.examples import default_config_path
from flight.output import output_error
from flight.secret import Secret
from flight.services.folder_lock import only_daemon_in
from flight.services.recording import RecordingReader
from sim_hw.fly import FlightRequest, fly
from tests.system.flying import refused

PAGES = (
    ["log"],
    ["faults"],
    ["dictionary"],
    ["top", "--once", "--recording"],
    ["top", "--json", "--recording"],
    ["explain", "--at", "1s"],
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a flight of 3 s in flights/run."""
    base = tmp_path_factory.mktemp("edges")
    out = base / "flights" / "run"
    fly(FlightRequest(config_path=default_config_path(), duration="3s", out=out, as_json=True))
    return base


@pytest.fixture(autouse=True)
def _in_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def nightside(*words: str, stdout: int) -> tuple[int, str]:
    """Run the command line as a process of its own; return its exit code and what it complains."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "flight", *words]
    ended = subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment, check=False
    )
    return ended.returncode, ended.stderr


@contextlib.contextmanager
def closed_pipe() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_a_reader_that_has_seen_enough_is_no_error(words: list[str]) -> None:
    with closed_pipe() as stdout:
        assert nightside(*words, stdout=stdout) == (0, "")


@pytest.mark.parametrize("words", [["log"], ["faults"]], ids=str)
def test_a_full_disk_is_told_as_one(words: list[str]) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        assert nightside(*words, stdout=full) == (
            2,
            "nightside: the output: cannot be written: No space left on device\n",
        )
    finally:
        os.close(full)


def test_only_the_disk_is_an_operators_affair() -> None:
    assert output_error(OSError(9, "Bad file descriptor")) is None  # that is a bug of ours


READERS = (
    ["log"],
    ["explain", "--at", "1s"],
    ["top", "--once"],
    ["export", "--channels", "accel0*", "--format", "csv", "--out", "a.csv"],
    ["plot", "--channels", "accel0.*", "--out", "a.svg"],
    ["replay"],
)


@pytest.mark.parametrize("words", READERS, ids=lambda words: words[0])
def test_a_damaged_recording_is_never_a_bug_of_ours(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    good = Path("flights/run/recording.db").read_bytes()
    rng, told = random.Random(f"seed {words[0]}"), 0
    for trial in range(12):
        damaged = bytearray(good)
        for _ in range(rng.choice((1, 20, 200))):
            damaged[rng.randrange(4096, len(good))] ^= 1 << rng.randrange(8)
        if trial % 4 == 3:
            del damaged[rng.randrange(len(good)) :]
        Path("damaged.db").write_bytes(damaged)
        code = cli.main([words[0], "damaged.db", *words[1:]])
        complaint = capsys.readouterr().err
        assert code in (0, 1, 2), f"trial {trial}: {complaint}"
        if code == 2:
            told += 1
            lines = complaint.splitlines()
            assert all(line.startswith("nightside: damaged.db") for line in lines), complaint
            assert complaint.count("damaged.db") == len(lines), "the path once in each line"
    assert told > 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not a recording: no such table: meta"),
        (b"no database" * 1000, "is not a recording: file is not a database"),
    ],
)
@pytest.mark.parametrize("words", READERS, ids=lambda words: words[0])
def test_what_is_no_recording_is_said_once(
    words: list[str], content: bytes, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("other.db").write_bytes(content)
    assert refused(capsys, words[0], "other.db", *words[1:]) == [f"other.db {says}"]


def test_reading_leaves_a_recording_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree("flights/run", "copy")
    before = Path("copy/recording.db").read_bytes()
    for words in READERS:
        cli.main([words[0], "copy/recording.db", *words[1:]])
    capsys.readouterr()
    assert Path("copy/recording.db").read_bytes() == before


def test_a_recording_is_read_by_who_may_not_write_beside_it() -> None:
    """An operator reads the recording of the service's user, or one on a read-only disk."""
    with tempfile.TemporaryDirectory() as name:
        kept = Path(name) / "recording.db"
        shutil.copy("flights/run/recording.db", kept)
        kept.chmod(0o444)
        Path(name).chmod(0o555)
        child = os.fork()
        if child == 0:  # only this way out: nothing of the test runs twice
            try:
                if os.geteuid() == 0:
                    os.setuid(65534)  # nobody
                with RecordingReader(kept) as reader:
                    os._exit(0 if reader.span_s()[1] > 2.0 else 5)
            finally:
                os._exit(4)
        _, status = os.waitpid(child, 0)
        Path(name).chmod(0o755)
    assert os.waitstatus_to_exitcode(status) == 0


def test_ctrl_c_while_modules_load_is_an_end_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    assert program.main() == 130


OUTS = {
    "export_into_a_folder": (
        ["export", "--channels", "accel0*", "--format", "csv", "--out", "."],
        "--out .: is a folder; name a file",
    ),
    "export_nowhere": (
        ["export", "--channels", "accel0*", "--format", "npz", "--out", "no/a.npz"],
        "--out no/a.npz: cannot be written: No such file or directory",
    ),
    "plot_into_a_folder": (
        ["plot", "--channels", "accel0*", "--out", "flights.svg"],
        "--out flights.svg: is a folder; name a file",
    ),
    "plot_nowhere": (
        ["plot", "--channels", "accel0*", "--out", "no/a.png"],
        "--out no/a.png: cannot be written: No such file or directory",
    ),
    "status_of_nothing": (
        ["status", "nowhere"],
        (
            "nowhere: No such file or directory: no daemon writes there; start one with "
            "`nightside run CONFIG --out FOLDER` and name that folder"
        ),
    ),
    "top_of_a_recording_that_is_not_there": (
        ["top", "nowhere", "--recording"],
        "nowhere: holds no recording.db; give the folder of a flight",
    ),
    "top_of_a_run_that_is_not_there": (
        ["top", "--run", "7"],
        "flights/run/recording.db holds no run 7; it holds 1",
    ),
    "faults_of_nothing": (
        ["faults", "--run", "nowhere"],
        "nowhere/status.json: no such file; --run names the folder of a node",
    ),
    "faults_of_no_such_id": (
        ["faults", "--id", "eps.bus28_lo"],
        "--id eps.bus28_lo: no such fault; did you mean 'eps.bus28_low'?",
    ),
    "explain_before_the_begin": (
        ["explain", "--at", "9h"],
        "flights/run/recording.db: --at '9h': it holds 0 s to 3 s, not 32400 s",
    ),
    "top_from_two_places": (
        ["top", "flights/run", "--link", "node.toml"],
        "--link and a folder: look at one of them at a time",
    ),
}


@pytest.mark.parametrize(("words", "says"), OUTS.values(), ids=OUTS)
def test_what_cannot_be_done_is_said_exactly(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("flights.svg").mkdir(exist_ok=True)
    assert refused(capsys, *words) == [says]


@pytest.mark.parametrize("command", ["run", "sim"])
def test_the_folder_of_a_running_daemon_is_left_to_it(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "store.bin"
    kept.write_bytes(b"state")
    assert cli.main(["init", "held.toml", "--force"]) == 0
    capsys.readouterr()
    with only_daemon_in(tmp_path):
        lines = refused(capsys, command, "held.toml", "--out", str(tmp_path))
    assert lines == [
        f"--out {tmp_path}: another daemon runs in it; stop that one, or give another folder"
    ]
    assert kept.read_bytes() == b"state"


def test_a_secret_shows_neither_in_a_refusal_nor_in_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = Secret("correct-horse")
    for error in (ValueError, cli.OperatorError):

        def fail(_arguments: object, error: type[Exception] = error) -> int:
            raise error(f"the broker refused {secret.reveal()}")

        monkeypatch.setattr("flight.commands.explain._explain", fail)
        assert cli.main(["explain", "--at", "1s"]) in (2, 3)
        complaint = capsys.readouterr().err
        assert "the broker refused (secret)" in complaint and "horse" not in complaint
