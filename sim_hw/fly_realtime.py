"""`nightside run` on simulated devices: the daemon in real time, with the simulated node in its
process.

Until driver processes exist this is the only back end of `nightside run`, so it is refused unless
the configuration says `simulated = true`.
"""

import asyncio
import sys
import time
import uuid
from pathlib import Path

from flight.bus_load import check_bus_load
from flight.config import NodeConfig, load_config
from flight.durations import parse_duration
from flight.link.transport import Transport
from flight.log import configure_logging
from flight.operator_error import OperatorError
from flight.services.boot import this_host_boot
from flight.services.daemon import Ending, run_daemon
from flight.services.link_config import LinkSection, mqtt_settings
from sim_hw.flight import FlightSetup
from sim_hw.flight_runner import FlightRunner
from sim_hw.fly import DEFAULT_SEED, FOREIGN_ORBIT, load_orbit, load_plant_config
from sim_hw.fly_output import prepare_folder
from sim_hw.scenario_times import resolve
from sim_hw.timeline import OrbitEvents

FOREVER_S = 10.0 * 365.25 * 86400.0


def run_realtime(*, config_path: Path, duration: str | None, out: Path | None) -> int:
    """Run until SIGTERM, Ctrl-C or the duration is over; return the exit code.

    Raises:
        OperatorError: the configuration cannot be used, or does not say that it is simulated.
    """
    config = load_config(config_path)
    check_bus_load(config_path, config)
    if not config.node.simulated:
        raise OperatorError(
            f"{config_path}: node.simulated = false: only simulated devices can be run yet; "
            "say `simulated = true` under [node] if that is what you want"
        )
    duration_s = FOREVER_S if duration is None else parse_duration(duration, what="--duration")
    setup = _setup(config, config_path, duration_s)
    folder = prepare_folder(out or Path("flights") / "run", keep=True)
    configure_logging()
    runner = FlightRunner(setup, folder, realtime=True)
    try:
        return asyncio.run(_run(runner, config))
    finally:
        runner.close_files()
        sys.stdout.write(_what_was_left(runner))
        runner.flight.close()


async def _run(runner: FlightRunner, config: NodeConfig) -> int:
    start_ns = time.monotonic_ns()  # the simulated world begins now
    ending = Ending()
    session_id = uuid.uuid4().hex
    daemon = runner.make_daemon(
        lambda: time.monotonic_ns() - start_ns,
        session_id,
        ending,
        host=this_host_boot(),
        transport=_transport(config.link, f"{config.node.satellite}-{config.node.name}"),
    )
    return await run_daemon(daemon.parts, ending=ending)


def _transport(section: LinkSection, client_id: str) -> Transport | None:
    """Return the connection to the broker; None: one in memory."""
    if section.transport == "memory":
        return None
    from flight.link.mqtt import MqttTransport  # noqa: PLC0415  # for a node with a broker

    return MqttTransport(mqtt_settings(section, client_id=client_id))


def _setup(config: NodeConfig, config_path: Path, duration_s: float) -> FlightSetup:
    plant_config = load_plant_config(config, config_path)
    orbit = load_orbit(plant_config, None, 0.0)
    plan = resolve(
        FOREIGN_ORBIT, OrbitEvents(), duration_s=duration_s, seed=DEFAULT_SEED, path="run"
    )
    return FlightSetup(config=config, plant_config=plant_config, orbit=orbit, plan=plan)


def _what_was_left(runner: FlightRunner) -> str:
    """What the simulated devices hold after the end: the safe values, or the proof that they do
    not.
    """
    image = runner.flight.node.image
    caps = ", ".join(
        f"{cap_w:.0f}" if alive else "off"
        for cap_w, alive in zip(image.setpoint.accel_cap_w, image.truth.accel_alive, strict=True)
    )
    speeds_rpm = image.setpoint.pump_speed_target_rpm
    pumps = ", ".join(f"{speed_rpm:.0f}" for speed_rpm in speeds_rpm)
    return f"left          caps {caps} W; pumps {pumps} rpm\n"
