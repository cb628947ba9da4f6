"""A whole node in one process: plant, simulated devices, shipped drivers and shipped daemon.

One ordered table is the whole behaviour of a simulated cycle:
plant -> drivers poll -> cycle (sense, judge, decide, act, record) -> drivers reconcile -> checks.
"""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from flight.config import NodeConfig, build_points
from flight.core.points import PointTable
from flight.core.step import compile_config, initial_state, step
from flight.node import build_hal_specs
from flight.services.cycle import Cycle, CycleSink
from flight.services.rate_group import Entry
from hal import BusHandle, DriverSet, NodeImage, NvmlDevice
from sim_hw.devices import DeviceParameters, PlantImage, SimulatedDevices
from sim_hw.orbit import Orbit
from sim_hw.plant import Plant, PlantStart
from sim_hw.plant_config import PlantConfig
from sim_hw.sensors import configure_sensors
from sim_hw.step_witness import StepWitness

NS_PER_S = 1_000_000_000
PLANT_STEP_NS_MAX = 200_000_000
REFERENCE_CAP_W_MAX = 700.0  # REF-1: the meters of SENSORS are sized for it


class Injector(Protocol):
    """What changes the simulated world from outside, at exact instants between two plant steps."""

    def next_time_ns(self) -> int:
        """Return the time of the next change, or a time after every flight when there is none."""

    def apply_due(self, now_ns: int) -> None:
        """Make all changes due at or before now_ns."""


class _NoInjector:
    def next_time_ns(self) -> int:
        return 2**63 - 1

    def apply_due(self, now_ns: int) -> None:
        """Nothing ever happens."""


class CycleGate:
    """Stands before the cycle: while stalled, the daemon's cycle does not run."""

    def __init__(self) -> None:
        self.stalled_until_ns = 0

    def stall(self, until_ns: int) -> None:
        """Keep the cycle from running before until_ns."""
        self.stalled_until_ns = max(self.stalled_until_ns, until_ns)


class SimulatedHardware:
    """Buses and accelerators for flight.node, out of the simulated devices."""

    def __init__(self, devices: SimulatedDevices) -> None:
        self._devices = devices

    def bus(self, driver: str) -> BusHandle:
        """Return the simulated bus of a driver."""
        return self._devices.bus(driver)

    def accelerator(self, index: int) -> NvmlDevice:
        """Return where the simulated accelerator `index` answers."""
        pci_bus_id, uuid = self._devices.accelerator_identity(index)
        return NvmlDevice(
            library_path=self._devices.nvml_library_path, pci_bus_id=pci_bus_id, uuid=uuid
        )


class SimulatedNode:
    """Owns the parts and steps them.

    Args:
        config: The node's configuration; its [plant] tables are sized already in plant_config.
        injector: Makes the faults; see `attach`.
        sinks: Take each cycle (recorder, link).
    """

    def __init__(
        self,
        *,
        config: NodeConfig,
        plant_config: PlantConfig,
        orbit: Orbit,
        start: PlantStart,
        seed: int,
        sinks: Sequence[CycleSink] = (),
    ) -> None:
        self.config = config
        self.table: PointTable = build_points(config)
        self.period_ns = round(config.cycle.period_s * NS_PER_S)
        self.now_ns = 0
        self.gate = CycleGate()
        self.image = PlantImage()
        cap_max_w = plant_config.accelerators.cap_max_w
        configure_sensors(self.image, power_scale=cap_max_w / REFERENCE_CAP_W_MAX)
        self.devices = SimulatedDevices(
            self.image, seed=seed, parameters=device_parameters(config, plant_config)
        )
        self.plant = Plant(
            plant_config,
            self.image,
            orbit,
            start=start,
            seed=seed,
            accelerator_count=config.node.accelerator_count,
        )
        specs = build_hal_specs(config, self.table, SimulatedHardware(self.devices))
        self.node_image = NodeImage(specs.points, specs.drivers)
        self.drivers = DriverSet(self.node_image)
        self.witness = StepWitness(step)
        self.step_config = compile_config(config, self.table)
        self.cycle = Cycle(
            image=self.node_image,
            config=self.step_config,
            state=initial_state(self.step_config),
            step=self.witness,
            sinks=sinks,
            period_ns=self.period_ns,
        )
        self._injector: Injector = _NoInjector()
        self._before: Callable[[int], None] = _nothing
        self._after: Callable[[int], None] = _nothing

    def attach(
        self,
        *,
        injector: Injector | None = None,
        before: Callable[[int], None] | None = None,
        after: Callable[[int], None] | None = None,
    ) -> None:
        """Hang in the fault injector, what runs before the plant (workload, actions) and after
        (checks).
        """
        self._injector = injector or self._injector
        self._before = before or self._before
        self._after = after or self._after

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The rate-group table of a simulated cycle."""
        return (
            ("world", self._advance_world),
            ("drivers.poll", self.drivers.poll),
            ("cycle", self._run_cycle),
            ("drivers.reconcile", self.drivers.reconcile),
            ("checks", self._check),
        )

    def fly(self, duration_s: float) -> None:
        """Step the table without an event loop, for tests that look at the node in between."""
        end_ns = self.now_ns + round(duration_s * NS_PER_S)
        entries = [entry for _, entry in self.entries]
        while self.now_ns < end_ns:
            now_ns = self.now_ns + self.period_ns
            for entry in entries:
                entry(now_ns)

    def close(self) -> None:
        """Release drivers, image and devices; a second call does nothing."""
        self.drivers.close()
        self.node_image.close()
        self.devices.close()
        self.image.share.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _advance_world(self, now_ns: int) -> None:
        self._before(now_ns)
        while (due_ns := self._injector.next_time_ns()) <= now_ns:
            self._advance_plant(due_ns)
            self._injector.apply_due(due_ns)
        self._advance_plant(now_ns)
        self.devices.advance(now_ns)
        self.plant.follow_switches()

    def _advance_plant(self, to_ns: int) -> None:
        while self.now_ns < to_ns:
            step_ns = min(to_ns - self.now_ns, PLANT_STEP_NS_MAX)
            self.plant.advance(step_ns / NS_PER_S)
            self.now_ns += step_ns

    def _run_cycle(self, now_ns: int) -> None:
        if now_ns >= self.gate.stalled_until_ns:
            self.cycle.run(now_ns)

    def _check(self, now_ns: int) -> None:
        self._after(now_ns)


def device_parameters(config: NodeConfig, plant_config: PlantConfig) -> DeviceParameters:
    """Return what the simulated devices of a node are like."""
    return DeviceParameters(
        accelerator_count=config.node.accelerator_count,
        is_conducted=not config.node.has_loop,
        is_fed=not config.node.has_power_system,
        payload_voltage_v=plant_config.bus.bus54_voltage_v,
        cap_w_min=plant_config.accelerators.cap_min_w,
        cap_w_max=plant_config.accelerators.cap_max_w,
    )


def _nothing(_now_ns: int) -> None:
    """What runs when nothing was attached."""
