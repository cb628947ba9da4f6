"""Checks of a scenario that look beyond one key: names, targets, ids, anchors, and what back ends
refuse.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flight.core.points import PointTable
from flight.operator_error import key_text, suggest
from sim_hw import workload_parameters
from sim_hw.faults import FAULTS, Injector, check_parameter, check_target
from sim_hw.timeline import RESERVED_ANCHORS

if TYPE_CHECKING:
    from sim_hw.scenario import ExpectEntry, FaultEntry, Scenario

# Actions that are no commands of the node: the world around it does them.
WORLD_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "workload": workload_parameters.NAMES,
    "link_window": ("open",),
    "allotment": ("power_w", "heat_w", "valid_s", "every_s"),
}

Place = tuple[str | int, ...]
Report = Callable[[Place, object, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dictionary:
    """The names that a node knows.

    Args:
        points: All telemetry points.
        commands: Parameter names by command name; empty to check no commands.
        event_ids: All event ids; empty to check none.
    """

    points: PointTable
    commands: Mapping[str, Collection[str]] = field(default_factory=dict)
    event_ids: Collection[str] = ()


def check_scenario(
    scenario: "Scenario",
    data: Mapping[str, Any],
    path: Path | str,
    dictionary: Dictionary | None,
    injectors: Sequence[Injector],
) -> list[str]:
    """Return one line per mistake, empty when the scenario is good."""
    lines: list[str] = []

    def report(place: Place, value: object, problem: str) -> None:
        shown = "" if value is None else f" = {value!r}"
        lines.append(f"{path}: {key_text(place, data)}{shown}: {problem}")

    names = frozenset(dictionary.points.index) if dictionary is not None else None
    _check_ids(scenario, report)
    for i, fault in enumerate(scenario.fault):
        _check_fault(("fault", i), fault, names, injectors, report)
    for i, action in enumerate(scenario.action):
        commands = dictionary.commands if dictionary is not None else {}
        _check_action(("action", i), action.do, action.parameters, commands, report)
    if dictionary is not None:
        for i, expect in enumerate(scenario.expect):
            _check_expect(("expect", i), expect, dictionary, report)
    _check_anchors(scenario, report)
    return lines


def _check_ids(scenario: "Scenario", report: Report) -> None:
    ids = {
        "fault": [fault.id for fault in scenario.fault],
        "expect": [expect.id for expect in scenario.expect],
    }
    for key, names in ids.items():
        for i, name in enumerate(names):
            if name in names[:i]:
                report((key, i, "id"), name, "another one has this id; give each its own")
            if key == "fault" and name in RESERVED_ANCHORS:
                report((key, i, "id"), name, "is the name of an orbital event; choose another")


def _check_fault(
    place: Place,
    fault: "FaultEntry",
    names: frozenset[str] | None,
    injectors: Sequence[Injector],
    report: Report,
) -> None:
    kind = FAULTS.get(fault.name)
    if kind is None:
        near = suggest(fault.name, FAULTS) or f"; known faults: {', '.join(FAULTS)}"
        report((*place, "name"), fault.name, f"no such fault{near}")
        return
    problem = check_target(kind, fault.target, names) or _missing_target(fault.target, names)
    if problem is not None:
        report((*place, "target"), fault.target, problem)
        return
    for name, value in fault.parameters.items():
        problem = check_parameter(kind, name, value)
        if problem is not None:
            report((*place, "parameters", name), value, problem)
    for parameter in kind.parameters:
        if parameter.default is None and parameter.name not in fault.parameters:
            text = f"is missing; {fault.name} needs it: {parameter.meaning} ({parameter.unit})"
            report((*place, "parameters", parameter.name), None, text)
    for injector in injectors:
        reason = injector.can_inject(fault.name, fault.target)
        if reason is not None:
            report((*place, "target"), fault.target, f"{fault.name} cannot be injected: {reason}")


# Targets that are no part with points of its own: the daemon, the library, a driver with parts.
_WITHOUT_POINTS = frozenset({"daemon", "nvml", "rails_a", "rails_b", "rails_host", "radiator"})
# Parts of the plant whose points have other names.
_POINTS_OF = {"payload_outlet": "payload_54v", "bypass": "bypass_ratio", "array": "array_power_w"}


def _missing_target(target: str, names: frozenset[str] | None) -> str | None:
    """Return that this node has no such part, or None. names: of its points, None: unknown."""
    if names is None or target in _WITHOUT_POINTS or target in names:
        return None
    target = "battery" if target.startswith("cell") else _POINTS_OF.get(target, target)
    if any(f".{target}." in f".{name}." for name in names):
        return None
    return "this node has no such part"


def _check_action(
    place: Place,
    do: str,
    parameters: Mapping[str, float | bool | str],
    commands: Mapping[str, Collection[str]],
    report: Report,
) -> None:
    known: dict[str, Collection[str]] = {**commands, **WORLD_ACTIONS}
    if do not in known:
        if commands:
            near = suggest(do, known) or f"; known actions: {', '.join(known)}"
            report((*place, "do"), do, f"no such action{near}")
        return
    for name, value in parameters.items():
        if name not in known[do]:
            near = suggest(name, known[do]) or f"; it has {', '.join(known[do]) or 'none'}"
            report((*place, "parameters", name), value, f"{do} has no such parameter{near}")
    if do == "workload":
        _check_workload(place, parameters, report)
    if do == "allotment":
        _check_allotment(place, parameters, report)
    if do == "link_window" and not isinstance(parameters.get("open"), bool):
        report((*place, "parameters", "open"), parameters.get("open"), "write true or false")


def _check_allotment(
    place: Place, parameters: Mapping[str, float | bool | str], report: Report
) -> None:
    if "power_w" not in parameters:
        report((*place, "parameters", "power_w"), None, "is missing; say what is granted, in W")
    for name in WORLD_ACTIONS["allotment"]:
        value = parameters.get(name, 1.0)
        low = 0.0 if name == "every_s" else 1e-3
        if isinstance(value, bool | str) or not low <= value <= 1e6:
            what = "a number of seconds" if name.endswith("_s") else "a number of watts"
            report((*place, "parameters", name), value, f"write {what} up to 1e6")


def _check_workload(
    place: Place, parameters: Mapping[str, float | bool | str], report: Report
) -> None:
    kinds = workload_parameters.WORKLOAD_KINDS
    kind = parameters.get("kind", "constant")
    if kind not in kinds:
        near = suggest(str(kind), kinds) or f"; known: {', '.join(kinds)}"
        report((*place, "parameters", "kind"), kind, f"no such workload{near}")
        return
    known = {number.name: number for number in workload_parameters.PARAMETERS[str(kind)]}
    for name, value in parameters.items():
        if name in known:
            low, high = known[name].low, known[name].high
            if isinstance(value, bool | str) or not low <= value <= high:
                report((*place, "parameters", name), value, f"write {low:g} to {high:g}")
        elif name in workload_parameters.NAMES and name not in ("kind", "file"):
            takes = ", ".join(known) or "no number"
            report((*place, "parameters", name), value, f"a {kind} workload takes {takes}")
    if kind == "trace" and not isinstance(parameters.get("file"), str):
        report((*place, "parameters", "file"), parameters.get("file"), "a trace needs its file")


def _check_expect(
    place: Place, expect: "ExpectEntry", dictionary: Dictionary, report: Report
) -> None:
    if expect.point is not None and not dictionary.points.match(expect.point):
        near = suggest(expect.point, dictionary.points.index)
        report((*place, "point"), expect.point, f"no point has this name{near}")
    ids = dictionary.event_ids
    if expect.event is not None and ids and not any(fnmatchcase(i, expect.event) for i in ids):
        near = suggest(expect.event, ids) or f"; known events: {', '.join(sorted(ids))}"
        report((*place, "event"), expect.event, f"no event has this id{near}")


def _check_anchors(scenario: "Scenario", report: Report) -> None:
    anchors = {fault.id: fault.at.anchor for fault in scenario.fault}
    known = (*RESERVED_ANCHORS, *anchors)
    for place, time in scenario.times():
        if time.anchor not in known:
            near = suggest(time.anchor, known) or f"; known are {', '.join(known)}"
            problem = f"'{time.anchor}' is neither an orbital event nor the id of a fault{near}"
            report(place, time.text, problem)
    for i, fault in enumerate(scenario.fault):
        here, steps = fault.at.anchor, 0
        while here in anchors and steps <= len(anchors):
            here, steps = anchors[here], steps + 1
        if steps > len(anchors):
            report(
                ("fault", i, "at"), fault.at.text, "leans on itself; give one fault a fixed time"
            )
