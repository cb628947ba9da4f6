"""Coolant pumps: which of the two runs, and the response to a pump loss.

Sign of a loss: the running pump is far below its target, or has no current while slowing, or the
flow is low. In the cycle that confirms it every cap goes to the safe cap and the standby pump
starts. Flow good for 10 s releases the caps (the arbiter ramps); where no pump was seen to fail,
the other one runs from then on, as the first may turn without lifting. No flow in time:
accelerators off, SAFE. One lost sensor leaves the other witnesses; flow without a flow sensor is
judged by pump speed. A flow sensor alone against two pumps at speed that draw current lowers caps
and no more, until a core that stays hot at the safe cap bears it out. Times are those of samples:
an old value read again proves nothing.
"""

from enum import StrEnum
from typing import NamedTuple

from flight.core.config_loop import LoopConfig

PUMP_NAMES = ("pump_a", "pump_b")  # by place


class PumpPhase(StrEnum):
    """Phase of the pump-loss response."""

    STEADY = "steady"
    LOST = "lost"  # caps are safe, the standby pump starts
    DEAD = "dead"  # no flow in time: accelerators off


_STEADY = PumpPhase.STEADY


class PumpsWanted(StrEnum):
    """What the mode asks of the loop."""

    BOTH = "both"
    ONE = "one"
    TRICKLE = "trickle"


class PumpSample(NamedTuple):
    """Trusted readings of one pump; None: unknown. Times of their samples in ns."""

    speed_rpm: float | None
    current_a: float | None
    speed_ns: int = 0
    current_ns: int = 0


class PumpsState(NamedTuple):
    """State of the law; times in ns, 0: not.

    lead: index of the pump that runs. failed: left off until commanded. started_ns: when the
    present target was first given. doubt_since_ns: first sign of a loss; once it is lost, since
    when there has been no flow. bad_since_ns, flow_since_ns: flow bad or good without a gap since.
    """

    lead: int
    phase: PumpPhase = _STEADY
    failed: tuple[bool, bool] = (False, False)
    target_rpm: tuple[float, float] = (0.0, 0.0)
    started_ns: tuple[int, int] = (0, 0)
    doubt_since_ns: int = 0
    flow_since_ns: int = 0
    wanted: PumpsWanted | None = None
    bad_since_ns: int = 0

    @property
    def caps_are_safe(self) -> bool:
        """The response holds the caps at the safe cap."""
        return self.phase is not _STEADY


def without_loop() -> PumpsState:
    """Return the state of a node that has no pumps: nothing runs, and nothing waits for flow."""
    return PumpsState(lead=0, flow_since_ns=1)


def step(
    config: LoopConfig,
    state: PumpsState,
    *,
    pumps: tuple[PumpSample, PumpSample],
    flow_kg_per_s: float | None,
    flow_ns: int,
    wanted: PumpsWanted,
    loss_response: bool,
    hot: bool,
    now_ns: int,
) -> PumpsState:
    """Return the pumps one cycle later.

    Args:
        flow_kg_per_s: Trusted flow; None: unknown, then a pump at speed counts as flow. flow_ns:
            time of its sample.
        hot: A core is at its set-point or above: asked for only while a loss is being answered.
        loss_response: False while the response is inhibited: a loss is not looked for.

    Guarantees: a confirmed loss starts the standby pump and sets `caps_are_safe` in the same call.
    A failed pump is not started before `clear_failed`, but the last pump is always kept running.
    """
    at_speed = tuple(_is_at_speed(config, state, pumps[i], i) for i in (0, 1))
    if flow_kg_per_s is None:
        flow_good = any(speed is True for speed in at_speed)
    else:
        flow_good = flow_kg_per_s >= config.flow_kg_per_s_min and not all(
            s is False for s in at_speed
        )
    flow_since_ns = (state.flow_since_ns or now_ns) if flow_good else 0

    lead_bad_ns = _lead_is_bad(config, state, pumps[state.lead], at_speed[state.lead], now_ns)
    flow_bad = flow_kg_per_s is not None and not flow_good and _is_spun_up(config, state, now_ns)
    seen_ns = max(lead_bad_ns, flow_ns if flow_bad else 0)  # newest sample that says so
    doubt_since_ns = (state.doubt_since_ns or seen_ns) if seen_ns else 0

    phase, lead, failed, bad_since_ns = state.phase, state.lead, state.failed, 0
    if phase is _STEADY:
        confirmed = seen_ns and seen_ns - doubt_since_ns >= config.loss_confirm_s * 1e9
        if confirmed and loss_response and wanted is not PumpsWanted.TRICKLE:
            phase, flow_since_ns = PumpPhase.LOST, 0
            if lead_bad_ns:
                failed = _with(failed, lead, True)
                lead = lead if failed[1 - lead] else 1 - lead
    elif flow_good:
        doubt_since_ns = state.doubt_since_ns
        if now_ns - flow_since_ns >= config.flow_good_s * 1e9:
            phase = _STEADY
            if True not in failed:  # the flow alone told of the loss: now the other pump runs
                lead = 1 - lead
        if phase is _STEADY or now_ns - flow_since_ns >= config.flow_back_s * 1e9:
            doubt_since_ns = 0
    else:
        bad_since_ns = state.bad_since_ns or now_ns
        doubt_since_ns = state.doubt_since_ns or now_ns
        if _is_dead(config, state, pumps, doubt_since_ns, bad_since_ns, hot, now_ns):
            phase = PumpPhase.DEAD
    if not loss_response:
        phase = _STEADY

    target_rpm = _targets(config, lead, phase, failed, wanted)
    started_ns = _started(state, target_rpm, now_ns)
    return PumpsState(
        lead, phase, failed, target_rpm, started_ns, doubt_since_ns, flow_since_ns, wanted,
        bad_since_ns,
    )  # fmt: skip


def _started(state: PumpsState, target_rpm: tuple[float, float], now_ns: int) -> tuple[int, int]:
    """Return since when each pump has had its target."""
    return (
        now_ns if target_rpm[0] != state.target_rpm[0] else state.started_ns[0],
        now_ns if target_rpm[1] != state.target_rpm[1] else state.started_ns[1],
    )


def _is_dead(
    config: LoopConfig,
    state: PumpsState,
    pumps: tuple[PumpSample, PumpSample],
    none_since_ns: int,
    bad_since_ns: int,
    hot: bool,
    now_ns: int,
) -> bool:
    """No flow for too long, and not for one sample only, nor by the flow sensor alone."""
    if now_ns - none_since_ns < config.no_flow_off_s * 1e9:
        return False
    if now_ns - bad_since_ns < config.loss_confirm_s * 1e9:
        return False
    running = all(
        _is_at_speed(config, state, pump, i) is True
        and pump.current_a is not None
        and pump.current_a >= config.pump_current_a_min
        for i, pump in enumerate(pumps)
    )
    return hot or not running


def is_quiet(
    config: LoopConfig,
    state: PumpsState,
    *,
    speed_rpm: float,
    current_a: float,
    flow_kg_per_s: float,
    wanted: PumpsWanted,
) -> bool:
    """Return whether `step` would change nothing: all steady, the lead at speed, flow as before.

    Args:
        speed_rpm, current_a: Of the lead. They and the flow are NaN where unknown: not quiet.
    """
    target_rpm = state.target_rpm[state.lead]
    return (
        wanted is state.wanted
        and state.phase is _STEADY
        and not state.doubt_since_ns
        and state.flow_since_ns > 0
        and target_rpm > 0.0
        and flow_kg_per_s >= config.flow_kg_per_s_min
        and speed_rpm >= config.pump_speed_ratio_min * target_rpm
        and current_a >= config.pump_current_a_min
    )


def clear_failed(state: PumpsState, pump: int) -> PumpsState:
    """Return the state with a pump (0 or 1) allowed to run again; it stands by."""
    return state._replace(failed=_with(state.failed, pump, False))


def _with(pair: tuple[bool, bool], index: int, value: bool) -> tuple[bool, bool]:
    return (value, pair[1]) if index == 0 else (pair[0], value)


def _is_at_speed(config: LoopConfig, state: PumpsState, pump: PumpSample, i: int) -> bool | None:
    """Return whether a pump runs at its target; None: unknown. Without a target it does not."""
    target = state.target_rpm[i]
    if target <= 0.0:
        return False
    return (
        None if pump.speed_rpm is None else pump.speed_rpm >= config.pump_speed_ratio_min * target
    )


def _lead_is_bad(
    config: LoopConfig, state: PumpsState, pump: PumpSample, at_speed: bool | None, now_ns: int
) -> int:
    """Return the time of the sample that shows the running pump failing; 0: none does."""
    if not _is_spun_up(config, state, now_ns):
        return 0
    if at_speed is False:
        return pump.speed_ns
    if pump.current_a is None or pump.current_a >= config.pump_current_a_min:
        return 0
    target = state.target_rpm[state.lead]
    slowing = pump.speed_rpm is None or pump.speed_rpm < 0.95 * target
    return pump.current_ns if slowing else 0


def _is_spun_up(config: LoopConfig, state: PumpsState, now_ns: int) -> bool:
    started_ns = state.started_ns[state.lead]
    return state.target_rpm[state.lead] > 0.0 and now_ns - started_ns >= config.spin_up_s * 1e9


def _targets(
    config: LoopConfig,
    lead: int,
    phase: PumpPhase,
    failed: tuple[bool, bool],
    wanted: PumpsWanted,
) -> tuple[float, float]:
    """Return both speed targets in rpm: the lead always runs, a failed pump beside it never."""
    if wanted is PumpsWanted.TRICKLE:
        lead_rpm = config.pump_speed_rpm_trickle
    else:
        lead_rpm = config.pump_speed_rpm_nominal
    both = wanted is PumpsWanted.BOTH or phase is not _STEADY
    other_rpm = lead_rpm if both and not failed[1 - lead] else 0.0
    return (lead_rpm, other_rpm) if lead == 0 else (other_rpm, lead_rpm)
