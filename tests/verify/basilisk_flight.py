"""Three orbits in Basilisk: gravity, eclipse, solar panel, load and battery are all Basilisk's own.

Run by Basilisk's interpreter: a JSON object on standard input, one on standard output. Only the
Sun's positions come from the caller, since Basilisk's own would need files from the network.
"""

import json
import sys
from typing import Any

from Basilisk.architecture import messaging
from Basilisk.simulation import (
    eclipse,
    simpleBattery,
    simplePowerSink,
    simpleSolarPanel,
    spacecraft,
)
from Basilisk.utilities import SimulationBaseClass, macros, simIncludeGravBody

TASK = "flight"
STEP_S = 0.5


def fly(case: dict[str, Any]) -> dict[str, list[float]]:
    """Return times, shadow factors and stored energies, a sample every `sample_s`."""
    simulation = SimulationBaseClass.SimBaseClass()
    simulation.CreateNewProcess("node").addTask(
        simulation.CreateNewTask(TASK, macros.sec2nano(STEP_S))
    )
    # Basilisk holds no reference to bodies and messages: they must live as long as the flight.
    craft, _bodies = _spacecraft(case)
    sun = messaging.SpicePlanetStateMsg()
    _put_sun(sun, case["sun_km"][0], 0)
    shadow, _earth = _eclipse(case, craft, sun)
    panel = simpleSolarPanel.SimpleSolarPanel()
    panel.stateInMsg.subscribeTo(craft.scStateOutMsg)
    panel.sunInMsg.subscribeTo(sun)
    panel.sunEclipseInMsg.subscribeTo(shadow.eclipseOutMsgs[0])
    panel.setPanelParameters(case["panel_normal"], 1.0, 1.0)
    load = simplePowerSink.SimplePowerSink()
    load.nodePowerOut = -case["load_w"]
    battery = simpleBattery.SimpleBattery()
    battery.storageCapacity = case["capacity_j"]
    battery.storedCharge_Init = case["stored_j"]
    battery.addPowerNodeToModel(panel.nodePowerOutMsg)
    battery.addPowerNodeToModel(load.nodePowerOutMsg)
    for model in (craft, shadow, panel, load, battery):
        simulation.AddModelToTask(TASK, model)
    simulation.InitializeSimulation()
    simulation.ConfigureStopTime(0)
    simulation.ExecuteSimulation()
    # It starts in full Sun: the panel is given the size that yields the wanted power there.
    panel.panelArea = case["array_w"] / panel.nodePowerOutMsg.read().netPower
    start_j = battery.batPowerOutMsg.read().storageLevel
    out: dict[str, list[float]] = {"time_s": [0.0], "sunlight_ratio": [1.0], "stored_j": [start_j]}
    for number, position_km in enumerate(case["sun_km"][1:], start=1):
        time_s = number * case["sample_s"]
        simulation.ConfigureStopTime(macros.sec2nano(time_s))
        simulation.ExecuteSimulation()
        out["time_s"].append(time_s)
        out["sunlight_ratio"].append(_factor(shadow))
        out["stored_j"].append(battery.batPowerOutMsg.read().storageLevel)
        _put_sun(sun, position_km, macros.sec2nano(time_s))
    return out


def _spacecraft(case: dict[str, Any]) -> tuple[Any, Any]:
    craft = spacecraft.Spacecraft()
    bodies = simIncludeGravBody.gravBodyFactory()
    earth = bodies.createEarth()
    earth.isCentralBody = True
    earth.mu = case["mu_m3_per_s2"]
    bodies.addBodiesTo(craft)
    craft.hub.r_CN_NInit = [[x] for x in case["position_m"]]
    craft.hub.v_CN_NInit = [[x] for x in case["velocity_m_per_s"]]
    return craft, bodies


def _eclipse(case: dict[str, Any], craft: Any, sun: Any) -> tuple[Any, Any]:
    earth = messaging.SpicePlanetStateMsgPayload()
    earth.PlanetName = "custom"
    message = messaging.SpicePlanetStateMsg().write(earth)
    shadow = eclipse.Eclipse()
    shadow.rEqCustom = case["earth_radius_m"]
    shadow.sunInMsg.subscribeTo(sun)
    shadow.addPlanetToModel(message)
    shadow.addSpacecraftToModel(craft.scStateOutMsg)
    return shadow, message


def _put_sun(sun: Any, position_km: list[float], time_ns: int) -> None:
    payload = messaging.SpicePlanetStateMsgPayload()
    payload.PlanetName = "sun"
    payload.PositionVector = [1000.0 * x for x in position_km]
    sun.write(payload, time_ns)


def _factor(shadow: Any) -> float:
    told = shadow.eclipseOutMsgs[0].read()
    name = "illuminationFactor" if hasattr(told, "illuminationFactor") else "shadowFactor"
    return float(getattr(told, name))


if __name__ == "__main__":
    json.dump(fly(json.load(sys.stdin)), sys.stdout)
