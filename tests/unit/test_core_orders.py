"""Orders that meet a node in trouble: refused with a reason, or carried out within the laws."""

from math import inf, nan

import pytest

from flight.core import cap_plan, clocks, commands, rails, temperature, trends
from flight.core.config import CoreConfig
from flight.core.config_loop import LoopConfig
from flight.core.config_trends import TrendsConfig
from flight.core.monitors import Fault, build_table
from flight.core.rails import Pair, Payload, PayloadPhase, Phase
from flight.core.readings import Readings
from flight.core.state import OperatorState
from flight.core.trends import TrendState
from flight.core.types import Allotment, CapPlan, Command, Mode, Severity
from tests.core_node import Node, booted

S = 1_000_000_000


def command(name: str, /, **arguments: float | str) -> Command:
    return Command("c1", name, tuple(arguments.items()))


def first_seen(node: Node, seconds: float, name: str, value: float) -> float:
    """Fly, and return after how many seconds a set-point first has a value; inf: it never does."""
    for k in range(round(seconds * 10)):
        if node.set_points[name] == value:
            return k / 10
        node.cycle()
    return inf


def test_nominal_is_refused_while_a_fault_that_leads_to_safe_is_active() -> None:
    node = booted()
    node.mute.add("loop")
    node.fly(40.0)
    assert node.state.mode.mode is Mode.SAFE
    ack = node.cycle(command("set_mode", mode="NOMINAL")).acks[0]
    assert not ack.ok and "SAFE" in ack.reason
    node.mute.clear()
    node.fly(3.0)
    assert node.cycle(command("set_mode", mode="NOMINAL")).acks[0].ok


@pytest.mark.parametrize("cap_w", [nan, inf, -inf, 10**400, -(10**400), "300"])
def test_a_number_that_is_none_is_refused(cap_w: float | str) -> None:
    ack = booted().cycle(command("operator_limit", subject="all", cap_w=cap_w)).acks[0]
    assert not ack.ok and "cap_w must be a number from 200 to 700" in ack.reason


@pytest.mark.parametrize("fault", ["latch-up", "not enforceable"])
def test_clearing_a_latch_at_once_does_not_shorten_the_off_time(fault: str) -> None:
    """S4: off-times are kept, also when the operator is quick."""
    sections = {} if fault == "not enforceable" else {"rails": {"retry_count_max": 0}}
    node = Node(CoreConfig.model_validate(sections))
    node.fly(45.0)
    if fault == "latch-up":
        node.aux_extra_a[3] = 1.2
    else:
        node.set_points["accel3.cap_w"] = 300.0
        node.cycle(command("operator_limit", subject="accel3", cap_w=200.0))
        node.cap_ignored[3] = True
    for _ in range(200):
        node.cycle()
        if node.state.pairs[3].phase is Phase.LATCHED_OFF:
            break
    else:
        pytest.fail("it was not latched off")
    node.aux_extra_a[3], node.cap_ignored[3] = 0.0, False
    node.cycle(command("clear_latched", subject="accel3"))
    assert node.state.pairs[3].phase is Phase.OFF
    off_s = first_seen(node, 20.0, "rail.accel3_aux.enable", 1.0)
    assert 0.4 <= off_s < inf, f"closed again after {off_s} s"


@pytest.mark.parametrize("latched_by", ["retries", "a module that failed closed"])
def test_clearing_the_payload_bus_at_once_does_not_shorten_its_off_time(latched_by: str) -> None:
    config, payload = CoreConfig().rails, Payload(PayloadPhase.ON)
    if latched_by == "retries":
        for _ in range(config.retry_count_max + 1):
            payload = rails.trip_payload(config, payload, reason="tripped", now_ns=S)
    else:
        payload = rails.open_payload(config, payload, reason="failed closed", now_ns=S)
    assert payload.phase is PayloadPhase.LATCHED_OFF
    payload = rails.clear_payload(payload)
    owed_ns = round(config.off_time_s * S)
    for now_ns, phase in ((S + owed_ns // 5, PayloadPhase.OFF), (3 * S, PayloadPhase.SWITCHING)):
        after = rails.step_payload(
            config, payload, enable=0.0, voltage_v=0.0, wanted=True, modules_off=True, now_ns=now_ns
        )
        assert after.phase is phase


def shared_w(node: Node) -> float:
    return node.state.shared_w


def test_losing_the_meters_of_the_host_hands_no_watts_to_the_accelerators() -> None:
    """S13: what the host was last known to draw stays taken off."""
    node = booted()
    node.forced["rail.host_12v.current_a"] = 60.0
    node.cycle(command("node_budget", power_w=3500.0))
    node.fly(10.0)
    known_w = shared_w(node)
    node.forced.clear()
    node.mute.add("rails_host")
    node.fly(20.0)
    assert shared_w(node) == pytest.approx(known_w, abs=1.0)
    node.mute.clear()
    node.fly(10.0)
    assert shared_w(node) > known_w + 100.0


def test_a_load_that_grows_counts_beside_a_lost_meter() -> None:
    node = booted()
    node.cycle(command("node_budget", power_w=3500.0))
    node.fly(5.0)
    before_w = shared_w(node)
    node.mute.add("rail.host_5v.current_a")
    node.forced["rail.host_12v.current_a"] = 60.0
    node.fly(2.0)
    assert shared_w(node) < before_w - 200.0


@pytest.mark.parametrize(("power_w", "heat_w"), [(nan, 4000.0), (4000.0, nan), (nan, nan)])
def test_an_allotment_that_is_no_number_counts_as_lapsed(power_w: float, heat_w: float) -> None:
    node = booted()
    node.allotment = Allotment(power_w, heat_w, node.now_ns + 1000 * S)
    assert node.fly(3.0).cap_reason[0] == "allotment"
    assert sum(node.power_w) <= node.config.arbiter.allotment_fallback_w


def test_a_low_bus_means_the_smallest_cap_and_not_the_safe_one() -> None:
    node = Node(CoreConfig.model_validate({"arbiter": {"cap_w_safe": 350.0}}))
    node.fly(45.0)
    node.forced["eps.bus54.voltage_v"] = 47.0
    decision = node.fly(0.5)
    assert set(decision.cap_w) == {200.0} and set(decision.cap_reason) == {"voltage"}


def test_a_host_rail_near_its_limit_is_told_once() -> None:
    node = booted()
    limit_v = node.config.faults.host_voltage_ratio_min * 12.0
    for _ in range(5):
        node.forced["rail.host_12v.voltage_v"] = limit_v - 0.05
        node.fly(1.5)
        node.forced["rail.host_12v.voltage_v"] = limit_v + 0.05
        node.fly(1.5)
    assert node.ids().count("rail.under_voltage") == 1
    node.forced.clear()
    node.fly(2.0)
    assert "rail.under_voltage.cleared" in node.ids()


@pytest.mark.parametrize("hysteresis", [-0.1, nan])
def test_a_fault_that_would_flap_is_refused(hysteresis: float) -> None:
    fault = Fault("x.y", "x", Severity.INFO, condition="c", hysteresis=hysteresis)
    with pytest.raises(ValueError, match="flap"):
        build_table((fault,), {}, ("c",))


def test_orders_are_told_with_old_and_new() -> None:
    node = booted()
    node.cycle(
        command("node_budget", power_w=3000.0), command("disable_accelerator", subject="accel1")
    )
    node.cycle(command("node_budget", power_w=2500.0))
    node.cycle(command("enable_accelerator", subject="accel1"))
    told = [(e.event_id, e.subject) for e in node.events if not e.event_id.startswith("rail.")]
    assert told == [
        ("node.budget_set", "node"), ("accel.disabled", "accel1"), ("node.budget_set", "node"),
        ("accel.enabled", "accel1"),
    ]  # fmt: skip
    assert [e.text for e in node.events if e.event_id == "node.budget_set"] == [
        "inf W -> 3000 W", "3000 W -> 2500 W",
    ]  # fmt: skip
    node.cycle(command("node_budget", power_w=2500.0))
    assert node.ids().count("node.budget_set") == 2  # nothing changed


def test_trips_of_the_payload_bus_count_within_the_window_only() -> None:
    """S4: three in ten minutes are re-closed, the fourth latches; old ones are forgotten."""
    config = CoreConfig().rails
    window_ns = round(config.retry_window_s * S)
    payload = Payload(PayloadPhase.ON)
    for k in range(10):
        payload = rails.trip_payload(config, payload, reason="tripped", now_ns=S + k * window_ns)
        assert payload.phase is PayloadPhase.OFF
    at_ns = S + 20 * window_ns
    phases = []
    for k in range(config.retry_count_max + 1):
        payload = rails.trip_payload(config, payload, reason="tripped", now_ns=at_ns + k * S)
        phases.append(payload.phase)
    assert phases == [PayloadPhase.OFF] * config.retry_count_max + [PayloadPhase.LATCHED_OFF]


@pytest.mark.parametrize(
    ("own_w", "rail_w", "expected_mhz"),
    [
        (300.0, 300.0, 1005.0),  # at its cap: it rises
        (nan, 300.0, 1005.0),  # one meter is enough
        (nan, nan, 1000.0),  # nothing is known: never a reason to rise (S13)
        (330.0, 300.0, 980.0),
        (300.0, 330.0, 980.0),  # the higher one counts
    ],
)
def test_a_clock_rises_only_while_the_power_is_known_to_keep_the_cap(
    own_w: float, rail_w: float, expected_mhz: float
) -> None:
    none = (nan,)
    readings = Readings((own_w,), none, none, none, none, (rail_w,))
    after = clocks.step(
        CoreConfig().arbiter, (1000.0,), slow=frozenset(), pairs=(Pair(Phase.ON),),
        readings=readings, caps_w=(300.0,), dt_s=0.1,
    )  # fmt: skip
    assert after == pytest.approx((expected_mhz,))


def test_a_plan_and_an_inhibit_end_at_their_instant_and_not_after_it() -> None:
    plan = CapPlan((0,), ((300.0,),), 10 * S)
    assert cap_plan.caps_w(plan, 1, 10 * S - 1, fallback_w=700.0) == (300.0,)
    assert cap_plan.caps_w(plan, 1, 10 * S, fallback_w=700.0) == (700.0,)
    wishes = OperatorState((inf,), (False,), inhibits=(("guard", 10 * S),))
    assert commands.expire(wishes, 10 * S - 1).inhibits
    assert not commands.expire(wishes, 10 * S).inhibits


def test_a_counter_that_begins_anew_forgets_no_errors_of_before() -> None:
    """After a power-cycle it starts at 0: that is neither an error nor a repair."""
    config = TrendsConfig()
    state = TrendState((), counts=(1000.0,), rates=(2.0,))
    after = trends._rates(config, state, (0.0,), 1.0)
    assert after == pytest.approx((2.0 * (1.0 - 1.0 / config.error_filter_s),))
    assert trends._rates(config, state, (nan,), 1.0) == pytest.approx(after)
    assert trends._rates(config, state, (1006.0,), 1.0)[0] > 2.0


@pytest.mark.parametrize(
    ("key", "on_c", "off_c"),
    [("supply_temp_c", 10.0, 13.0), ("battery_temp_c", 5.0, 8.0), ("radiator_temp_c", -25, -20)],
)
def test_a_heater_stays_on_up_to_its_upper_limit(key: str, on_c: float, off_c: float) -> None:
    """Between the two limits it is as it was: a relay must not chatter."""
    config = LoopConfig()
    middle_c = 0.5 * (on_c + off_c)
    state = temperature.TemperatureState()
    seen = []
    for reading_c in (middle_c, on_c - 0.1, middle_c, off_c, off_c + 0.1, middle_c):
        readings = {
            "supply_temp_c": 30.0, "battery_temp_c": 20.0, "radiator_temp_c": 20.0, key: reading_c
        }  # fmt: skip
        state = temperature.step(config, state, **readings, dt_s=0.1)
        wanted = {
            "supply_temp_c": state.heater_a_wanted,
            "radiator_temp_c": state.heater_b_wanted,
            "battery_temp_c": state.battery_heater_wanted,
        }
        seen.append(wanted[key])
    assert seen == [False, True, True, True, False, False]
