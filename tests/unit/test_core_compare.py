"""Comparisons: what disagrees is told, stays on the safe side, and is replaced where it may be."""

from math import inf, nan

import numpy as np
import pytest

from flight.core import compare
from flight.core.config_judge import CompareConfig, JudgeConfig
from flight.core.types import Quality
from flight.dictionary.channels import build_point_table
from tests.core_node import Node, booted

TABLE = build_point_table()


def quality(node: Node, point: str) -> Quality:
    return Quality(node.state.judge.quality[TABLE.index[point]])


def trusted(node: Node, point: str) -> float:
    return float(node.state.judge.trusted[TABLE.index[point]])


def test_of_two_powers_that_disagree_the_higher_one_counts_and_is_marked() -> None:
    node = booted()
    node.forced["accel3.power_w"] = 300.0
    node.fly(4.0)
    assert trusted(node, "accel3.power_w") == 300.0
    node.fly(6.0)
    assert trusted(node, "accel3.power_w") == pytest.approx(700.0)
    assert quality(node, "accel3.power_w") is Quality.SUBSTITUTED
    node.forced["accel3.power_w"] = 900.0
    node.fly(1.0)
    assert trusted(node, "accel3.power_w") == 900.0
    assert quality(node, "accel3.power_w") is Quality.SUSPECT
    node.forced = {}
    node.fly(3.0)
    assert quality(node, "accel3.power_w") is Quality.GOOD
    assert node.state.judge.all_good


def test_a_missing_power_is_that_of_its_rail() -> None:
    node = booted()
    node.mute = {"accel3.power_w"}
    node.fly(2.0)
    assert trusted(node, "accel3.power_w") == trusted(node, "rail.accel3_54v.power_w")
    assert quality(node, "accel3.power_w") is Quality.SUBSTITUTED


def test_a_missing_return_temperature_is_the_mean_of_the_plates() -> None:
    node = booted()
    node.mute = {"loop.return_temp_c"}
    node.forced = {"plate0.outlet_temp_c": 49.0}
    node.fly(2.0)
    assert trusted(node, "loop.return_temp_c") == pytest.approx(45.5)
    assert quality(node, "loop.return_temp_c") is Quality.SUBSTITUTED


def fly_biased(node: Node, bias_k: float, seconds: float) -> None:
    """Fly with the core sensor of accel3 off by a constant."""
    for _ in range(round(seconds * 10)):
        node.forced["accel3.core_temp_c"] = round(node.core_c[3]) + bias_k
        node.cycle()


def test_a_core_that_reads_colder_than_its_peers_counts_as_warm_as_they_are() -> None:
    node = booted()
    node.fly(150.0)
    node.coolant_c = 60.0
    fly_biased(node, -25.0, 90.0)
    assert trusted(node, "accel3.core_temp_c") >= 80.0
    assert quality(node, "accel3.core_temp_c") is Quality.SUBSTITUTED
    assert "accel.core_disagrees" in node.ids()
    assert node.core_c[3] < 84.0  # the guard holds it, by its peers
    assert max(node.core_c) < 87.0
    node.forced = {}
    node.fly(5.0)
    assert quality(node, "accel3.core_temp_c") is Quality.GOOD


def test_a_core_that_reads_warmer_than_its_peers_is_believed() -> None:
    node = booted()
    node.coolant_c = 30.0
    node.fly(150.0)
    fly_biased(node, 15.0, 100.0)
    assert trusted(node, "accel3.core_temp_c") == node.forced["accel3.core_temp_c"]
    assert quality(node, "accel3.core_temp_c") is Quality.SUSPECT


def test_peers_at_another_power_prove_nothing() -> None:
    built = compare.build(JudgeConfig(), TABLE, flow_kg_per_rpm=0.144 / 4000.0)
    state = compare.initial(built)
    values = np.zeros(len(TABLE))
    for i in range(8):
        values[TABLE.index[f"accel{i}.core_temp_c"]] = 45.0 if i == 3 else 80.0
        values[TABLE.index[f"accel{i}.power_w"]] = 100.0 if i == 3 else 700.0
        values[TABLE.index[f"rail.accel{i}_54v.power_w"]] = 100.0 if i == 3 else 700.0
    for second in range(1, 100):
        state = compare.step(built, state, second * 1_000_000_000, values)
    assert not state.doubts


def test_a_single_look_never_disagrees() -> None:
    node = booted()
    for _ in range(20):
        node.forced = {"accel3.power_w": 200.0}
        node.fly(2.3)
        node.forced = {}
        node.fly(2.3)
    assert "accel.power_disagrees" not in node.ids()


def test_readings_that_are_unknown_disagree_with_nothing() -> None:
    built = compare.build(JudgeConfig(), TABLE, flow_kg_per_rpm=0.144 / 4000.0)
    state = compare.initial(built)
    for second in range(1, 100):
        state = compare.step(built, state, second * 1_000_000_000, np.full(len(TABLE), nan))
    assert not state.doubts
    assert not any(state.disagrees)


def test_a_comparison_can_be_turned_off_and_one_key_keeps_the_others() -> None:
    rows = CompareConfig.model_validate(
        {"accel_power": {"enabled": False}, "core_temp": {"persistence_s": 9.0}}
    )
    assert rows.accel_power.tolerance == 60.0
    assert (rows.core_temp.tolerance, rows.core_temp.persistence_s) == (12.0, 9.0)
    built = compare.build(JudgeConfig(compare=rows), TABLE, flow_kg_per_rpm=1e-5)
    names = compare.signals(built, TABLE)
    assert "accel3.power_w.disagrees" not in names
    assert "accel3.core_temp_c.disagrees" in names
    assert len(names) == len(built.points) == len(built.confirm_ns)


@pytest.mark.parametrize("bad", [nan, inf, -inf, 1e300])
def test_a_value_that_cannot_be_stands_in_for_nothing(bad: float) -> None:
    node = booted()
    node.mute = {"accel3.power_w"}
    node.forced["rail.accel3_54v.power_w"] = bad
    node.fly(3.0)
    assert trusted(node, "accel3.power_w") != trusted(node, "accel3.power_w")
