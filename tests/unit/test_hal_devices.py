"""Every device class is opened through hal: what works is read, what cannot be says why."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hal import (
    BusHandle,
    ControllerDevice,
    Device,
    DeviceError,
    DriverSet,
    DriverSpec,
    GpioDevice,
    GpioLine,
    HwmonAttribute,
    HwmonDevice,
    Ina2xxDevice,
    KmsgDevice,
    NodeImage,
    PmbusDevice,
    SerialBus,
    Status,
    Tmp4xxDevice,
    WatchdogDevice,
)
from hal._native import ffi, lib
from sim_hw.devices import PlantImage, SimulatedDevices
from tests.unit.hal_bench import CYCLE_NS, NOBODY, point, statuses

ROW = ("00000000:41:00.0", "GPU-f1648d72-c7c8-9814-2832-7a062b009188")
KMSG = KmsgDevice(accelerators=(ROW,))


@pytest.fixture
def bus() -> Iterator[BusHandle]:
    with SimulatedDevices(PlantImage(), seed=1) as devices:
        yield devices.bus("rails_a")


def chip(root: Path, number: int, **files: str) -> None:
    folder = root / f"hwmon{number}"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)


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


ON_I2C: list[Device] = [
    PmbusDevice(address=NOBODY),
    Ina2xxDevice(part="ina226", address=NOBODY, shunt_ohm=0.001),
    Tmp4xxDevice(part="tmp464", address=NOBODY),
]


def test_a_device_on_a_bus_of_another_kind_is_refused_when_it_is_opened() -> None:
    master, slave = os.openpty()
    try:
        with SerialBus(slave, name="line") as serial:
            for device in ON_I2C:
                with pytest.raises(ValueError, match=r"^driver: .*another kind, must be I2C"):
                    statuses(device, serial.handle, 1)
    finally:
        os.close(master)
        os.close(slave)
    i2c = ffi.new("ns_i2c_dev_t *")  # of an adapter that is not there: nothing will be sent
    path = ffi.new("char[]", b"/dev/none")
    config = ffi.new("ns_i2c_dev_config_t *", {"path": path, "timeout_us": 9})
    assert lib.ns_i2c_dev_open(i2c, config) == Status.ABSENT
    addresses = [int(ffi.cast("uintptr_t", pointer)) for pointer in (lib.hal_i2c_dev_ops(), i2c)]
    handle = BusHandle(ops_address=addresses[0], ctx_address=addresses[1])
    with pytest.raises(ValueError, match=r"^driver: .*another kind, must be serial"):
        statuses(ControllerDevice(channel_count=3), handle, 1)


KICK = 3
KICK_POINT = point(KICK, writable=True, low=0.0, high=1e9)


class WatchdogFlight:
    """A driver with one watchdog, and a daemon that strokes it."""

    def __init__(self, path: str) -> None:
        device = WatchdogDevice(path=path, timeout_s=10)
        spec = DriverSpec(name="driver", bus=None, devices=(device,))
        self.image = NodeImage([KICK_POINT], [spec])
        self.drivers = DriverSet(self.image)
        self.cycles = 0

    def stroke(self) -> Status:
        """Fly one cycle with a new token; return what the device said to it, OK or the cause."""
        self.cycles += 1
        self.image.write_desired(np.array([float(self.cycles)]), 1)
        self.image.beat(1)
        self.drivers.step(self.cycles * CYCLE_NS)
        failed = [record for record in self.image.evidence("driver") if record.point == 0]
        return Status(failed[-1].status) if failed else Status.OK

    def close(self) -> None:
        self.drivers.close()
        self.image.close()


@pytest.fixture
def line() -> Iterator[tuple[int, str]]:
    """A character device that is no watchdog, and shows what is written to it."""
    master, slave = os.openpty()
    os.set_blocking(master, False)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def descriptors_of(path: str) -> int:
    return sum(link.exists() and link.samefile(path) for link in Path("/proc/self/fd").iterdir())


def test_a_watchdog_is_not_touched_before_the_first_stroke(line: tuple[int, str]) -> None:
    master, path = line
    flight = WatchdogFlight(path)
    flight.drivers.step(CYCLE_NS // 2)  # no daemon yet
    assert descriptors_of(path) == 1  # the fixture's
    with pytest.raises(BlockingIOError):
        os.read(master, 1)
    assert flight.stroke() == Status.UNSUPPORTED  # a terminal takes no time-out
    assert os.read(master, 9) == b"V"  # and was let go as a watchdog is
    flight.close()


def test_a_disarmed_watchdog_is_never_armed_again() -> None:
    flight = WatchdogFlight("/dev/null")
    flight.drivers.disarm_watchdogs()
    flight.drivers.disarm_watchdogs()
    assert flight.stroke() == Status.ABSENT
    flight.close()
    flight.drivers.disarm_watchdogs()


XID = "3,1,4660,-;NVRM: Xid (PCI:0000:41:00): {}, pid=1\n"


def test_a_stand_in_of_the_kernel_log_is_read_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "kmsg"
    os.mkfifo(path)
    with pytest.raises(ValueError, match="must be a character device"):
        statuses(replace(KMSG, path=str(path)), None, 1)
    log = replace(KMSG, path=str(path), is_stand_in=True)
    driver = DriverSpec(name="driver", bus=None, devices=(log,))
    image = NodeImage([point(0), point(1)], [driver])
    drivers = DriverSet(image)
    writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    for cycle, xid in enumerate((48, 63), start=1):
        os.write(writer, XID.format(xid).encode())
        drivers.poll(cycle * CYCLE_NS)
    assert image.snapshot()[0].tolist() == [63.0, 2.0]
    os.close(writer)
    drivers.close()
    image.close()


def test_what_the_machine_does_not_have_is_a_device_error(tmp_path: Path) -> None:
    nothing = str(tmp_path / "none")
    with pytest.raises(DeviceError, match="ABSENT"):
        statuses(WatchdogDevice(path=nothing, timeout_s=10), None, 1)
    with pytest.raises(DeviceError, match="UNSUPPORTED"):
        statuses(WatchdogDevice(path=__file__, timeout_s=10), None, 1)
    with pytest.raises(DeviceError, match="ABSENT"):
        statuses(replace(KMSG, path=nothing), None, 1)
    line = GpioLine(offset=3, output=True, active_low=True, open_drain=True)
    alert = GpioLine(offset=4, edges=True, debounce_us=100)
    with pytest.raises(DeviceError, match="ABSENT"):
        statuses(GpioDevice(chip_path=nothing, lines=(line, alert)), None, 1)


def test_a_part_on_a_bus_needs_one() -> None:
    with pytest.raises(ValueError, match="needs a bus"):
        statuses(Tmp4xxDevice(part="tmp421", address=NOBODY), None, 1)
