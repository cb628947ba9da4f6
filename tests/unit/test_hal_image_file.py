"""The file of a node image: one daemon at a time, and nobody attaches to another layout."""

import math
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hal import ControllerDevice, DriverSpec, NodeImage, PointSpec, ReflexSpec
from hal.image_file import ImageFileError

POINTS = (
    PointSpec(name="a.temp_c", driver=0, device=0, channel=0, period_ns=1),
    PointSpec(
        name="a.cap_w", driver=0, device=0, channel=1, period_ns=1,
        writable=True, low=100.0, high=700.0, safe=200.0, lease_ns=5,
    ),
)  # fmt: skip
RULE = ReflexSpec(point=0, threshold=85.0, persistence_ns=0, action_point=1, action_value=200.0)
DRIVERS = (
    DriverSpec(name="a", bus=None, devices=(ControllerDevice(channel_count=2),), reflexes=(RULE,)),
)


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "node.img"


@pytest.fixture
def image(path):
    built = NodeImage(POINTS, DRIVERS, path)
    yield built
    built.close()


def test_what_one_process_writes_another_reads(image, path):
    image.write_desired(np.array([300.0]), 7)
    image.beat(7)
    other = NodeImage.attach(path, POINTS, DRIVERS)
    assert (other.epoch, other.heartbeat) == (7, image.heartbeat)
    assert np.isnan(other.snapshot()[0]).all()
    image.beat(7)
    assert other.heartbeat == image.heartbeat
    other.close()


def test_the_file_is_for_its_owner_alone(image, path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_image_has_one_daemon(image, path):
    with pytest.raises(ImageFileError, match=r"node\.img: is held by another daemon"):
        NodeImage(POINTS, DRIVERS, path)
    with pytest.raises(ImageFileError, match="held by another daemon"):
        NodeImage.attach(path, POINTS, DRIVERS, hold=True)
    assert image.epoch == 0


def test_the_next_daemon_takes_over_what_the_last_one_left(image, path):
    image.beat(3)
    image.close()
    assert path.exists()
    successor = NodeImage.attach(path, POINTS, DRIVERS, hold=True)
    assert successor.epoch == 3
    with pytest.raises(ImageFileError, match="held"):
        NodeImage.attach(path, POINTS, DRIVERS, hold=True)
    successor.close()
    NodeImage.attach(path, POINTS, DRIVERS, hold=True).close()


def test_an_image_that_is_there_is_never_laid_out_anew(image, path):
    image.beat(3)
    image.close()
    with pytest.raises(ImageFileError, match="is a node image already; attach"):
        NodeImage(POINTS, DRIVERS, path)
    assert NodeImage.attach(path, POINTS, DRIVERS).epoch == 3


def test_a_creation_cut_short_is_done_again(path):
    path.write_bytes(bytes(100))
    NodeImage(POINTS, DRIVERS, path).close()
    NodeImage.attach(path, POINTS, DRIVERS).close()


@pytest.mark.parametrize(
    ("points", "drivers"),
    [
        ((POINTS[0], replace(POINTS[1], high=701.0)), DRIVERS),
        ((POINTS[0], replace(POINTS[1], writable=False)), (replace(DRIVERS[0], reflexes=()),)),
        (POINTS, (replace(DRIVERS[0], reflexes=()),)),
        (POINTS, (replace(DRIVERS[0], reflexes=(replace(RULE, threshold=86.0),)),)),
        (POINTS, (replace(DRIVERS[0], retries=5),)),
        (POINTS[:1], (replace(DRIVERS[0], reflexes=()),)),
    ],
)
def test_another_configuration_is_refused_with_the_mend(image, path, points, drivers):
    with pytest.raises(ImageFileError, match=r"node\.img: was laid out for another .*remove it"):
        NodeImage.attach(path, points, drivers)
    NodeImage.attach(path, POINTS, DRIVERS).close()


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"", "is no node image"), (b"x" * 127, "is no node image"), (b"x" * 9000, "was laid out")],
)
def test_a_file_that_is_no_image_is_refused(path, content, text):
    path.write_bytes(content)
    with pytest.raises(ImageFileError, match=text):
        NodeImage.attach(path, POINTS, DRIVERS)
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_made_is_named(tmp_path):
    with pytest.raises(ImageFileError, match=r"nowhere/node\.img: No such file"):
        NodeImage(POINTS, DRIVERS, tmp_path / "nowhere" / "node.img")
    with pytest.raises(ImageFileError, match=r"node\.img: No such file"):
        NodeImage.attach(tmp_path / "node.img", POINTS, DRIVERS)
    (tmp_path / "target").write_bytes(b"")
    (tmp_path / "link.img").symlink_to(tmp_path / "target")
    with pytest.raises(ImageFileError, match=r"link\.img"):
        NodeImage(POINTS, DRIVERS, tmp_path / "link.img")


def test_what_cannot_be_built_leaves_no_lock_and_no_descriptor(path):
    open_before = descriptors()
    broken = (POINTS[0], replace(POINTS[1], ramp_per_s=-math.inf))
    with pytest.raises(ValueError, match="node image: NS_E_ARG"):
        NodeImage(broken, DRIVERS, path)
    with pytest.raises(ImageFileError):
        NodeImage.attach(path, POINTS, DRIVERS, hold=True)
    NodeImage(POINTS, DRIVERS, path).close()
    assert descriptors() == open_before
