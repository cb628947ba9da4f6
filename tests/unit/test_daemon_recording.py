"""Which recorder a daemon has: what the configuration says of it holds in either time."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flight.core.points import Point, PointTable
from flight.daemon_place import NoRecorder, Place
from flight.daemon_recording import make_recorder, recording_info
from flight.services.recorder_queue import RecorderBatch, RecorderThread
from flight.services.recording_schema import RecordingInfo
from flight.services.time_source import TimeSource
from tests.system.flying import REF1, config_with

POINTS = PointTable(
    (Point(name="p", unit="W", driver="d", device="x", channel=0, low=0.0, high=1e3),)
)
INFO = RecordingInfo(points=POINTS, accelerators=1, config_text="", config_hash="", seed=0)


def made(folder: Path, is_virtual: bool, **recorder: Any) -> RecorderBatch | RecorderThread:
    place = cast("Place", SimpleNamespace(folder=folder, is_virtual=is_virtual))
    found = make_recorder(config_with(recorder=recorder), INFO, place, lambda: cast("Any", "state"))
    found.close()
    assert not isinstance(found, NoRecorder)
    return found


@pytest.mark.parametrize("is_virtual", [True, False])
def test_quota_and_commits_are_those_of_the_configuration(tmp_path: Path, is_virtual: bool) -> None:
    found = made(tmp_path, is_virtual, quota_mib=77.0, commit_s=0.5)
    assert isinstance(found, RecorderBatch if is_virtual else RecorderThread)
    assert found._recorder._quota_mib == 77.0
    if not is_virtual:  # in virtual time it commits by batches of flight
        assert found._recorder._commit_every_ns == 500_000_000
    assert found._states.state_now() == "state"


def test_without_a_recorder_nothing_is_written(tmp_path: Path) -> None:
    place = cast("Place", SimpleNamespace(folder=tmp_path, is_virtual=False))
    config = config_with(recorder={"enabled": False})
    assert isinstance(make_recorder(config, INFO, place, lambda: cast("Any", None)), NoRecorder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("is_trusted", "is_virtual", "is_told"),
    [(True, False, True), (False, False, False), (False, True, True)],
)
def test_a_start_is_dated_only_by_a_clock_that_is_trusted(
    is_trusted: bool, is_virtual: bool, is_told: bool
) -> None:
    place = SimpleNamespace(is_virtual=is_virtual, seed=0, session_id="s", simulated=True)
    time = SimpleNamespace(stamp=lambda: (1_800_000_000 * 10**9, is_trusted))
    info = recording_info(REF1, POINTS, cast("Place", place), cast("TimeSource", time))
    assert info.start_utc == ("2027-01-15T08:00:00.000+00:00" if is_told else "")
