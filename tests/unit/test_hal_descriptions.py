"""A description that cannot be is refused by name: driver, device, field, value, range."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hal import (
    BridgeBus,
    BusHandle,
    ControllerDevice,
    Device,
    DeviceError,
    DriverSpec,
    GpioDevice,
    GpioLine,
    HwmonAttribute,
    HwmonDevice,
    I2cBus,
    Ina2xxDevice,
    KmsgDevice,
    NodeImage,
    NvmlDevice,
    PmbusDevice,
    ReflexSpec,
    Status,
    Tmp4xxDevice,
    WatchdogDevice,
)
from sim_hw.devices import PlantImage, SimulatedDevices
from tests.unit.hal_bench import NOBODY, point, statuses


@pytest.fixture
def bus() -> Iterator[BusHandle]:
    with SimulatedDevices(PlantImage(), seed=1) as devices:
        yield devices.bus("rails_a")


PMBUS = PmbusDevice(address=NOBODY)
INA = Ina2xxDevice(part="ina226", address=NOBODY, shunt_ohm=0.001)
TMP = Tmp4xxDevice(part="tmp464", address=NOBODY)
ATTRIBUTE = HwmonAttribute(name="temp1_input")
HWMON = HwmonDevice(name="nvme", attributes=(ATTRIBUTE,))
WATCHDOG = WatchdogDevice(path="/dev/watchdog0", timeout_s=10)
LINE = GpioLine(offset=3)
GPIO = GpioDevice(chip_path="/dev/gpiochip0", lines=(LINE,))
ROW = ("00000000:41:00.0", "GPU-f1648d72-c7c8-9814-2832-7a062b009188")
KMSG = KmsgDevice(accelerators=(ROW,), path="/dev/null")


def with_line(**changes: object) -> GpioDevice:
    return replace(GPIO, lines=(LINE, replace(LINE, **changes)))


def with_attribute(**changes: object) -> HwmonDevice:
    return replace(HWMON, attributes=(ATTRIBUTE, replace(ATTRIBUTE, **changes)))


# Description, and what the message says after the name of the driver: field, value, range.
MISTAKES: list[tuple[Device, str]] = [
    (replace(PMBUS, part="nope"), "(nope) at 0x44: .*part is 'nope', must be one of generic, adm"),
    (replace(PMBUS, address=0x02), "at 0x02: .*address is 2, must be 0x08 to 0x77"),
    (replace(PMBUS, address=300), "at 0x12c: .*address is 300, must be 0x08 to 0x77"),
    (replace(PMBUS, address=-1), "at -0x1: .*address is -1, must be"),
    (replace(PMBUS, page=-1), "page is -1, must be a whole number, 0 to 31"),
    (replace(PMBUS, page=40), "page is 40, must be a whole number, 0 to 31"),
    (replace(PMBUS, phase=32), "phase is 32, must be a whole number, 0 to 31"),
    (replace(PMBUS, vid=9), "vid is 9, must be a whole number, 0 to 5"),
    (replace(PMBUS, vid=-1), "vid is -1, must be"),
    (replace(PMBUS, part="adm1272"), "shunt_uohm is 0, must be a whole number, 1 to 50000"),
    (replace(PMBUS, part="lm5066", shunt_uohm=50001), "shunt_uohm is 50001, must be"),
    (replace(PMBUS, shunt_uohm=300), "shunt_uohm is 300, must be 0: generic has no shunt"),
    (
        replace(PMBUS, current_limit_a=-1.0),
        "current_limit_a is -1.0, must be finite and at least 0",
    ),
    (replace(PMBUS, voltage_limit_v_low=math.inf), "voltage_limit_v_low is inf, must be"),
    (replace(PMBUS, temp_limit_c=-math.inf), "temp_limit_c is -inf, must be finite"),
    (
        replace(PMBUS, current_limit_a=1.0, power_limit_w=4e7),
        "power_limit_w is 40000000.0, must be -33554432 to 33521664, what LINEAR11",
    ),
    (
        replace(PMBUS, part="mp2975", temp_limit_c=90.0, power_limit_w=9.0),
        "power_limit_w is 9.0, must be 0: mp2975 has no such limit",
    ),
    (replace(INA, part="ina3221"), "part is 'ina3221', must be one of ina219, ina226, ina228"),
    (replace(INA, address=300), "ina226 at 0x12c: .*address is 300"),
    (replace(INA, shunt_ohm=0.0), "ina226 at 0x44: .*shunt_ohm is 0.0, must be finite and above 0"),
    (replace(INA, shunt_ohm=math.inf), "shunt_ohm is inf"),
    (replace(INA, current_limit_a=-1.0), "current_limit_a is -1.0, must be finite and at least 0"),
    (replace(INA, current_limit_a=math.nan), "current_limit_a is nan"),
    (replace(INA, current_limit_a=82.0), "current_limit_a is 82.0, must be 0.0025 to 81.9175 with"),
    (replace(INA, current_limit_a=0.001), "current_limit_a is 0.001, must be 0.0025 to 81.9175"),
    (
        replace(INA, part="ina219", current_limit_a=1.0),
        "current_limit_a is 1.0, must be 0: ina219 has no alert",
    ),
    (replace(TMP, address=0x78), "tmp464 at 0x78: .*address is 120, must be 0x08 to 0x77"),
    (replace(TMP, part="tmp999"), "part is 'tmp999', must be one of tmp421"),
    (replace(TMP, temp_limit_c=256.5), "temp_limit_c is 256.5, must be -256 to 255.938"),
    (
        replace(TMP, part="tmp421", temp_limit_c=90.0),
        "temp_limit_c is 90.0, must be NaN: tmp421 has",
    ),
    (ControllerDevice(channel_count=0), "controller of 0 channels: .*channel_count is 0, must be"),
    (ControllerDevice(channel_count=60), "channel_count is 60, must be a whole number, 1 to 59"),
    (ControllerDevice(channel_count=-1), "channel_count is -1"),
    (replace(HWMON, name="a/b"), "hwmon chip 'a/b': .*name is 'a/b', must be a name without"),
    (replace(HWMON, name="n" * 40), "name is 'n*', must be 1 to 31 bytes"),
    (replace(HWMON, name=""), "name is '', must be 1 to 31 bytes"),
    (replace(HWMON, root="sys"), "root is 'sys', must be an absolute path"),
    (replace(HWMON, device="a/b"), "device is 'a/b', must be one part of a path"),
    (replace(HWMON, attributes=()), "attributes has 0 entries, must be 1 to 32"),
    (replace(HWMON, attributes=(ATTRIBUTE,) * 33), "attributes has 33 entries, must be 1 to 32"),
    (with_attribute(name=".."), r"attributes\[1\].name is '..', must be a name"),
    (with_attribute(scale=0.0), r"attributes\[1\].scale is 0.0, must be finite and above 0"),
    (
        replace(WATCHDOG, path="watchdog0"),
        "watchdog watchdog0: .*path is 'watchdog0', must be an abs",
    ),
    (replace(WATCHDOG, path="/" * 128), "path is '/*', must be 1 to 127 bytes"),
    (replace(WATCHDOG, timeout_s=0), "timeout_s is 0, must be a whole number, 1 to 65535"),
    (replace(WATCHDOG, timeout_s=-1), "timeout_s is -1"),
    (replace(GPIO, lines=()), "GPIO chip /dev/gpiochip0: .*lines has 0 entries, must be 1 to 16"),
    (replace(GPIO, chip_path=""), "chip_path is '', must be"),
    (with_line(offset=-1), r"lines\[1\].offset is -1, must be a whole number, 0 to 4294967295"),
    (with_line(debounce_us=-1), r"lines\[1\].debounce_us is -1"),
    (with_line(output=True, edges=True), r"lines\[1\].edges is True, must be False"),
    (with_line(output=False, debounce_us=5), r"lines\[1\].debounce_us is 5, must be 0"),
    (with_line(open_drain=True), r"lines\[1\].open_drain is True, must be False"),
    (
        replace(KMSG, accelerators=()),
        "kernel log /dev/null: .*accelerators has 0 entries, must be 1 to 8",
    ),
    (replace(KMSG, accelerators=(ROW,) * 9), "accelerators has 9 entries"),
    (
        replace(KMSG, accelerators=(ROW, ("41:00.0", ROW[1]))),
        r"accelerators\[1\]\[0\] is '41:00.0', must be a PCI bus id such as",
    ),
    (
        replace(KMSG, accelerators=((ROW[0], "GPU-1"),)),
        r"accelerators\[0\]\[1\] is 'GPU-1', must be a UUID such as",
    ),
    (replace(KMSG, path="/etc"), "path is '/etc', must be a character device"),
    (replace(KMSG, path="/etc", is_stand_in=True), "path is '/etc', must be a character device"),
    (replace(KMSG, path=__file__), "path is '.*', must be a character device"),
]


@pytest.mark.parametrize(("device", "text"), MISTAKES, ids=[text for _, text in MISTAKES])
def test_a_description_that_cannot_be_is_refused_by_name(
    device: Device, text: str, bus: BusHandle
) -> None:
    pattern = text.replace("(nope)", r"\(nope\)")
    with pytest.raises(ValueError, match=f"^driver: .*{pattern}"):
        statuses(device, bus, 1)


def test_the_limits_of_a_limit_are_those_that_the_message_gives(bus: BusHandle) -> None:
    """An INA228 with 1 mohm: steps of 5 uV, 32767 of them."""
    ina = replace(INA, part="ina228")
    for good_a in (0.005, 32767 * 0.005):
        assert statuses(replace(ina, current_limit_a=good_a), bus, 1) == [Status.NACK]
    for wrong_a in (0.0049, 32768 * 0.005):
        with pytest.raises(ValueError, match=r"must be 0\.005 to 163\.835 with that shunt"):
            statuses(replace(ina, current_limit_a=wrong_a), bus, 1)
    for good_c in (-256.0, 255.9375):
        assert statuses(replace(TMP, temp_limit_c=good_c), bus, 1) == [Status.NACK]
    nan = replace(PMBUS, current_limit_a=math.nan, temp_limit_c=math.nan)
    assert statuses(nan, bus, 1) == [Status.NACK]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"pci_bus_id": "0" * 32}, "pci_bus_id is '0*', must be 1 to 31 bytes"),
        ({"uuid": "G" * 96}, "uuid is 'G*', must be 1 to 95 bytes"),
        ({"library_path": "libnvidia-ml.so.1"}, "library_path is 'libnv.*', must be an absolute"),
    ],
)
def test_what_is_wrong_with_an_accelerator_is_named(changes: dict[str, str], text: str) -> None:
    good = NvmlDevice(library_path="/nowhere/lib.so", pci_bus_id=ROW[0], uuid=ROW[1])
    with pytest.raises(DeviceError, match=f"^driver: NS_E_ARG .*{text}"):
        statuses(replace(good, **changes), None, 1)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"retries": -1}, "driver: .*retries is -1, must be a whole number, 0 to 4294967295"),
        ({"retries": 2**32}, "driver: .*retries is 4294967296"),
        ({"call_deadline_ns": -1}, "driver: .*call_deadline_ns is -1, must be"),
        ({"backoff_max_ns": 2**63}, "driver: .*backoff_max_ns is 9223372036854775808"),
        ({"devices": (PMBUS,) * 65}, "driver: .*devices has 65 entries, must be at most 64"),
    ],
)
def test_a_driver_that_cannot_be_is_named(changes: dict[str, object], text: str) -> None:
    spec = replace(DriverSpec(name="driver", bus=None, devices=(PMBUS,)), **changes)
    with pytest.raises(ValueError, match=f"^{text}"):
        NodeImage([point(0)], [spec])


SWITCH = {"writable": True, "low": 0.0, "high": 1.0}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"channel": -1}, "point1: .*channel is -1, must be a whole number, 0 to"),
        ({"channel": 2**32}, "point1: .*channel is 4294967296"),
        ({"period_ns": 2**63}, "point1: .*period_ns is 9223372036854775808"),
        ({"abandon_ns": 2**63}, "point1: .*abandon_ns is"),
        ({"ramp_per_s": math.inf}, "node image: .*point1: ramp_per_s is inf, must be finite"),
        ({"tolerance": -1.0}, "node image: .*point1: tolerance is -1.0, must be at least 0"),
        ({"abandon_ns": -1}, "node image: .*point1: abandon_ns is -1, must be at least 0"),
        (
            {"abandon_ns": 5, "abandon_value": 2.0},
            "node image: .*point1: abandon_value is 2.0, must be inside the limits",
        ),
    ],
)
def test_a_point_that_cannot_be_is_named(changes: dict[str, object], text: str) -> None:
    spec = DriverSpec(name="driver", bus=None, devices=(PMBUS,))
    with pytest.raises(ValueError, match=f"^{text}"):
        NodeImage([point(0), replace(point(1, **SWITCH), **changes)], [spec])


def test_a_comparison_that_is_none_is_named() -> None:
    rule = ReflexSpec(
        point=0, threshold=1.0, persistence_ns=0, action_point=1, action_value=0.0,
        comparison="beside",
    )  # fmt: skip
    spec = DriverSpec(name="driver", bus=None, devices=(PMBUS,), reflexes=(rule,))
    with pytest.raises(ValueError, match="driver: reflex 0: comparison is 'beside', must be one"):
        NodeImage([point(0), point(1, **SWITCH)], [spec])


@pytest.mark.parametrize(
    "address",
    [
        "http:foo",
        "tcp:localhost:55",
        "tcp:127.0.0.1",
        "tcp:127.0.0.256:55",
        "tcp:127.0.0.1:0",
        "tcp:127.0.0.1:65536",
        "unix:",
        "unix:/" + "a" * 107,
    ],
)
def test_a_bridge_to_an_address_that_cannot_be_is_refused_when_it_is_made(address: str) -> None:
    with pytest.raises(ValueError, match=f"^bridge '{address}': .*'unix:PATH' or 'tcp:IPV4:PORT'"):
        BridgeBus(address)


def test_a_bridge_takes_the_longest_path_and_any_port() -> None:
    for address in ("unix:/" + "a" * 106, "tcp:10.0.0.255:65535"):
        BridgeBus(address).close()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"timeout_us": 0}, "timeout_us is 0, must be a whole number, 1 to 10000000"),
        ({"timeout_us": -1}, "timeout_us is -1"),
        ({"scl": ("/dev/gpiochip0", 1)}, "sda is None, must be given where the other line is"),
        (
            {"scl": ("/dev/gpiochip0", 1), "sda": ("/dev/gpiochip0", -1)},
            r"sda\[1\] is -1, must be a whole number",
        ),
    ],
)
def test_an_adapter_that_cannot_be_is_refused_by_name(
    changes: dict[str, object], text: str
) -> None:
    with pytest.raises(ValueError, match=f"^/dev/i2c-999: .*{text}"):
        I2cBus("/dev/i2c-999", **changes)


def test_a_transfer_out_of_range_is_refused_by_name() -> None:
    with BridgeBus("tcp:127.0.0.1:1") as bridge:
        for address in (-1, 0x07, 0x78, 300):
            with pytest.raises(ValueError, match=f"address is {address}, must be 0x08 to 0x77"):
                bridge.transfer(address, b"\0", 1, timeout_us=1)
        with pytest.raises(ValueError, match="read_size is -1"):
            bridge.transfer(0x10, b"\0", -1, timeout_us=1)
        with pytest.raises(ValueError, match="timeout_us is -1"):
            bridge.exchange(b"\0", timeout_us=-1)
        with pytest.raises(ValueError, match="capacity is 0"):
            bridge.exchange(b"\0", capacity=0, timeout_us=1)
