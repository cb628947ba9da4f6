"""S4: no rail is on while one it depends on is off; off-times kept; at most 3 retries, then off.

On the law alone, whatever it reads, and on the whole step in any story: there, what is commanded is
checked, and what was read when it was. In whole flights the switches of plant truth are. Each way
to break the law below is found.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.core import accelerators, rails, responses
from flight.core.config import RailsConfig
from flight.core.rails import Conditions, Pair, PairSample, Phase
from tests.property.aimed_flights import Aim, flights, flown, hold, scene
from tests.property.core_stories import (
    FAULTS,
    ORDERS,
    OTHERS,
    STUCK,
    Story,
    examples,
    fly,
    fresh,
    stories,
)
from tests.property.flight_strategies import Scenario

S = 1_000_000_000
CONFIG = RailsConfig()

reading = st.one_of(st.none(), st.sampled_from([0.0, 0.05, 0.8, 1.0, 3.3, 54.0]))
sample = st.builds(PairSample, reading, reading, reading, reading, reading, reading, st.booleans())
rail_step = st.tuples(
    sample, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans()
)


@given(st.lists(rail_step, max_size=120))
def test_rails_keep_order_off_time_and_retries_whatever_they_read(
    steps: list[tuple[PairSample, bool, bool, bool, bool, bool]],
) -> None:
    pair, off_since_ns = Pair(Phase.OFF), 0
    for k, (seen, wanted, flow, payload, turn, fault) in enumerate(steps):
        now_ns = 10 * S + k * S // 10
        was = pair
        if fault and pair.phase not in (Phase.OFF, Phase.LATCHED_OFF):
            pair = rails.trip(CONFIG, pair, reason="x", off_s=0.5, now_ns=now_ns)
        pair = rails.step(
            CONFIG, pair, seen, Conditions(now_ns, flow, payload, turn), wanted=wanted
        )
        aux_was, aux_is = was.phase in rails.AUX_ON, pair.phase in rails.AUX_ON
        if aux_was and not aux_is:
            off_since_ns = now_ns
        if aux_is and not aux_was:
            assert flow
            assert payload
            assert now_ns - off_since_ns >= S // 2
            assert seen.aux_current_a is not None
        if pair.phase in rails.MODULE_ON and was.phase not in rails.MODULE_ON:
            assert was.phase is Phase.READY
            assert seen.aux_voltage_v is not None
            assert seen.aux_voltage_v >= 3.0
        assert len(pair.retries_ns) <= 3


def violations(story: Story) -> list[str]:
    """Fly a story; return each breach of S4 in what the step commands."""
    node = fresh()
    node.cycle()
    found: list[str] = []
    off_ns, module_ns, was = [0] * 8, 0, dict(node.set_points)
    for decision in fly(node, story):
        names = [node.table.points[k].name for k in node.table.writable_indices]
        wanted = dict(zip(names, decision.desired.tolist(), strict=True))
        bus = "rail.payload_54v.enable"
        modules_on = any(was[f"rail.accel{i}_54v.enable"] == 1.0 for i in range(8))
        bus_v = node.values[node.table.index["rail.payload_54v.voltage_v"]]
        if wanted[bus] < was[bus] and modules_on and bus_v >= 46.0:
            found.append("payload bus opened under its modules")
        for i in range(8):
            aux, module = wanted[f"rail.accel{i}_aux.enable"], wanted[f"rail.accel{i}_54v.enable"]
            aux_was = was[f"rail.accel{i}_aux.enable"]
            module_was = was[f"rail.accel{i}_54v.enable"]
            if module == 1.0 and not (aux == 1.0 and wanted["rail.payload_54v.enable"] == 1.0):
                found.append(f"accel{i}: module on without auxiliary rail or payload bus")
            if aux < aux_was:
                off_ns[i] = node.now_ns
            if aux > aux_was and node.now_ns - off_ns[i] < 500_000_000:
                found.append(f"accel{i}: off-time not kept")
            if module > module_was:
                voltage = node.table.index[f"rail.accel{i}_aux.voltage_v"]
                if not node.values[voltage] >= 3.0:
                    found.append(f"accel{i}: module on before its auxiliary rail was good")
                if node.now_ns - module_ns < 300_000_000:
                    found.append(f"accel{i}: two modules at once")
                module_ns = node.now_ns
            if len(node.state.pairs[i].retries_ns) > 3:
                found.append(f"accel{i}: a fourth retry")
        was = wanted
    return found


@examples(30)
@given(story=stories(*FAULTS, STUCK, *ORDERS, *OTHERS))
def test_no_story_breaks_the_order_of_the_rails(story: Story) -> None:
    assert violations(story) == []


LATCH_UP: Story = [(("latch_up", 3), 60), (("limit", 0), 60)]
BACK_ON: Story = [(("mode", "STANDBY"), 20), (("mode", "NOMINAL"), 60)]
STUCK_ON: Story = [(("disable", 2), 1), (("stuck", 2), 20)]


def _start_at_once(config: RailsConfig, pair: Pair, sample: PairSample, now: Conditions) -> Pair:
    return Pair(Phase.AUX, now.now_ns, 0, pair.retries_ns)


def _open_first(
    config: RailsConfig, pairs: list[Pair], payload: rails.Payload, closed: object, now_ns: int
) -> rails.Payload:
    return rails.open_payload(config, payload, reason="", now_ns=now_ns)


_trip = rails.trip


def _uncounted(config: RailsConfig, pair: Pair, **how: object) -> Pair:
    return _trip(config, pair._replace(retries_ns=()), **how)._replace(
        retries_ns=(*pair.retries_ns, 1)
    )


BREAKS: dict[str, tuple[object, str, object, Story]] = {
    "no off-time": (rails, "_start", _start_at_once, LATCH_UP),
    "no stagger": (rails, "_NEXT", {**rails._NEXT, Phase.AUX: Phase.MODULE}, BACK_ON),
    "module with auxiliary": (rails, "MODULE_ON", rails.AUX_ON, BACK_ON),
    "retries not counted": (rails, "trip", _uncounted, LATCH_UP),
    "bus before modules": (responses, "_open_payload", _open_first, STUCK_ON),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_law_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, broken, story = BREAKS[name]
    assert violations(story) == []
    monkeypatch.setattr(module, attribute, broken)
    assert violations(story) != []


def test_every_reason_to_retire_is_one_that_the_rails_give() -> None:
    given_reasons: set[str] = {how.reason for how in responses._switch_offs(fresh().config)}
    assert given_reasons | {rails.NO_ANSWER} >= accelerators.LOST_REASONS


SWITCHED = Aim(
    faults=(
        "latch_up", "rail_trip", "accel_lost", "nvml_hang", "i2c_nack", "i2c_sda_stuck",
        "i2c_stretch", "i2c_byte_errors", "pump_stop", "daemon_stall",
    ),
    seconds=(60, 120),
)  # fmt: skip


@examples(20)
@given(flights(SWITCHED))
def test_no_flight_breaks_the_order_of_the_rails(data: Scenario) -> None:
    hold(data, "S1")  # S4 has an approach only where a rail moved


BOOT = scene(30.0)
FLIGHT_BREAKS: dict[str, tuple[str, object]] = {
    "no stagger": ("_NEXT", {**rails._NEXT, Phase.AUX: Phase.MODULE}),
    "module with auxiliary": ("MODULE_ON", rails.AUX_ON),
}


@pytest.mark.parametrize("name", FLIGHT_BREAKS)
def test_a_broken_law_is_found_on_plant_truth(name: str) -> None:
    attribute, broken = FLIGHT_BREAKS[name]
    assert flown(BOOT).broken == set()
    found = flown(BOOT, change=lambda patch: patch.setattr(rails, attribute, broken)).broken
    assert "S4" in found
