"""Parameters: keys of the configuration changed in flight, as one transaction, with a way back.

stage (each key checked) -> validate (all together, by the configuration's own rules) -> activate
(all at once) -> confirm in time, or everything is as it was before. A restart confirms nothing:
what was not confirmed is taken back at the start. Operator errors are values with their reason.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from flight.config import NodeConfig
from flight.core.types import Event, Severity
from flight.operator_error import explain_validation, suggest
from flight.services.parameter_table import PARAMETERS, SIZED, Parameter, range_text
from flight.services.stored_state import NS_PER_S, ParameterSet, ParameterValue

CONFIRM_S_MIN, CONFIRM_S_MAX = 1.0, 86400.0  # assumed: a pass, or a day of passes

_REF1 = NodeConfig()

Values = Mapping[str, ParameterValue]


class Outcome(NamedTuple):
    """What a call did. reasons: why it was refused, one sentence each; () when it was not.

    restart_keys: changed now, in effect from the next start of the daemon on.
    """

    ok: bool
    reasons: tuple[str, ...] = ()
    restart_keys: tuple[str, ...] = ()


class Parameters:
    """The parameters of a run.

    Args:
        config: Of the file. `self.config` is that with the active parameters.
        stored: What the store remembers.
        save: Takes each new set, for the store; must return at once.
        boottime_ns: CLOCK_BOOTTIME, in which deadlines are kept.
        now_ns: Monotonic clock, for events.
        on_change: Called with the new configuration; the cycle swaps it in between two steps.
        why_unusable: Says why the node cannot fly a configuration that keeps its own rules, "" when
            it can: asked before anything is in force or stored.
        use_golden: Leave the parameters aside in this run. They stay stored until something else is
            activated.

    What is stored and cannot be used any more, because the file or the table has changed, is left
    out with an event; it never prevents a start.
    """

    def __init__(
        self,
        config: NodeConfig,
        stored: ParameterSet,
        *,
        save: Callable[[ParameterSet], None],
        boottime_ns: Callable[[], int],
        now_ns: Callable[[], int],
        on_event: Callable[[Event], None] = lambda _event: None,
        on_change: Callable[[NodeConfig], None] = lambda _config: None,
        why_unusable: Callable[[NodeConfig], str] = lambda _config: "",
        use_golden: bool = False,
    ) -> None:
        self.config = config
        self.set = ParameterSet()
        self._shipped = config
        self._save = save
        self._boottime_ns = boottime_ns
        self._now_ns = now_ns
        self._on_event = on_event
        self._on_change = on_change
        self._why_unusable = why_unusable
        self._aside = stored if use_golden else None
        if use_golden:
            if stored.active:
                text = f"not used in this run: {_text(stored.active)}"
                self._tell("parameter.set_aside", Severity.WARNING, "parameters", text)
            return
        self._restore(stored)

    def stage(self, key: str, value: ParameterValue | None) -> Outcome:
        """Stage one value; None: back to that of the configuration file."""
        parameter = PARAMETERS.get(key)
        if parameter is None:
            return _refuse(f"{key}: is not a parameter{suggest(key, PARAMETERS)}")
        if value is None:
            value = _value_at(self._shipped, key)
        checked, reason = _checked(self._shipped, parameter, value)
        if reason:
            return _refuse(reason)
        self._keep(self.set._replace(staged={**self.set.staged, key: checked}))
        return Outcome(True)

    def discard(self) -> Outcome:
        """Drop all that is staged."""
        self._keep(self.set._replace(staged={}))
        return Outcome(True)

    def validate(self) -> Outcome:
        """Check the staged values together with all others."""
        if not self.set.staged:
            return _refuse("nothing is staged")
        _, reasons = self._build({**self.set.active, **self.set.staged})
        return Outcome(not reasons, reasons)

    def activate(self, confirm_s: float) -> Outcome:
        """Put all staged values in force, or none; they are taken back unless confirmed in time."""
        if self.set.before is not None:
            return _refuse("the last activation is not confirmed yet: confirm or revert it first")
        if not CONFIRM_S_MIN <= confirm_s <= CONFIRM_S_MAX:  # also refuses NaN
            return _refuse(
                f"confirm_s = {confirm_s}: write {CONFIRM_S_MIN:g} to {CONFIRM_S_MAX:g} s"
            )
        validated = self.validate()
        if not validated.ok:
            return validated
        before = self.set.active
        active = self._differing({**before, **self.set.staged})
        deadline_ns = self._boottime_ns() + round(confirm_s * NS_PER_S)
        restart_keys = tuple(key for key in self.set.staged if PARAMETERS[key].restart)
        self._aside = None
        self._put(ParameterSet(active, {}, before, deadline_ns), "activated")
        return Outcome(True, restart_keys=restart_keys)

    def confirm(self) -> Outcome:
        """Keep the last activation."""
        if self.set.before is None:
            return _refuse("nothing waits for a confirmation")
        if self._is_due():  # the check comes once a second: late is late all the same
            self.expire()
            return _refuse("too late: the last activation has been taken back")
        self._keep(self.set._replace(before=None, confirm_by_ns=0))
        text = f"confirmed: {_text(self.set.active) or 'as in the configuration file'}"
        self._tell("parameter.confirmed", Severity.INFO, "parameters", text)
        return Outcome(True)

    def revert(self, reason: str = "by command") -> Outcome:
        """Take the last activation back."""
        before = self.set.before
        if before is None:
            return _refuse("nothing waits for a confirmation")
        self._tell("parameter.reverted", Severity.WARNING, "parameters", f"taken back {reason}")
        self._put(ParameterSet(before, self.set.staged, None, 0), f"reverted {reason}")
        return Outcome(True)

    def expire(self) -> None:
        """Take back an activation whose deadline has passed; to be called once a second."""
        if self._is_due():
            self.revert("unconfirmed in time")

    def _is_due(self) -> bool:
        return self.set.before is not None and self._boottime_ns() >= self.set.confirm_by_ns

    def _restore(self, stored: ParameterSet) -> None:
        """Take over what is stored; of an activation that was not confirmed, what was before."""
        active = stored.active
        if stored.before is not None:
            text = f"taken back, unconfirmed at the restart: {_text(active)}"
            self._tell("parameter.reverted", Severity.WARNING, "parameters", text)
            active = stored.before
        active = self._usable(active)
        config, reasons = self._build(active)
        if reasons:
            text = f"left out: {_text(active)}: {'; '.join(reasons)}"
            self._tell("parameter.set_aside", Severity.WARNING, "parameters", text)
            active, config = {}, self._shipped
        self.config = config
        self.set = ParameterSet(active, self._usable(stored.staged))
        if self.set != stored:
            self._save(self.set)

    def _usable(self, values: Values) -> dict[str, ParameterValue]:
        """Return the values that are parameters and in range still; tell of the others."""
        kept: dict[str, ParameterValue] = {}
        for key, value in values.items():
            parameter, reason = PARAMETERS.get(key), f"{key}: is not a parameter any more"
            if parameter is not None:
                kept[key], reason = _checked(self._shipped, parameter, value)
            if reason:
                kept.pop(key, None)
                text = f"left out: {key} = {value!r}: {reason}"
                self._tell("parameter.set_aside", Severity.WARNING, key, text)
        return kept

    def _build(self, values: Values) -> tuple[NodeConfig, tuple[str, ...]]:
        """Return the whole configuration with these values, and why it cannot be."""
        config, reasons = _build(self._shipped, values)
        if reasons or config is self._shipped:
            return config, reasons
        reason = self._why_unusable(config)
        return config, (f"{_text(values)}: {reason}",) if reason else ()

    def _differing(self, values: Values) -> dict[str, ParameterValue]:
        return {k: v for k, v in values.items() if v != _value_at(self._shipped, k)}

    def _put(self, new: ParameterSet, why: str) -> None:
        """Put a set in force that is known to be valid."""
        config, reasons = self._build(new.active)
        if reasons:
            raise ValueError(f"a validated set is refused: {reasons}")
        old, self.config = self.config, config
        self._keep(new)
        for key in PARAMETERS:
            was, now = _value_at(old, key), _value_at(config, key)
            if was != now:
                value = float(now) if isinstance(now, int | float) else 0.0
                text = f"{key}: {was} -> {now}, {why}"
                self._tell("parameter.changed", Severity.INFO, key, text, value)
        self._on_change(config)

    def _keep(self, new: ParameterSet) -> None:
        self.set = new
        self._save(new if self._aside is None else self._aside._replace(staged=new.staged))

    def _tell(
        self, event_id: str, severity: Severity, subject: str, text: str, value: float = 0.0
    ) -> None:
        self._on_event(Event(self._now_ns(), event_id, severity, subject, text, value))


def render_parameters() -> str:
    """Return the table of docs/reference/parameters.md."""
    lines = ["| key | in flight | shipped | needs a restart |", "|---|---|---|---|"]
    for key, parameter in PARAMETERS.items():
        restart = "yes" if parameter.restart else "no"
        value = _value_at(_REF1, key)
        lines.append(f"| `{key}` | {range_text(parameter)} | {value} | {restart} |")
    return "\n".join(lines) + "\n"


def _checked(
    config: NodeConfig, parameter: Parameter, value: ParameterValue
) -> tuple[ParameterValue, str]:
    """Return the value in the type of its key, and why it cannot be, "" when it can."""
    key = parameter.key
    if absent := _absent(config, parameter):
        return value, f"{key}: {absent}"
    parameter = _sized(config, parameter)
    mend = f"write {range_text(parameter)}"
    if parameter.choices:
        is_good = isinstance(value, str) and value in parameter.choices
        near = suggest(str(value), parameter.choices)
        return value, "" if is_good else f"{key} = {value!r}: {mend}{near}"
    if isinstance(value, bool | str) or not parameter.low <= value <= parameter.high:
        return value, f"{key} = {value!r}: {mend}"
    if isinstance(_value_at(config, key), int):
        mend = f"write a whole number, {range_text(parameter)}"
        return int(value), "" if value == int(value) else f"{key} = {value!r}: {mend}"
    return float(value), ""


def _absent(config: NodeConfig, parameter: Parameter) -> str:
    """Return why the node does not have what the parameter is about, "" when it has."""
    if parameter.needs == "loop" and not config.node.has_loop:
        return "this node has no coolant loop"
    if parameter.needs == "battery" and not config.node.has_power_system:
        return "this node has no battery"
    return ""


def _sized(config: NodeConfig, parameter: Parameter) -> Parameter:
    """Return the parameter with the range of this node: where its own value lies outside that of
    REF-1, as wide in proportion about its own.
    """
    own = _value_at(config, parameter.key)
    if parameter.unit not in SIZED or isinstance(own, str):
        return parameter
    if parameter.low <= own <= parameter.high:
        return parameter
    ratio = own / float(_value_at(_REF1, parameter.key))
    return parameter._replace(low=parameter.low * ratio, high=parameter.high * ratio)


def _build(config: NodeConfig, values: Values) -> tuple[NodeConfig, tuple[str, ...]]:
    """Return the whole configuration with these values, and the rules that it breaks."""
    if not values:
        return config, ()
    data: dict[str, Any] = config.model_dump()
    for key, value in values.items():
        section, _, name = key.partition(".")
        data[section][name] = value
    try:
        return NodeConfig.model_validate(data), ()
    except ValidationError as error:
        return config, tuple(explain_validation("parameters", error, NodeConfig, data))


def _value_at(config: NodeConfig, key: str) -> ParameterValue:
    section, _, name = key.partition(".")
    value: ParameterValue = getattr(getattr(config, section), name)
    return value


def _text(values: Values) -> str:
    return ", ".join(f"{key} = {value}" for key, value in values.items())


def _refuse(reason: str) -> Outcome:
    return Outcome(False, (reason,))
