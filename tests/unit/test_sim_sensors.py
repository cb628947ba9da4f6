"""The sensor table of REF-1: every point that has a sensor, its truth word and its quality."""

import numpy as np
import pytest

from flight.dictionary.channels import build_point_table
from sim_hw.devices import PlantImage
from sim_hw.sensors import (
    PLACES,
    SENSORS,
    configure_sensors,
    make_sensors_ideal,
    sensor_of,
    truth_of,
)


@pytest.mark.parametrize("loop", [True, False])
def test_every_point_with_a_sensor_has_its_own_truth_word(loop):
    image = PlantImage()
    places = [truth_of(point.name) for point in build_point_table(loop=loop)]
    words = [image.truth_word(*place) for place in places if place]
    assert len(set(words)) == len(words)
    assert len(words) > 100


def test_every_truth_of_the_table_belongs_to_a_point_of_some_node():
    tables = (build_point_table(), build_point_table(loop=False))
    assert set(PLACES) <= {point.name for table in tables for point in table}


def test_truths_are_found_by_point_name():
    assert truth_of("accel3.core_temp_c") == ("accel_core_temp_c", 3)
    assert truth_of("rail.accel7_aux.current_a") == ("aux_current_a", 7)
    assert truth_of("rail.host_3v3.voltage_v") == ("host_rail_voltage_v", 2)
    assert truth_of("loop.pump_b.speed_rpm") == ("pump_speed_rpm", 1)
    assert truth_of("eps.string0.current_a") == ("string_current_a", 0)


@pytest.mark.parametrize(
    "point", ["accel0.cap_w", "accel0.margin_c", "rail.accel0_54v.power_w", "loop.bypass_ratio"]
)
def test_set_points_and_computed_points_have_no_sensor(point):
    assert truth_of(point) is None


def test_every_row_of_the_table_is_used_and_names_its_source():
    used = {sensor_of(name) for name in PLACES}
    assert all(spec in used and spec.source for spec in SENSORS)


def test_configuration_reaches_the_tables_and_takes_faults_back():
    image = PlantImage()
    word = image.truth_word("accel_core_temp_c", 5)
    image.sensor_mode[word] = 3.0
    configure_sensors(image)
    assert image.sensor_lsb[word] == 1.0
    assert image.sensor_mode[word] == 0.0
    payload = image.truth_word("payload_current_a")
    assert image.sensor_noise[payload] == sensor_of("rail.payload_54v.current_a").noise
    make_sensors_ideal(image)
    assert not np.any(image.sensor_noise) and not np.any(image.sensor_lsb)
