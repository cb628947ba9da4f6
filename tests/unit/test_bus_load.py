"""What polling takes of a node's buses, and the refusal of what cannot fit."""

from pathlib import Path

import pytest

from flight.bus_load import check_bus_load, planned_bus_loads
from flight.cli import main
from flight.config import NodeConfig, load_config
from flight.operator_error import OperatorError

REF1 = Path(__file__).parents[2] / "examples" / "configs" / "ref1.toml"
WORD_WITH_PEC_S = 57 / 100_000  # 6 bytes of 9 clocks, START, repeated START, STOP


def loads_of(config: NodeConfig) -> dict[str, float]:
    return {load.driver: load.occupancy_ratio for load in planned_bus_loads(config)}


def test_ref1_leaves_every_bus_more_than_half_of_its_time() -> None:
    loads = loads_of(load_config(REF1))
    assert set(loads) == {"rails_a", "rails_b", "rails_host", "loop", "eps", "host"}
    assert all(0.0 < load < 0.5 for load in loads.values()), loads


def test_a_word_takes_as_long_as_smbus_says() -> None:
    """One monitor of four pages: 3 words, PAGE, its read-back and the scrub, each 0.1 s."""
    config = NodeConfig()
    host = next(load for load in planned_bus_loads(config) if load.driver == "rails_host")
    words_s = 4 * 4 * WORD_WITH_PEC_S
    pages_s = 4 * (38 + 48) / 100_000
    scrub_s = 4 * 48 / 100_000 / 10
    assert host.poll_s == pytest.approx(words_s + pages_s + scrub_s)
    assert host.occupancy_ratio == pytest.approx(host.poll_s / 0.1)


def test_a_faster_bus_is_busy_for_less() -> None:
    slow = NodeConfig()
    fast = NodeConfig.model_validate({"buses": {"i2c_clock_hz": 400_000}})
    assert loads_of(fast)["rails_a"] == pytest.approx(loads_of(slow)["rails_a"] / 4.0)


def test_slower_points_make_room() -> None:
    slow = NodeConfig.model_validate({"points": {"rail.*": {"period_s": 1.0, "age_s_max": 5.0}}})
    assert loads_of(slow)["rails_a"] == pytest.approx(loads_of(NodeConfig())["rails_a"] / 10.0)


@pytest.mark.parametrize(
    ("points", "bus", "key"),
    [("rail.*", "rails_a", "buses.i2c_clock_hz"), ("loop.*", "loop", "buses.serial_baud")],
)
def test_a_bus_that_cannot_keep_up_is_refused_by_name(points: str, bus: str, key: str) -> None:
    config = NodeConfig.model_validate({"points": {points: {"period_s": 0.01}}})
    with pytest.raises(OperatorError) as caught:
        check_bus_load(Path("node.toml"), config)
    line = next(line for line in caught.value.lines if f" {bus} " in line)
    assert line.startswith("node.toml: ")
    assert "buses.occupancy_ratio_max = 0.7" in line
    assert "longer period_s" in line
    assert key in line


def test_check_prints_what_it_computed_and_refuses_too_much(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(REF1)]) == 0
    shown = capsys.readouterr().out
    ratio = loads_of(load_config(REF1))["rails_a"]
    assert f"buses busy with polling: rails_a {ratio:.0%}" in shown
    busy = tmp_path / "busy.toml"
    busy.write_text(
        REF1.read_text().replace("occupancy_ratio_max = 0.7", "occupancy_ratio_max = 0.2")
    )
    assert main(["check", str(busy)]) == 2
    assert "rails_a" in capsys.readouterr().err
