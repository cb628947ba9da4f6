"""The node image as the daemon sees it."""

import math
from dataclasses import replace

import numpy as np
import pytest

from hal import ControllerDevice, DriverSpec, NodeImage, PointSpec, ReflexSpec, Status
from hal.image import SNAPSHOT_ROWS

POINTS = (
    PointSpec(name="a.temp_c", driver=0, device=0, channel=0, period_ns=1),
    PointSpec(
        name="a.cap_w", driver=0, device=0, channel=1, period_ns=1,
        writable=True, low=100.0, high=700.0, safe=200.0, lease_ns=5,
    ),
    PointSpec(name="b.enable", driver=1, device=0, channel=0, period_ns=1, writable=True),
)  # fmt: skip
DRIVERS = tuple(
    DriverSpec(name=name, bus=None, devices=(ControllerDevice(channel_count=2),)) for name in "ab"
)


@pytest.fixture
def image():
    built = NodeImage(POINTS, DRIVERS)
    yield built
    built.close()


def test_a_new_image_was_never_sampled(image):
    values, time_ns, status, flags = image.snapshot()
    assert [array.dtype for array in (values, time_ns, status, flags)] == [
        np.float64, np.int64, np.int32, np.uint32,
    ]  # fmt: skip
    assert np.isnan(values).all()
    assert not time_ns.any()
    assert not flags.any()
    assert (status == Status.STALE).all()
    assert image.point_count == 3
    assert image.writable_indices == (1, 2)
    assert image.health("b") == (0, 0, 0, 0, 0, 0, 0)


def test_each_snapshot_has_arrays_of_its_own(image):
    first, second = image.snapshot(), image.snapshot()
    assert not any(np.shares_memory(a, b) for a, b in zip(first, second, strict=True))


def test_the_newest_epoch_is_remembered(image):
    assert image.epoch == 0
    image.beat(3)
    image.write_desired(np.array([math.nan, 1.0]), 5)
    image.beat(4)
    assert image.epoch == 5


@pytest.mark.parametrize("epoch", [0, 2**32])
def test_an_epoch_out_of_range_is_refused(image, epoch):
    with pytest.raises(ValueError, match="epoch"):
        image.beat(epoch)
    with pytest.raises(ValueError, match="epoch"):
        image.write_desired(np.zeros(2), epoch)


def test_desired_values_are_as_many_float64_as_there_are_writable_points(image):
    with pytest.raises(ValueError, match="3 desired"):
        image.write_desired(np.zeros(3), 1)
    with pytest.raises(ValueError, match="float32"):
        image.write_desired(np.zeros(2, np.float32), 1)
    assert image.epoch == 0


def test_a_driver_that_is_not_there_is_a_key_error(image):
    with pytest.raises(KeyError):
        image.request_rearm("c")
    with pytest.raises(KeyError):
        image.health("c")


def test_a_closed_image_says_so(image):
    image.close()
    image.close()
    with pytest.raises(ValueError, match="closed"):
        image.snapshot()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"name": ""}, "1 to 47 bytes"),
        ({"name": "x" * 48}, "1 to 47 bytes"),
        ({"driver": 2}, "a.cap_w: driver 2"),
        ({"driver": 1, "name": "late"}, "a.temp_c"),
        ({"device": 1}, "a.cap_w: its driver has no device 1"),
        ({"period_ns": 0}, "a.cap_w: period_ns"),
        ({"phase_ns": 1}, "a.cap_w: phase_ns must be inside"),
        ({"phase_ns": -1}, "a.cap_w: phase_ns must be inside"),
        ({"lease_ns": -1}, "a.cap_w: period_ns must be > 0 and lease_ns"),
        ({"low": 701.0}, "a.cap_w: limits 701.0..700.0"),
        ({"low": math.nan}, "a.cap_w: limits"),
        ({"safe": 99.0}, "a.cap_w: leased, but safe 99.0"),
        ({"safe": 9999.0}, "a.cap_w: leased, but safe 9999"),
        ({"ramp_per_s": -1.0}, "node image: NS_E_ARG"),
    ],
)
def test_a_point_that_cannot_be_is_named(changes, text):
    changed = replace(POINTS[1], **changes)
    points = (changed, POINTS[0], POINTS[2]) if "late" in changes.values() else (
        POINTS[0], changed, POINTS[2],
    )  # fmt: skip
    with pytest.raises(ValueError, match=text):
        NodeImage(points, DRIVERS)


def test_an_image_needs_points_and_distinct_drivers():
    with pytest.raises(ValueError, match="0 points"):
        NodeImage((), DRIVERS)
    with pytest.raises(ValueError, match="same name"):
        NodeImage(POINTS, (DRIVERS[0], DRIVERS[0]))


RULE = ReflexSpec(point=0, threshold=85.0, persistence_ns=0, action_point=1, action_value=200.0)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"point": 3}, "there is no point 3"),
        ({"point": -1}, "there is no point -1"),
        ({"action_point": 3}, "no point 3"),
        ({"action_point": 0}, "a.temp_c is not writable by this driver"),
        ({"action_point": 2}, "b.enable is not writable by this driver"),
        ({"action_value": 99.0}, "99.0 is outside the limits of a.cap_w"),
        ({"action_value": math.nan}, "nan is outside"),
        ({"threshold": math.inf}, "not finite"),
        ({"persistence_ns": -1}, "persistence_ns and max_age_ns"),
        ({"max_age_ns": -1}, "persistence_ns and max_age_ns"),
        ({"point": 2}, "b.enable is of another driver, so max_age_ns"),
    ],
)
def test_a_rule_that_cannot_be_is_named_with_its_driver(changes, text):
    drivers = (replace(DRIVERS[0], reflexes=(RULE, replace(RULE, **changes))), DRIVERS[1])
    with pytest.raises(ValueError, match=f"a: reflex 1: .*{text}"):
        NodeImage(POINTS, drivers)


def test_a_rule_may_watch_another_driver():
    rule = replace(RULE, point=2, max_age_ns=5, comparison="below")
    NodeImage(POINTS, (replace(DRIVERS[0], reflexes=(rule,)), DRIVERS[1])).close()


def test_snapshots_of_one_allocation_stay_as_they_were_taken(image):
    taken = [image.snapshot() for _ in range(3 * SNAPSHOT_ROWS + 1)]
    for i, arrays in enumerate(taken):
        for array in arrays:
            array.fill(i)
    image.snapshot()
    for i, arrays in enumerate(taken):
        assert all((array == i).all() and array.flags.c_contiguous for array in arrays), i
