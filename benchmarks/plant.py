"""What a step of the plant costs, by discipline: `python -m benchmarks.plant`.

The plant of REF-1 at full load. Each part is called by itself on a plant that has settled; what a
call through cffi costs is taken off. CPU time, the best of many rounds.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

from sim_hw._native import ffi, lib
from sim_hw.devices import PlantImage
from sim_hw.orbit import Orbit
from sim_hw.plant import Plant, PlantStart
from sim_hw.plant_config import PlantConfig

DT_S = 0.1
ROUNDS, CALLS = 30, 2000
SETTLED_S = 600.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    image = PlantImage()
    plant = Plant(PlantConfig(), image, Orbit.circular(), start=PlantStart(rails_on=True), seed=7)
    plant.utilisation_target[:] = 1.0
    while plant.time_s < SETTLED_S:
        plant.advance(DT_S)
    empty_us = best_us(lambda: lib.sim_sunlight_ratio(2.0))
    print(f"{'part':16}{'us':>8}")
    for name, call in parts(plant).items():
        print(f"{name:16}{best_us(call) - empty_us:8.2f}")
    print(f"{'Plant.advance':16}{best_us(lambda: plant.advance(DT_S)):8.2f}")


def parts(plant: Plant) -> dict[str, Callable[[], Any]]:
    """Return a call of each part of the step, as plant.c makes it."""
    data, orbit = plant.native.data, ffi.addressof(plant.native.data, "orbit")
    memory, environment = data.image, ffi.addressof(data, "environment")
    loop = ffi.addressof(data.config.heat, "loop")
    loads = ffi.new("sim_power_loads_t *", {"modules_w": 5600.0, "host_w": 400.0, "pumps_w": 53.0})
    loads.battery_temp_c = data.heat.battery_temp_c
    inputs = ffi.new("sim_heat_inputs_t *", {"environment": data.environment, "host_w": 400.0})
    inputs.flow_kg_per_s, inputs.pump_w = data.pumps.flow_kg_per_s, data.pumps.power_w

    def of(name: str) -> tuple[Any, Any, Any]:
        """Return state, configuration and faults of a domain."""
        return tuple(ffi.addressof(part, name) for part in (data, data.config, data.faults))

    accelerators, power, heat = of("accelerators"), of("power"), of("heat")
    pumps = (ffi.addressof(data, "pumps"), loop, ffi.addressof(data.faults, "pumps"))
    return {
        "environment": lambda: lib.sim_environment_at(orbit, 1234.5, environment),
        "accelerators": lambda: lib.sim_accelerators_advance(*accelerators, memory, DT_S, 54.0),
        "pumps": lambda: lib.sim_pumps_advance(*pumps, memory, DT_S, 28.0, 40.0),
        "power": lambda: lib.sim_power_advance(*power, memory, DT_S, environment, loads),
        "heat": lambda: lib.sim_heat_advance(*heat, memory, DT_S, inputs),
        "whole step in C": lambda: lib.sim_plant_advance(data, DT_S),
    }


def best_us(call: Callable[[], Any]) -> float:
    """Return the CPU time of one call in us: the least mean of the rounds."""
    best_ns = float("inf")
    for _ in range(ROUNDS):
        start_ns = time.process_time_ns()
        for _ in range(CALLS):
            call()
        best_ns = min(best_ns, (time.process_time_ns() - start_ns) / CALLS)
    return best_ns / 1e3


if __name__ == "__main__":
    main()
