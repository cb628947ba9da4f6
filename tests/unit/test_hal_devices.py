"""Every device class is opened through hal: what works is read, what cannot be says why."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hal import (
    BusHandle,
    Device,
    DeviceError,
    DriverSet,
    DriverSpec,
    GpioDevice,
    GpioLine,
    HwmonAttribute,
    HwmonDevice,
    Ina2xxDevice,
    NodeImage,
    PmbusDevice,
    PointSpec,
    Status,
    Tmp4xxDevice,
    WatchdogDevice,
)
from sim_hw.devices import PlantImage, SimulatedDevices

CYCLE_NS = 100_000_000
NOBODY = 0x44  # no part of REF-1 answers there


@pytest.fixture
def bus() -> Iterator[BusHandle]:
    with SimulatedDevices(PlantImage(), seed=1) as devices:
        yield devices.bus("rails_a")


def chip(root: Path, number: int, **files: str) -> None:
    folder = root / f"hwmon{number}"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)


def point(channel: int, **more: object) -> PointSpec:
    fields = {"name": f"point{channel}", "driver": 0, "device": 0, "period_ns": CYCLE_NS}
    return PointSpec(channel=channel, **fields, **more)


def statuses(device: Device, bus: BusHandle | None, channels: int) -> list[Status]:
    """Open, poll once, and return what each channel said."""
    driver = DriverSpec(name="driver", bus=bus, devices=(device,))
    image = NodeImage([point(n) for n in range(channels)], [driver])
    drivers = DriverSet(image)
    drivers.poll(CYCLE_NS)
    found = [Status(s) for s in image.snapshot()[2]]
    drivers.close()
    image.close()
    return found


def test_a_hwmon_chip_is_read_and_written_in_the_points_units(tmp_path: Path) -> None:
    chip(tmp_path, 0, name="other\n", temp1_input="1000\n")
    chip(tmp_path, 4, name="nvme\n", temp1_input="51250\n", pwm1="0\n")
    device = HwmonDevice(
        name="nvme",
        root=str(tmp_path),
        attributes=(
            HwmonAttribute(name="temp1_input", scale=1e-3),
            HwmonAttribute(name="pwm1", writable=True),
        ),
    )
    points = [point(0), point(1, writable=True, low=0.0, high=255.0)]
    image = NodeImage(points, [DriverSpec(name="chip", bus=None, devices=(device,))])
    drivers = DriverSet(image)
    image.write_desired(np.array([128.0]), 1)
    for cycle in (1, 2):
        image.beat(1)
        drivers.step(cycle * CYCLE_NS)
    values, _, status, _ = image.snapshot()
    assert status.tolist() == [Status.OK, Status.OK]
    assert values.tolist() == pytest.approx([51.25, 128.0])
    assert (tmp_path / "hwmon4" / "pwm1").read_text() == "128\n"
    drivers.close()
    image.close()


def test_a_hwmon_chip_that_is_not_there_is_absent(tmp_path: Path) -> None:
    attributes = (HwmonAttribute(name="temp1_input"),)
    device = HwmonDevice(name="nvme", root=str(tmp_path), attributes=attributes)
    assert statuses(device, None, 1) == [Status.ABSENT]


@pytest.mark.parametrize(
    "device",
    [
        PmbusDevice(address=NOBODY),
        PmbusDevice(address=NOBODY, part="adm1272", shunt_uohm=300, current_limit_a=20.0),
        PmbusDevice(address=NOBODY, part="isl68137", page=1, phase=0, temp_limit_c=110.0),
        Ina2xxDevice(part="ina228", address=NOBODY, shunt_ohm=0.001, current_limit_a=50.0),
        Tmp4xxDevice(part="tmp464", address=NOBODY, temp_limit_c=95.0),
    ],
    ids=lambda device: device.part,
)
def test_a_part_that_does_not_answer_says_nack(device: Device, bus: BusHandle) -> None:
    assert statuses(device, bus, 2) == [Status.NACK, Status.NACK]


@pytest.mark.parametrize(
    "device",
    [
        PmbusDevice(address=0x02),
        PmbusDevice(address=NOBODY, part="adm1272"),  # without its shunt
        Ina2xxDevice(part="ina226", address=NOBODY, shunt_ohm=0.0),
        Tmp4xxDevice(part="tmp421", address=0x78),
        HwmonDevice(name="a/b", attributes=(HwmonAttribute(name="temp1_input"),)),
        HwmonDevice(name="nvme", attributes=()),
        HwmonDevice(name="n" * 40, attributes=(HwmonAttribute(name="temp1_input"),)),
        HwmonDevice(name="nvme", attributes=(HwmonAttribute(name="temp1_input"),) * 33),
        WatchdogDevice(path="watchdog0", timeout_s=10),
        WatchdogDevice(path="/dev/watchdog0", timeout_s=0),
        GpioDevice(chip_path="/dev/gpiochip0", lines=()),
    ],
)
def test_a_description_that_cannot_be_is_refused_by_name(device: Device, bus: BusHandle) -> None:
    with pytest.raises(ValueError, match="driver"):
        statuses(device, bus, 1)


def test_what_the_machine_does_not_have_is_a_device_error(tmp_path: Path) -> None:
    nothing = str(tmp_path / "none")
    with pytest.raises(DeviceError, match="ABSENT"):
        statuses(WatchdogDevice(path=nothing, timeout_s=10), None, 1)
    with pytest.raises(DeviceError, match="UNSUPPORTED"):
        statuses(WatchdogDevice(path="/dev/null", timeout_s=10), None, 1)
    line = GpioLine(offset=3, output=True, active_low=True, open_drain=True)
    alert = GpioLine(offset=4, edges=True, debounce_us=100)
    with pytest.raises(DeviceError, match="ABSENT"):
        statuses(GpioDevice(chip_path=nothing, lines=(line, alert)), None, 1)


def test_a_limit_that_the_part_does_not_have_is_refused(bus: BusHandle) -> None:
    with pytest.raises(DeviceError, match="UNSUPPORTED"):
        statuses(
            Ina2xxDevice(part="ina219", address=NOBODY, shunt_ohm=0.1, current_limit_a=1.0), bus, 1
        )


def test_a_part_on_a_bus_needs_one() -> None:
    with pytest.raises(ValueError, match="needs a bus"):
        statuses(Tmp4xxDevice(part="tmp421", address=NOBODY), None, 1)
