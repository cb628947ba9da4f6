"""`nightside explain`: why each accelerator had its cap."""

from pathlib import Path

import pytest

from flight.core.arbiter import CapReason
from flight.explain import REASON_TEXTS, explain
from flight.operator_error import OperatorError
from sim_hw.fly import FlightRequest, fly

CONFIG = Path(__file__).parents[2] / "examples" / "configs" / "ref1.toml"


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of the default flight: boot, ramp, full caps."""
    folder = tmp_path_factory.mktemp("flight")
    code = fly(FlightRequest(config_path=CONFIG, duration="40s", out=folder, as_json=True))
    assert code == 0
    return folder


def test_every_reason_has_its_explanation() -> None:
    assert set(REASON_TEXTS) == set(CapReason)


def test_each_accelerator_is_listed_with_its_reason(flight: Path) -> None:
    text = explain(flight, "15s")
    for i in range(8):
        assert f"accel{i} " in text
    assert "ramp: it is on its way up" in text
    assert all(len(line) <= 80 for line in text.splitlines()[1:])  # the first names the file


def test_nothing_limits_a_cool_node_after_its_ramp(flight: Path) -> None:
    text = explain(flight, "39s")
    assert text.count(" 700 ") == 16  # granted and enforced
    assert "maximum: nothing limits it" in text


def test_a_time_outside_the_recording_is_refused_with_its_span(flight: Path) -> None:
    with pytest.raises(OperatorError, match=r"holds 0 s to 40 s, not 100 s"):
        explain(flight, "100s")


def test_a_folder_without_a_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"holds no recording\.db"):
        explain(tmp_path, "1s")


def test_without_any_flight_the_operator_is_told_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OperatorError, match="fly one first"):
        explain(None, "1s")
