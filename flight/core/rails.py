"""Rail sequencing: the payload bus, and each accelerator's auxiliary and module rail.

Order on: loop flow good -> payload_54v good -> accelN_aux -> aux good -> accelN_54v -> good ->
first core reading -> probation at the safe cap -> in service. Order off: module, then auxiliary.
While the module's part answers both are commanded in one decision, because a driver writes its
points in order and modules come first; while it does not, the auxiliary rail is held until the
module is known to be open. Off-times count from when both switches read open. Off-times and retries
are kept here (S4). What must be good before a rail is switched on is data: `[rails.depends]`.
"""

from enum import StrEnum
from math import nan
from typing import Final, NamedTuple

from flight.core import rail_order
from flight.core.config import RailsConfig


class Phase(StrEnum):
    """Where an accelerator's rails are."""

    UNKNOWN = "unknown"  # as found; nothing is commanded
    OFF = "off"
    AUX = "aux"  # auxiliary rail on, waiting for power good
    READY = "ready"  # auxiliary good, waiting for its turn to switch the module on
    MODULE = "module"  # module rail on, waiting for power good
    STARTING = "starting"  # both good, waiting for the first core reading
    PROBATION = "probation"  # answers, at the safe cap
    ON = "on"
    LATCHED_OFF = "latched_off"  # until an operator's clear_latched


NO_ANSWER: Final = "accelerator did not answer"
AUX_ON = frozenset(
    {Phase.AUX, Phase.READY, Phase.MODULE, Phase.STARTING, Phase.PROBATION, Phase.ON}
)
MODULE_ON = frozenset({Phase.MODULE, Phase.STARTING, Phase.PROBATION, Phase.ON})
GOOD_ONCE = frozenset({Phase.STARTING, Phase.PROBATION, Phase.ON})
SERVED = frozenset({Phase.PROBATION, Phase.ON})
COMMANDED_OFF = frozenset({Phase.OFF, Phase.LATCHED_OFF})


class Pair(NamedTuple):
    """Rails of one accelerator. Times in ns.

    off_ns: minimum off-time owed, from open_ns. retries_ns: instants of switch-offs for a fault in
    the window. reason: what switched it off or latched it, for the operator. open_ns: when both
    switches first read open after they were commanded off; 0: not yet. aux_held: the auxiliary rail
    stays on until the module is known to be open. urgent: safety needs the module off.
    stays_off: latched off before a restart, and so again once its switches are sensed.
    """

    phase: Phase = Phase.UNKNOWN
    since_ns: int = 0
    off_ns: int = 0
    retries_ns: tuple[int, ...] = ()
    reason: str = ""
    open_ns: int = 0
    aux_held: bool = False
    urgent: bool = False
    stays_off: bool = False


class PairSample(NamedTuple):
    """Trusted readings around one accelerator; None: unknown.

    answers: a core temperature is trusted. module_answers: the module's part answered just now.
    payload_dead: payload_54v, which feeds the module, has no voltage.
    """

    aux_enable: float | None
    aux_voltage_v: float | None
    aux_current_a: float | None
    module_enable: float | None
    module_voltage_v: float | None
    module_current_a: float | None
    answers: bool
    module_answers: bool = True
    payload_dead: bool = False


class Conditions(NamedTuple):
    """What holds for all pairs in one cycle."""

    now_ns: int
    flow_good: bool
    payload_good: bool
    module_turn: bool  # stagger time has passed since the last module switch-on


def trip(
    config: RailsConfig,
    pair: Pair,
    *,
    reason: str,
    off_s: float,
    now_ns: int,
    urgent: bool = False,
    retry_count_max: int | None = None,
) -> Pair:
    """Return the pair switched off for a fault: a retry is counted, or it latches off.

    Args:
        urgent: Safety needs the module off, not an operator or a retry alone.
        retry_count_max: A smaller number of retries than the configured one.

    Guarantees: at most `retry_count_max` results in the window allow another switch-on.
    """
    window_ns = now_ns - round(config.retry_window_s * 1e9)
    recent = tuple(t for t in pair.retries_ns if t > window_ns)
    allowed = config.retry_count_max if retry_count_max is None else retry_count_max
    off_ns = round(off_s * 1e9)
    if len(recent) >= allowed:
        return _commanded_off(pair, Phase.LATCHED_OFF, now_ns, off_ns, recent, reason, urgent)
    return _commanded_off(pair, Phase.OFF, now_ns, off_ns, (*recent, now_ns), reason, urgent)


def latch_off(config: RailsConfig, pair: Pair, *, reason: str, now_ns: int) -> Pair:
    """Return the pair off until an operator clears it."""
    off_ns, retries_ns = round(config.off_time_s * 1e9), pair.retries_ns
    return _commanded_off(pair, Phase.LATCHED_OFF, now_ns, off_ns, retries_ns, reason, pair.urgent)


def switch_off(config: RailsConfig, pair: Pair, *, reason: str, now_ns: int) -> Pair:
    """Return the pair switched off in order, on purpose."""
    if pair.phase in COMMANDED_OFF:
        return pair
    off_ns = round(config.off_time_s * 1e9)
    return _commanded_off(pair, Phase.OFF, now_ns, off_ns, pair.retries_ns, reason, False)


def _commanded_off(
    pair: Pair,
    phase: Phase,
    now_ns: int,
    off_ns: int,
    retries_ns: tuple[int, ...],
    reason: str,
    urgent: bool,
) -> Pair:
    """Return the pair commanded off; what is known of its opening stays known."""
    was_off = pair.phase in COMMANDED_OFF
    held = pair.aux_held if was_off else pair.phase in MODULE_ON
    open_ns = pair.open_ns if was_off else 0
    return Pair(phase, now_ns, off_ns, retries_ns, reason, open_ns, held, urgent)


def clear(pair: Pair) -> Pair:
    """Return a latched pair as simply off, with fresh retries; it still owes its off-time."""
    if pair.stays_off:
        return Pair()
    if pair.phase is not Phase.LATCHED_OFF:
        return pair
    return pair._replace(phase=Phase.OFF, retries_ns=(), reason="")


def step(
    config: RailsConfig, pair: Pair, sample: PairSample, conditions: Conditions, *, wanted: bool
) -> Pair:
    """Return one accelerator's rails one cycle later, faults aside (`trip` handles them).

    Args:
        wanted: The accelerator shall be on.

    Guarantees: the auxiliary rail is commanded on only while flow and payload bus are good, both
    switches read open, its off-time is over and it carries no current; the module rail only after
    the auxiliary is good. A reading that is unknown never starts anything.
    """
    now_ns = conditions.now_ns
    pair = _confirm(config, pair, sample, now_ns)
    phase = pair.phase
    if phase is Phase.LATCHED_OFF:
        return pair
    if phase is Phase.UNKNOWN:
        after = _adopt(config, pair, sample, now_ns)
    elif not wanted:
        after = switch_off(config, pair, reason="not wanted", now_ns=now_ns)
    elif phase is Phase.OFF:
        after = _start(config, pair, sample, conditions)
    else:
        after = _climb(config, pair, sample, conditions)
    return after if after is pair else _confirm(config, after, sample, now_ns)


def module_is_open(
    config: RailsConfig, enable: float | None, voltage_v: float | None, *, payload_dead: bool
) -> bool:
    """Return whether a module rail is known to be off: by its switch, its output, or its feed."""
    if payload_dead or (enable is not None and enable < 0.5):
        return True
    return voltage_v is not None and voltage_v < config.module_voltage_v_min


def _confirm(config: RailsConfig, pair: Pair, sample: PairSample, now_ns: int) -> Pair:
    """Follow a switch-off until it is confirmed; the same object when nothing changed.

    Guarantees: once released, the auxiliary rail is not held again before the next switch-on.
    """
    if pair.open_ns or pair.phase not in COMMANDED_OFF:
        return pair
    module_open = module_is_open(
        config, sample.module_enable, sample.module_voltage_v, payload_dead=sample.payload_dead
    )
    if _reads_off(sample.module_enable) and _reads_off(sample.aux_enable):
        return pair._replace(open_ns=now_ns, aux_held=False)
    together = pair.since_ns == now_ns and sample.module_answers
    if pair.aux_held and (module_open or together):
        return pair._replace(aux_held=False)
    return pair


def _reads_off(enable: float | None) -> bool:
    return enable is not None and enable < 0.5


def _adopt(config: RailsConfig, pair: Pair, sample: PairSample, now_ns: int) -> Pair:
    """Take the rails as found, once both switches are sensed."""
    if sample.aux_enable is None or sample.module_enable is None:
        return pair
    aux_on, module_on = sample.aux_enable > 0.5, sample.module_enable > 0.5
    off_ns = round(config.off_time_s * 1e9)
    if pair.stays_off:
        # The module may be found on: its auxiliary rail then outlasts it, as in any switch-off.
        return Pair(Phase.LATCHED_OFF, now_ns, off_ns, (), pair.reason, 0, module_on and aux_on)
    if aux_on and module_on:
        return Pair(Phase.STARTING, now_ns, 0, (), "adopted")
    # Either alone is a state that no sequence passes through at rest: off, in order.
    reason = "found out of order" if module_on or aux_on else ""
    return Pair(Phase.OFF, now_ns, off_ns, (), reason)


def depends_are_good(
    config: RailsConfig, rail: str, conditions: Conditions, *, aux_good: bool
) -> bool:
    """Return whether all that a rail depends on, directly or through another, is good."""
    good = {
        rail_order.COOLANT_FLOW: conditions.flow_good,
        rail_order.PAYLOAD: conditions.payload_good,
        rail_order.AUX: aux_good,
    }
    return all(good.get(name, False) for name in rail_order.all_depends(config.depends, rail))


def _start(config: RailsConfig, pair: Pair, sample: PairSample, conditions: Conditions) -> Pair:
    aux_a, module_a = sample.aux_current_a, sample.module_current_a
    dead = (
        aux_a is not None
        and module_a is not None
        and aux_a < config.aux_zero_current_a
        and module_a < config.zero_current_a
        and _reads_off(sample.aux_enable)
        and _reads_off(sample.module_enable)
    )
    due = pair.open_ns > 0 and conditions.now_ns - pair.open_ns >= pair.off_ns
    if due and dead and depends_are_good(config, rail_order.AUX, conditions, aux_good=False):
        return Pair(Phase.AUX, conditions.now_ns, 0, pair.retries_ns, pair.reason)
    return pair


def _climb(config: RailsConfig, pair: Pair, sample: PairSample, conditions: Conditions) -> Pair:
    """One step up, or off again when the step took too long."""
    if pair.phase in (Phase.STARTING, Phase.PROBATION):
        return _enter_service(config, pair, sample, conditions.now_ns)
    phase, now_ns = pair.phase, conditions.now_ns
    timed_out = (now_ns - pair.since_ns) * 1e-9 >= config.power_good_timeout_s
    aux_v, module_v = sample.aux_voltage_v, sample.module_voltage_v
    aux_good = aux_v is not None and aux_v >= config.aux_voltage_v_min
    module_good = module_v is not None and module_v >= config.module_voltage_v_min
    failure, upward = "", False
    if phase is Phase.AUX:
        upward = aux_good
        failure = "auxiliary rail did not become good" if timed_out else ""
    elif phase is Phase.READY:
        depends = depends_are_good(config, rail_order.MODULE, conditions, aux_good=aux_good)
        upward = depends and conditions.module_turn
        failure = "" if depends else "lost what it depends on"
    elif phase is Phase.MODULE:
        upward = module_good
        failure = "module rail did not become good" if timed_out else ""
    if upward:
        return pair._replace(phase=_NEXT[phase], since_ns=now_ns)
    return _fail(config, pair, failure, now_ns) if failure else pair


_NEXT = {Phase.AUX: Phase.READY, Phase.READY: Phase.MODULE, Phase.MODULE: Phase.STARTING}


def _enter_service(config: RailsConfig, pair: Pair, sample: PairSample, now_ns: int) -> Pair:
    """Both rails are good: wait for the accelerator to answer, then for its probation to end."""
    waited_s = (now_ns - pair.since_ns) * 1e-9
    if pair.phase is Phase.STARTING:
        if sample.answers:
            return pair._replace(phase=Phase.PROBATION, since_ns=now_ns)
        if waited_s >= config.accelerator_boot_s_max:
            return _fail(config, pair, NO_ANSWER, now_ns)
        return pair
    if not sample.answers:
        return pair._replace(phase=Phase.STARTING, since_ns=now_ns)
    if waited_s >= config.probation_s:
        return pair._replace(phase=Phase.ON, since_ns=now_ns, reason="")
    return pair


def _fail(config: RailsConfig, pair: Pair, reason: str, now_ns: int) -> Pair:
    return trip(config, pair, reason=reason, off_s=config.spurious_off_time_s, now_ns=now_ns)


class PayloadPhase(StrEnum):
    """Where the payload bus switch is."""

    UNKNOWN = "unknown"
    OFF = "off"
    SWITCHING = "switching"
    ON = "on"
    LATCHED_OFF = "latched_off"


class Payload(NamedTuple):
    """The payload bus switch; fields as in Pair."""

    phase: PayloadPhase = PayloadPhase.UNKNOWN
    since_ns: int = 0
    off_ns: int = 0
    retries_ns: tuple[int, ...] = ()
    reason: str = ""
    stays_off: bool = False


def step_payload(
    config: RailsConfig,
    payload: Payload,
    *,
    enable: float | None,
    voltage_v: float | None,
    wanted: bool,
    modules_off: bool,
    now_ns: int,
) -> Payload:
    """Return the payload bus one cycle later.

    Args:
        wanted: Some accelerator shall be on. Not wanted: it is left as it is.
        modules_off: No module is commanded on; only then it is switched on.
    """
    phase = payload.phase
    waited_ns = now_ns - payload.since_ns
    if phase is PayloadPhase.UNKNOWN:
        if enable is None or (payload.stays_off and not modules_off):
            return payload
        off_ns = round(config.off_time_s * 1e9)
        if payload.stays_off:
            return Payload(PayloadPhase.LATCHED_OFF, now_ns, off_ns, (), payload.reason)
        found = PayloadPhase.ON if enable > 0.5 else PayloadPhase.OFF
        return Payload(found, now_ns, off_ns)
    if phase is PayloadPhase.OFF and wanted and modules_off and waited_ns >= payload.off_ns:
        return payload._replace(phase=PayloadPhase.SWITCHING, since_ns=now_ns)
    if phase is PayloadPhase.SWITCHING:
        if voltage_v is not None and voltage_v >= config.module_voltage_v_min:
            return payload._replace(phase=PayloadPhase.ON, since_ns=now_ns, reason="")
        if waited_ns >= config.power_good_timeout_s * 1e9:
            return trip_payload(config, payload, reason="did not become good", now_ns=now_ns)
    return payload


def payload_enable(payload: Payload) -> float:
    """Return the desired switch of the payload bus: 1, 0, or NaN while it is as found."""
    if payload.phase is PayloadPhase.UNKNOWN:
        return nan
    return float(payload.phase in (PayloadPhase.SWITCHING, PayloadPhase.ON))


def trip_payload(config: RailsConfig, payload: Payload, *, reason: str, now_ns: int) -> Payload:
    """Return the payload bus off for a fault: a retry is counted, or it latches off."""
    window_ns = now_ns - round(config.retry_window_s * 1e9)
    recent = tuple(t for t in payload.retries_ns if t > window_ns)
    off_ns = round(config.spurious_off_time_s * 1e9)
    if len(recent) >= config.retry_count_max:
        return Payload(PayloadPhase.LATCHED_OFF, now_ns, off_ns, recent, reason)
    return Payload(PayloadPhase.OFF, now_ns, off_ns, (*recent, now_ns), reason)


def open_payload(config: RailsConfig, payload: Payload, *, reason: str, now_ns: int) -> Payload:
    """Return the payload bus off until an operator clears it."""
    off_ns = round(config.off_time_s * 1e9)
    return Payload(PayloadPhase.LATCHED_OFF, now_ns, off_ns, payload.retries_ns, reason)


def clear_payload(payload: Payload) -> Payload:
    """Return a latched payload bus as simply off, with fresh retries; it owes its off-time."""
    if payload.stays_off:
        return Payload()
    if payload.phase is not PayloadPhase.LATCHED_OFF:
        return payload
    return Payload(PayloadPhase.OFF, payload.since_ns, payload.off_ns)
