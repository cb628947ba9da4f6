"""Guard law: on its own, and closed over a two-node model of core and coolant."""

import pytest

from flight.core.config import GuardConfig
from flight.core.guard import GuardLaw, GuardState, build_law, step

LAW: GuardLaw = build_law(GuardConfig(), cap_w_min=200.0, cap_w_safe=200.0, cap_w_max=700.0)
DT_S = 0.1


class TwoNodes:
    """Core (600 J/K) on a coolant of given temperature; power follows the cap with 0.15 s lag."""

    def __init__(self, *, coolant_c: float, resistance_k_per_w: float) -> None:
        self.coolant_c, self.resistance = coolant_c, resistance_k_per_w
        self.core_c, self.power_w = coolant_c + 10.0, 70.0
        self.state = GuardState(700.0)

    def run(
        self, seconds: float, *, granted_w_max: float = 700.0
    ) -> tuple[list[float], list[float]]:
        powers, cores = [], []
        for _ in range(round(seconds / DT_S)):
            cap_w = min(self.state.limit_w, granted_w_max, self.power_w + 25.0)
            self.power_w += (cap_w - self.power_w) * DT_S / (0.15 + DT_S)
            flow_w = (self.core_c - self.coolant_c) / self.resistance
            self.core_c += (self.power_w - flow_w) / 600.0 * DT_S
            reading_c = float(round(self.core_c))
            self.state = step(
                LAW, self.state, core_temp_c=reading_c, memory_temp_c=reading_c, dt_s=DT_S
            )
            powers.append(self.power_w)
            cores.append(self.core_c)
        return powers, cores


@pytest.mark.parametrize("resistance", [0.040, 0.045, 0.050])
@pytest.mark.parametrize("coolant_c", [54.0, 58.0, 62.0])
def test_power_and_core_settle_without_a_limit_cycle(resistance: float, coolant_c: float) -> None:
    node = TwoNodes(coolant_c=coolant_c, resistance_k_per_w=resistance)
    node.run(600.0)
    powers, cores = node.run(300.0)
    needed_w = (82.0 - coolant_c) / resistance
    mean_w = sum(powers) / len(powers)
    assert max(powers) <= 1.03 * mean_w
    assert min(powers) >= 0.97 * mean_w
    if needed_w < 690.0:
        assert max(cores) <= 83.5
        assert min(cores) >= 80.5
    else:
        assert min(powers) > 0.97 * 700.0


def test_a_core_that_stays_below_the_set_point_is_never_throttled() -> None:
    node = TwoNodes(coolant_c=50.0, resistance_k_per_w=0.045)  # settles at 81.5
    powers, _ = node.run(400.0)
    assert powers[-1] == pytest.approx(700.0, abs=1.0)


def test_a_hot_start_at_full_power_stays_below_84() -> None:
    node = TwoNodes(coolant_c=60.0, resistance_k_per_w=0.045)
    _, cores = node.run(400.0)
    assert max(cores) < 84.0


def test_an_hour_held_down_by_another_limit_leaves_no_wind_up() -> None:
    node = TwoNodes(coolant_c=60.0, resistance_k_per_w=0.045)
    node.run(3600.0, granted_w_max=250.0)
    _, cores = node.run(400.0)
    assert max(cores) < 84.0


def test_an_hour_saturated_at_the_minimum_recovers_in_two_minutes() -> None:
    node = TwoNodes(coolant_c=85.0, resistance_k_per_w=0.045)
    node.run(3600.0)
    assert node.state.limit_w == 200.0
    node.coolant_c = 50.0
    powers, _ = node.run(120.0)
    assert powers[-1] > 650.0


def test_memory_alone_lowers_the_limit() -> None:
    state = GuardState(700.0)
    for _ in range(200):
        state = step(LAW, state, core_temp_c=60.0, memory_temp_c=96.0, dt_s=DT_S)
    assert state.limit_w < 600.0


@pytest.mark.parametrize(("core", "memory"), [(None, 60.0), (60.0, None), (None, None)])
def test_a_lost_reading_gives_the_safe_cap_at_once(
    core: float | None, memory: float | None
) -> None:
    state = step(LAW, GuardState(650.0, 5.0), core_temp_c=core, memory_temp_c=memory, dt_s=DT_S)
    assert state.limit_w == 200.0
    assert state.margin_k is None


def test_after_a_loss_the_limit_grows_from_the_safe_cap() -> None:
    state = GuardState(200.0, None)
    before = state.limit_w
    for _ in range(30):
        state = step(LAW, state, core_temp_c=60.0, memory_temp_c=60.0, dt_s=DT_S)
        assert state.limit_w - before < 5.0
        before = state.limit_w
    assert state.limit_w > 200.0


def test_a_hotter_core_never_gets_more() -> None:
    cool = hot = GuardState(700.0)
    for k in range(3000):
        cool = step(LAW, cool, core_temp_c=78.0 + (k // 100) % 8, memory_temp_c=60.0, dt_s=DT_S)
        hot = step(LAW, hot, core_temp_c=79.0 + (k // 100) % 8, memory_temp_c=60.0, dt_s=DT_S)
        assert hot.limit_w <= cool.limit_w + 1e-9
