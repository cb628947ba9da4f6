"""The readings of each cycle: those of their names, and unknown where the node has none."""

from math import isnan, nan

import numpy as np
import pytest

from flight.config import build_points, load_config
from flight.core import readings
from flight.examples import config_path, node_names

ACCELERATORS = {
    "power_w": "accel{}.power_w",
    "core_temp_c": "accel{}.core_temp_c",
    "memory_temp_c": "accel{}.memory_temp_c",
    "aux_voltage_v": "rail.accel{}_aux.voltage_v",
    "module_voltage_v": "rail.accel{}_54v.voltage_v",
    "module_power_w": "rail.accel{}_54v.power_w",
}
NODE = {
    "pump_a_speed_rpm": "loop.pump_a.speed_rpm",
    "pump_a_current_a": "loop.pump_a.current_a",
    "pump_b_speed_rpm": "loop.pump_b.speed_rpm",
    "pump_b_current_a": "loop.pump_b.current_a",
    "flow_kg_per_s": "loop.flow_kg_per_s",
    "supply_temp_c": "loop.supply_temp_c",
    "radiator_temp_c": "loop.radiator_out_temp_c",
    "battery_temp_c": "eps.battery.temp_c",
    "charge_ratio": "eps.battery.charge_ratio",
    "payload_voltage_v": "rail.payload_54v.voltage_v",
}


@pytest.mark.parametrize("name", node_names())
def test_each_reading_is_that_of_its_name(name: str) -> None:
    table = build_points(load_config(config_path(name)))
    count = len(table.match("accel*.cap_w"))
    trusted = np.arange(1.0, len(table) + 1.0)

    def expected(point: str) -> float:
        return 1.0 + table.index[point] if point in table.index else nan

    found, counts, node = readings.read(readings.build(table, count), trusted)
    for field, pattern in ACCELERATORS.items():
        wanted = [expected(pattern.format(i)) for i in range(count)]
        assert np.array_equal(getattr(found, field), wanted, equal_nan=True), field
    errors, codes = counts[:count], counts[count:]
    assert errors == tuple(expected(f"accel{i}.ecc_uncorrected_count") for i in range(count))
    assert codes == tuple(expected(f"accel{i}.xid") for i in range(count))
    for field, point in NODE.items():
        assert np.array_equal(getattr(node, field), expected(point), equal_nan=True), field


def test_what_a_node_lacks_is_unknown_and_not_another_reading() -> None:
    table = build_points(load_config(config_path("edge")))
    assert "loop.flow_kg_per_s" not in table.index
    _, _, node = readings.read(readings.build(table, 1), np.full(len(table), 5.0))
    assert isnan(node.flow_kg_per_s) and isnan(node.pump_b_current_a)
