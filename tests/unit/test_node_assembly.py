"""What a configuration becomes: which limit is programmed into which part, at which address."""

from flight.config import NodeConfig, build_points
from flight.node import build_hal_specs
from hal.spec import BusHandle, NvmlDevice, PmbusDevice


class Hardware:
    """Stands for buses and accelerators that are never opened."""

    def bus(self, driver: str) -> BusHandle:
        return BusHandle(ops_address=1, ctx_address=1)

    def accelerator(self, index: int) -> NvmlDevice:
        return NvmlDevice(library_path="/lib", pci_bus_id=f"{index}", uuid=f"GPU-{index}")


def test_each_part_gets_its_own_silicon_limit_address_and_page() -> None:
    config = NodeConfig()
    specs = build_hal_specs(config, build_points(config), Hardware())
    drivers = {driver.name: driver.devices for driver in specs.drivers}
    silicon = config.silicon
    modules = tuple(
        PmbusDevice(address=0x11 + k, current_limit_a=silicon.module_current_a_max)
        for k in range(4)
    )
    auxiliaries = tuple(
        PmbusDevice(address=0x20, page=k, current_limit_a=silicon.aux_current_a_max)
        for k in range(4)
    )
    payload = PmbusDevice(address=0x10, current_limit_a=silicon.payload_current_a_max)
    assert drivers["rails_a"] == (payload, *modules, *auxiliaries)
    assert drivers["rails_b"] == (*modules, *auxiliaries)
    assert drivers["rails_host"] == tuple(PmbusDevice(address=0x30, page=k) for k in range(4))
    assert [drivers[f"accel{i}"][0].uuid for i in range(8)] == [f"GPU-{i}" for i in range(8)]
