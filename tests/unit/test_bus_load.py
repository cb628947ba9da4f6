"""What polling takes of a node's buses, and the refusal of what cannot fit."""

import socket
from pathlib import Path
from typing import Literal

import pytest

from flight.bus_load import bus_loads, check_bus_load, planned_bus_loads
from flight.bus_transfers import rounds_per_s
from flight.cli import main
from flight.config import NodeConfig, build_points, load_config
from flight.node import HalSpecs, build_hal_specs
from flight.operator_error import OperatorError
from hal import (
    BridgeBus,
    Device,
    DriverSet,
    DriverSpec,
    Ina2xxDevice,
    NodeImage,
    PmbusDevice,
    PointSpec,
    Status,
    Tmp4xxDevice,
)
from hal.codec import pec
from sim_hw.devices import PlantImage, SimulatedDevices
from sim_hw.simulated_node import SimulatedHardware
from tests.contract.bridge_server import BridgeServer, Request, answer_to

REF1 = Path(__file__).parents[2] / "examples" / "configs" / "ref1.toml"
CYCLE_NS = 100_000_000
STATUS = 4  # channel of a pmbus device
WORD_WITH_PEC_S = 57 / 100_000  # 6 bytes of 9 clocks, START, repeated START, STOP


def loads_of(config: NodeConfig) -> dict[str, float]:
    return {load.driver: load.occupancy_ratio for load in planned_bus_loads(config)}


def test_ref1_leaves_every_bus_more_than_half_of_its_time() -> None:
    loads = loads_of(load_config(REF1))
    assert set(loads) == {"rails_a", "rails_b", "rails_host", "loop", "eps", "host"}
    assert all(0.0 < load < 0.5 for load in loads.values()), loads


def test_a_word_takes_as_long_as_smbus_says() -> None:
    """One monitor of four pages: 3 words and STATUS_WORD, PAGE, its read-back, the lock's tenth."""
    config = NodeConfig()
    host = next(load for load in planned_bus_loads(config) if load.driver == "rails_host")
    words_s = 4 * 4 * WORD_WITH_PEC_S
    pages_s = 4 * (38 + 48) / 100_000
    lock_s = 4 * 48 / 100_000 / 10
    assert host.poll_s == pytest.approx(words_s + pages_s + lock_s)
    assert host.occupancy_ratio == pytest.approx(host.poll_s / 0.1)


ROUNDS = 10
WARM_UP_ROUNDS = 20  # learn, program the limits, verify them


def test_ref1_is_polled_with_exactly_the_transfers_that_were_computed() -> None:
    config = load_config(REF1)
    with SimulatedDevices(PlantImage(), seed=1) as devices:
        specs = build_hal_specs(config, build_points(config), SimulatedHardware(devices))
        image = NodeImage(specs.points, specs.drivers)
        drivers = DriverSet(image)
        loads = bus_loads(config, specs)
        before: dict[str, int] = {}
        for cycle in range(1, WARM_UP_ROUNDS + ROUNDS + 1):
            devices.advance(cycle * CYCLE_NS)
            drivers.poll(cycle * CYCLE_NS)
            if cycle == WARM_UP_ROUNDS:
                before = {x.driver: image.statistics(x.driver).transfer_count for x in loads}
        for load in loads:
            sent = image.statistics(load.driver).transfer_count - before[load.driver]
            assert sent == pytest.approx(load.transfers_per_s * ROUNDS * CYCLE_NS / 1e9), (
                load.driver
            )
        drivers.close()
        image.close()


class Part:
    """Registers behind a bridge: it answers what was written, or what it was given, or zeros."""

    def __init__(self, registers: dict[int, int], *, big_endian: bool, pec: bool) -> None:
        self.registers = dict(registers)
        self.order: Literal["big", "little"] = "big" if big_endian else "little"
        self.pec = pec

    def transfer(self, write: bytes, read_size: int) -> bytes:
        """Take a message; return what is read."""
        if read_size == 0:
            data = write[1 : len(write) - int(self.pec)]
            self.registers[write[0]] = int.from_bytes(data, self.order)
            return b""
        data = self.block(write[0], read_size - int(self.pec))
        message = bytes([ADDRESS << 1]) + write + bytes([ADDRESS << 1 | 1]) + data
        return data + bytes([pec(message)]) if self.pec and read_size > 1 else data

    def block(self, command: int, size: int) -> bytes:
        """Return a register; READ_EIN_EXT, the one block here, is 8 bytes behind its length."""
        if command == READ_EIN_EXT:
            return bytes([8, *range(8)])[: max(1, size)]
        return (self.registers.get(command, 0) % 256**size).to_bytes(size, self.order)


ADDRESS = 0x40
READ_EIN_EXT = 0xDC
TI = {0xFE: 0x5449}
PARTS: list[tuple[Device, dict[int, int], int]] = [  # device, what it holds, channels
    (Ina2xxDevice(part="ina219", address=ADDRESS, shunt_ohm=0.01), {}, 4),
    (
        Ina2xxDevice(part="ina226", address=ADDRESS, shunt_ohm=0.01, current_limit_a=5.0),
        TI | {0xFF: 0x2260},
        8,
    ),
    (
        Ina2xxDevice(part="ina228", address=ADDRESS, shunt_ohm=0.01, current_limit_a=5.0),
        {0x3E: 0x5449, 0x3F: 0x2281},
        8,
    ),
    (Ina2xxDevice(part="ina228", address=ADDRESS, shunt_ohm=0.01), {0x3E: 0x5449, 0x3F: 0x2281}, 7),
    (Tmp4xxDevice(part="tmp421", address=ADDRESS), {0xFE: 0x55, 0xFF: 0x21}, 2),
    (Tmp4xxDevice(part="tmp464", address=ADDRESS), TI | {0xFF: 0x1468}, 5),
    (Tmp4xxDevice(part="tmp464", address=ADDRESS, temp_limit_c=90.0), TI | {0xFF: 0x1468}, 6),
    (PmbusDevice(address=ADDRESS), {0x20: 0x18}, 6),
    (
        PmbusDevice(
            address=ADDRESS,
            part="ltc3887",
            page=1,
            current_limit_a=9.0,
            temp_limit_c=110.0,
            voltage_limit_v_high=1.2,
            voltage_limit_v_low=0.8,
        ),
        {0x20: 0x14, 0xEF: 0x60},
        6,
    ),
    (
        PmbusDevice(address=ADDRESS, part="ltc2978", pec=False, voltage_limit_v_high=1.2),
        {0x20: 0x14, 0xEF: 0x40, 0xE7: 0x0130},
        1,
    ),
    (
        PmbusDevice(address=ADDRESS, part="raa228", page=0, phase=2, current_limit_a=9.0),
        {0x20: 0x40},
        6,
    ),
    (
        PmbusDevice(address=ADDRESS, part="adm1272", shunt_uohm=300, power_limit_w=500.0),
        {},
        12,
    ),
]


@pytest.mark.parametrize(("device", "registers", "channels"), PARTS, ids=lambda x: "")
@pytest.mark.parametrize("status_rounds", [1, 5])
def test_each_class_sends_what_was_computed_byte_for_byte(
    device: Device, registers: dict[int, int], channels: int, status_rounds: int
) -> None:
    is_pmbus = isinstance(device, PmbusDevice)
    part = Part(registers, big_endian=not is_pmbus, pec=is_pmbus and device.pec)

    def answer(request: Request) -> bytes:
        return answer_to(request, part.transfer(request.write, request.read_size))

    points = [
        PointSpec(
            name=f"p{channel}", driver=0, device=0, channel=channel,
            period_ns=CYCLE_NS * (status_rounds if channel == STATUS and is_pmbus else 1),
        )
        for channel in range(channels)
    ]  # fmt: skip
    server = BridgeServer(socket.create_server(("127.0.0.1", 0)), answer)
    with BridgeBus(server.address) as bus:
        driver = DriverSpec(
            name="bus", bus=bus.handle, devices=(device,), retries=0, call_deadline_ns=10**11
        )
        (load,) = bus_loads(NodeConfig(), HalSpecs(tuple(points), (driver,)))
        image = NodeImage(points, [driver])
        drivers = DriverSet(image)
        for cycle in range(1, WARM_UP_ROUNDS + 1):
            drivers.poll(cycle * CYCLE_NS)
        before, seen = image.statistics("bus").transfer_count, len(server.requests)
        for cycle in range(WARM_UP_ROUNDS + 1, WARM_UP_ROUNDS + ROUNDS + 1):
            drivers.poll(cycle * CYCLE_NS)
        sent = image.statistics("bus").transfer_count - before
        image_status = image.snapshot()[2].tolist()
        clocks = sum(clocks_of(request) for request in server.requests[seen:])
        drivers.close()
        image.close()
    server.close()
    is_exact = status_rounds == 1 or not is_pmbus
    assert {Status(s) for s in image_status} <= {Status.OK, Status.UNSUPPORTED}
    if is_exact or channels <= STATUS:
        assert sent == pytest.approx(load.transfers_per_s)
        assert clocks / 100_000 == pytest.approx(load.occupancy_ratio)
    else:  # a check may fall on a round that asks for the status anyway
        assert load.transfers_per_s - 1.001 <= sent <= load.transfers_per_s + 0.001


def clocks_of(request: Request) -> int:
    """UM10204: nine clocks a byte with its acknowledge; START, repeated START and STOP."""
    if request.read_size == 0:
        return 9 * (1 + len(request.write)) + 2
    return 9 * (2 + len(request.write) + request.read_size) + 3


@pytest.mark.parametrize(
    ("grid", "rounds"),
    [
        ([(100, 0), (100, 0)], 10.0),
        ([(100, 0), (100, 50)], 20.0),
        ([(100, 0), (300, 0), (300, 200)], 10.0),
        ([(100, 20), (300, 50)], 10.0 + 10.0 / 3.0),
        ([(1000, 0)], 1.0),
    ],
)
def test_a_device_is_begun_each_time_a_point_of_it_is_due(
    grid: list[tuple[int, int]], rounds: float
) -> None:
    points = [
        PointSpec(
            name="p", driver=0, device=0, channel=0,
            period_ns=period_ms * 10**6, phase_ns=phase_ms * 10**6,
        )
        for period_ms, phase_ms in grid
    ]  # fmt: skip
    assert rounds_per_s(points) == pytest.approx(rounds)


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
