"""`nightside orbit`: beta and eclipse seasons of an orbit."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flight.commands import EXIT_OK, Commands
from flight.examples import default_config_path
from flight.operator_error import OperatorError

_LTAN_H = 18.0


def add(commands: Commands) -> None:
    """Declare the command."""
    orbit = commands.add_parser("orbit", help="beta and eclipse seasons of an orbit over a year")
    orbit.add_argument("config", nargs="?", type=Path, help="node configuration (default: REF-1)")
    orbit.add_argument("--orbit", type=Path, metavar="FILE.tle", help="a real element set")
    orbit.add_argument(
        "--altitude", type=_altitude, nargs="+", metavar="KM", help="one or more circular orbits"
    )
    orbit.add_argument(
        "--inclination",
        type=_inclination,
        metavar="DEG",
        help="with --altitude: a number, or sso (default) for Sun-synchronous",
    )
    orbit.add_argument(
        "--ltan",
        type=_hours,
        metavar="HH:MM",
        help="with --altitude: local time of the ascending node at the start (default 18:00)",
    )
    orbit.add_argument("--start", type=_start, metavar="DATE", help="first day, e.g. 2030-03-20")
    orbit.add_argument("--days", type=_days, metavar="N", help="default: a year")
    orbit.add_argument("--shadow", choices=("cone", "cylinder"), default="cone")
    orbit.add_argument("--sun", choices=("apparent", "circular"), default="apparent")
    orbit.add_argument("--out", type=Path, metavar="FILE.png|FILE.svg", help="draw it, too")
    orbit.add_argument("--json", action="store_true", help="print values instead of the text")
    orbit.set_defaults(run=_orbit)


def _altitude(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of kilometres") from None


def _inclination(text: str) -> float | None:
    if text.lower() == "sso":
        return None
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor sso") from None


def _hours(text: str) -> float:
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 18:00")
    if int(hours) > 23 or int(minutes) > 59:
        raise argparse.ArgumentTypeError(f"{text} is outside 00:00 to 23:59")
    return int(hours) + int(minutes) / 60.0


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days") from None
    if not 1.0 <= days <= 3660.0:
        raise argparse.ArgumentTypeError(f"{text} is outside 1 to 3660")
    return days


def _start(text: str) -> datetime:
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2030-03-20") from None
    if not 1957 <= start.year <= 2100:
        raise argparse.ArgumentTypeError(f"{text} is outside 1957 to 2100")
    return start if start.tzinfo else start.replace(tzinfo=UTC)


def _orbit(arguments: argparse.Namespace) -> int:
    from sim_hw.seasons import YEAR_DAYS, find_seasons
    from sim_hw.seasons_plot import check_picture, plot_seasons
    from sim_hw.seasons_text import seasons_json, seasons_table, seasons_text

    _refuse_contradictions(arguments)
    if arguments.out is not None:
        check_picture(arguments.out)
    found = [
        find_seasons(
            orbit, days=arguments.days or YEAR_DAYS, shadow=arguments.shadow, sun=arguments.sun
        )
        for orbit in _orbits(arguments)
    ]
    if arguments.json:
        print(json.dumps([seasons_json(one) for one in found], indent=2))
    else:
        print(seasons_text(found[0]) if len(found) == 1 else seasons_table(found))
    if arguments.out is not None:
        plot_seasons(found, arguments.out)
        if not arguments.json:
            print(f"drawn      {arguments.out}")
    return EXIT_OK


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    given = {
        "a configuration": arguments.config,
        "--orbit": arguments.orbit,
        "--altitude": arguments.altitude,
    }
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise OperatorError(f"{' and '.join(names)} each name an orbit: give one of them")
    if arguments.altitude is None:
        for name in ("inclination", "ltan"):
            if getattr(arguments, name) is not None:
                raise OperatorError(f"--{name} goes with --altitude, which is not given")
        if arguments.orbit is None and arguments.start is not None:
            raise OperatorError(
                "--start goes with --altitude or --orbit: a configuration says itself when it "
                "begins (plant.orbit.start_utc)"
            )


def _orbits(arguments: argparse.Namespace) -> list[Any]:
    """Return the secular orbits asked for. Raises: OperatorError, when one cannot be used."""
    from sim_hw.config_orbit import OrbitConfig
    from sim_hw.orbit import Orbit
    from sim_hw.seasons import design_orbit, secular_orbit

    try:
        if arguments.altitude is not None:
            start_utc = arguments.start or OrbitConfig().start_utc
            ltan_h = _LTAN_H if arguments.ltan is None else arguments.ltan
            return [
                design_orbit(
                    altitude_km,
                    inclination_deg=arguments.inclination,
                    ltan_h=ltan_h,
                    start_utc=start_utc,
                )
                for altitude_km in arguments.altitude
            ]
        if arguments.orbit is not None:
            return [secular_orbit(Orbit.from_tle(arguments.orbit, arguments.start))]
        return [secular_orbit(_of_config(arguments.config or default_config_path()))]
    except ValueError as error:
        raise OperatorError(str(error)) from None


def _of_config(path: Path) -> Any:
    from flight.config_check import check_config
    from sim_hw.fly import load_orbit, load_plant_config, plant_mistakes

    config = check_config(path, (plant_mistakes,), with_files=False).config
    return load_orbit(load_plant_config(config, path), None, 0.0)
