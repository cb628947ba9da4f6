"""`nightside run` on simulated devices: the daemon in real time, with the simulated node in its
process.

Until driver processes exist this is the only back end of `nightside run`, so it is refused unless
the configuration says `simulated = true`.
"""

import asyncio
import sys
import time
import uuid
from itertools import islice
from pathlib import Path

from flight.config import NodeConfig
from flight.config_check import check_config
from flight.daemon_status import control_after_s
from flight.durations import parse_duration
from flight.link.transport import Transport
from flight.log import configure_logging
from flight.operator_error import OperatorError
from flight.services.boot import this_host_boot
from flight.services.daemon import Ending, run_daemon
from flight.services.exit_guard import ExitGuard
from flight.services.folder_lock import only_daemon_in
from flight.services.link_config import LinkSection, mqtt_settings
from flight.services.memory_watch import read_rss_mib
from sim_hw.flight import FlightSetup
from sim_hw.flight_runner import FlightRunner
from sim_hw.fly import (
    DEFAULT_SEED,
    FOREIGN_ORBIT,
    load_orbit,
    load_plant_config,
    plant_mistakes,
    read_scenario,
)
from sim_hw.fly_output import prepare_folder
from sim_hw.scenario_times import resolve
from sim_hw.timeline import OrbitEvents

NS_PER_S = 1_000_000_000
FOREVER_S = 10.0 * 365.25 * 86400.0
ANCHORS_S_MAX = 86400.0  # a scenario finds the eclipses of its first day


def run_realtime(
    *,
    config_path: Path,
    duration: str | None,
    out: Path | None,
    scenario_path: Path | None = None,
    daemon_rss_mib: float = 0.0,
) -> int:
    """Run until SIGTERM, Ctrl-C or the duration is over; return the exit code.

    Args:
        scenario_path: Its start, faults and actions happen at their times after the start of this
            run; its expectations are not judged. None: nothing happens by itself.
        daemon_rss_mib: Resident memory before anything of the simulation was loaded; 0: unknown.

    Raises:
        OperatorError: the configuration cannot be used, or does not say that it is simulated.
    """
    config = check_config(config_path, (plant_mistakes,)).config
    if not config.node.simulated:
        raise OperatorError(
            f"{config_path}: node.simulated = false: only simulated devices can be run yet; "
            "say `simulated = true` under [node] if that is what you want"
        )
    setup = _setup(config, config_path, duration, scenario_path)
    folder = prepare_folder(out or Path("flights") / "run", keep=True)
    configure_logging()
    with only_daemon_in(folder):
        return _fly(setup, folder, daemon_rss_mib)


def _fly(setup: FlightSetup, folder: Path, daemon_rss_mib: float) -> int:
    runner = FlightRunner(setup, folder, realtime=True)
    world_mib = read_rss_mib() - daemon_rss_mib if daemon_rss_mib else 0.0
    started_cpu_s, started_s = time.process_time(), time.monotonic()
    exit_guard = ExitGuard()
    try:
        return asyncio.run(_run(runner, setup.config, exit_guard))
    finally:
        runner.close_files()
        sys.stdout.write(_shares(runner, started_cpu_s, time.monotonic() - started_s, world_mib))
        sys.stdout.write(_what_was_left(runner))
        try:
            runner.flight.close()
        finally:
            exit_guard.disarm()


async def _run(runner: FlightRunner, config: NodeConfig, exit_guard: ExitGuard) -> int:
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
    return await run_daemon(daemon.parts, ending=ending, exit_guard=exit_guard)


def _transport(section: LinkSection, client_id: str) -> Transport | None:
    """Return the connection to the broker; None: one in memory."""
    if section.transport == "memory":
        return None
    from flight.link.mqtt import MqttTransport  # noqa: PLC0415  # for a node with a broker

    return MqttTransport(mqtt_settings(section, client_id=client_id))


def _setup(
    config: NodeConfig, config_path: Path, duration: str | None, scenario_path: Path | None
) -> FlightSetup:
    plant_config = load_plant_config(config, config_path)
    scenario, folder = FOREIGN_ORBIT, Path()
    if scenario_path is not None:
        scenario, folder, _ = read_scenario(scenario_path, config)
        scenario = scenario.model_copy(update={"expect": ()})
    orbit = load_orbit(plant_config, None, scenario.start.orbit_phase or 0.0)
    events = OrbitEvents()
    duration_s, text = FOREVER_S, duration or scenario.duration
    if text is not None:
        what = "--duration" if duration else f"{scenario_path}: duration"
        duration_s = parse_duration(text, what=what, orbit_s=orbit.period_s)
    if scenario_path is not None:
        events = OrbitEvents.of(orbit.events(-0.5, min(duration_s, ANCHORS_S_MAX)))
    plan = resolve(
        scenario,
        events,
        duration_s=duration_s,
        seed=DEFAULT_SEED if scenario.seed is None else scenario.seed,
        path=str(scenario_path or "run"),
    )
    return FlightSetup(
        config=config, plant_config=plant_config, orbit=orbit, plan=plan, folder=folder
    )


def _shares(runner: FlightRunner, started_cpu_s: float, wall_s: float, world_mib: float) -> str:
    """Return what of CPU and memory belongs to what: the world is no part of a node in flight, and
    there the drivers are processes of their own.
    """
    cpu_s = {name: used_ns / NS_PER_S for name, used_ns in runner.cpu_ns.items()}
    drivers_s = cpu_s.get("drivers.poll", 0.0) + cpu_s.get("drivers.reconcile", 0.0)
    world_s = cpu_s.get("world", 0.0) + cpu_s.get("checks", 0.0)
    daemon_s = time.process_time() - started_cpu_s - drivers_s - world_s
    after_s = None if runner.daemon is None else control_after_s(runner.daemon)
    control = "never" if after_s is None else f"{after_s:.2f} s after the begin of the process"
    return (
        f"control       {control}\n"
        f"CPU share     start {started_cpu_s:.2f} s, world {world_s:.2f} s, "
        f"drivers {drivers_s:.2f} s,\n"
        f"              daemon {daemon_s:.2f} s: {100.0 * daemon_s / wall_s:.2f} % of a core\n"
        f"RSS share     world {world_mib:.1f} MiB\n"
    )


def _what_was_left(runner: FlightRunner) -> str:
    """What the simulated devices hold after the end: the safe values, or the proof that they do
    not.
    """
    flight = runner.flight
    image, node = flight.node.image, flight.setup.config.node
    caps = ", ".join(
        f"{cap_w:.0f}" if alive else "off"
        for cap_w, alive in islice(
            zip(image.setpoint.accel_cap_w, image.truth.accel_alive, strict=True),
            node.accelerator_count,
        )
    )
    speeds_rpm = image.setpoint.pump_speed_target_rpm if node.has_loop else ()
    pumps = ", ".join(f"{speed_rpm:.0f}" for speed_rpm in speeds_rpm)
    return f"left          caps {caps} W" + (f"; pumps {pumps} rpm\n" if pumps else "\n")
