"""A sick accelerator or library at full load: noticed, answered, over when the fault is over."""

import pytest

from flight.core.rails import Phase
from flight.core.types import Mode
from sim_hw.properties import PropertyChecker
from tests.system.watched import LOADED_S, Watched, fault

STRUCK = 4
NAME = f"accel{STRUCK}"
OTHERS = [i for i in range(8) if i != STRUCK]
CAP_W_SAFE = 200.0
LOST_HOT_S = 4.0  # examples/configs/ref1.toml: power-cycled so soon while above the safe cap
ESCALATION_S = 10.0  # S6
BRAKE_BIT = 0x80  # NVML's clocks event reasons: power brake
SERVICE_S = 60.0  # boot, probation and the ramp from 200 W to 700 W at 25 W/s, with some to spare


def assert_only_the_struck_one_suffered(watched: Watched) -> None:
    accelerators = {f"accel{i}" for i in OTHERS}
    told = {e.subject for e in watched.events if e.time_ns >= LOADED_S * 1e9}
    assert not told & accelerators
    assert watched.moved <= {f"{NAME}_54v", f"{NAME}_aux"}
    assert watched.mode is Mode.NOMINAL


def assert_full_service(watched: Watched) -> None:
    decision = watched.flight.node.cycle.last_decision
    assert decision is not None
    assert decision.cap_reason[STRUCK] == decision.cap_reason[STRUCK - 1]
    assert watched.power_w(STRUCK) >= 0.95 * watched.power_w(STRUCK - 1)


def phase(watched: Watched) -> Phase:
    return watched.flight.node.cycle.state.pairs[STRUCK].phase


def test_a_cap_clamped_below_the_request_is_obeyed_and_read_back_and_ends() -> None:
    clamped = fault("cap_clamped", NAME, cap_w=300.0, duration_s=20.0)
    with Watched(clamped, duration_s=130.0) as watched:
        watched.fly_to(LOADED_S - 1)
        assert watched.power_w(STRUCK) >= 600.0
        watched.fly_to(LOADED_S + 2)
        assert watched.power_w(STRUCK) <= 300.5
        assert watched.reading(f"{NAME}.cap_w") == 300.0
        repaired = watched.flight.node.node_image.health(NAME).repair_count
        watched.fly_to(LOADED_S + 19)
        # The driver asks for the granted cap again, at every other read, and never gets it.
        assert watched.flight.node.node_image.health(NAME).repair_count > repaired
        assert watched.power_w(STRUCK) <= 300.5
        watched.fly_to(130.0)
        assert_full_service(watched)
        assert_only_the_struck_one_suffered(watched)


def test_a_clock_that_the_device_halves_shows_in_its_reasons_and_costs_no_rail() -> None:
    with Watched(fault("accel_slowdown", NAME, duration_s=20.0), duration_s=130.0) as watched:
        watched.fly_to(LOADED_S + 2)
        assert watched.reading(f"{NAME}.clock_mhz") <= 990.0
        assert int(watched.reading(f"{NAME}.event_reasons")) & BRAKE_BIT
        assert watched.power_w(STRUCK) <= 400.0
        watched.fly_to(130.0)
        assert not int(watched.reading(f"{NAME}.event_reasons")) & BRAKE_BIT
        assert_full_service(watched)
        assert_only_the_struck_one_suffered(watched)


def test_an_accelerator_that_falls_off_its_bus_is_power_cycled_and_serves_again() -> None:
    with Watched(fault("accel_lost", NAME), duration_s=180.0) as watched:
        watched.fly_to(180.0)
        assert watched.told("accel.communication_lost") == [NAME]
        assert watched.told("accel.uncontrolled") == [NAME]
        assert watched.told("rail.fault_off") == [NAME]  # one power-cycle was enough
        off_s = watched.times_s("rail.fault_off")[0]
        assert LOST_HOT_S <= off_s - LOADED_S <= ESCALATION_S
        assert watched.times_s("accel.in_service")[-1] - off_s <= 20.0
        assert [int(record.value) & 0xFFFF for record in watched.alarms(NAME)] == [79]
        assert not watched.flight.injector.active
        assert_full_service(watched)
        assert_only_the_struck_one_suffered(watched)


def test_an_xid_is_told_each_time_even_the_same_one() -> None:
    first = fault("accel_xid", NAME, code=13.0)
    again = fault("accel_xid", NAME, LOADED_S + 10, code=13.0) | {"id": "again"}
    other = fault("accel_xid", NAME, LOADED_S + 20, code=48.0) | {"id": "other"}
    with Watched(first, again, other, duration_s=130.0) as watched:
        watched.fly_to(130.0)
        assert [int(record.value) & 0xFFFF for record in watched.alarms(NAME)] == [13, 48]
        codes = [event.value for event in watched.events if event.event_id == "accel.xid"]
        assert codes[0] == 13.0 and codes[-1] == 48.0
        assert_full_service(watched)
        assert_only_the_struck_one_suffered(watched)


def test_a_wanted_recovery_is_told_until_the_device_wants_none() -> None:
    wanted = fault("recovery_action", NAME, action=4.0, duration_s=10.0)
    with Watched(wanted, duration_s=120.0) as watched:
        watched.fly_to(LOADED_S + 5)
        assert watched.told("accel.recovery_needed") == [NAME]
        assert watched.reading(f"{NAME}.recovery_action") == 4.0
        assert [int(record.value) >> 16 for record in watched.alarms(NAME)] == [4]
        watched.fly_to(120.0)
        assert watched.told("accel.recovery_needed.cleared") == [NAME]
        assert_full_service(watched)
        assert_only_the_struck_one_suffered(watched)


def test_a_storm_of_memory_errors_is_counted_and_no_uncorrected_one_is_left_out() -> None:
    storm = fault(
        "ecc_errors", NAME, corrected_per_s=100_000.0, uncorrected_per_s=1.0, duration_s=20.0
    )
    with Watched(storm, duration_s=170.0) as watched:
        watched.fly_to(170.0)
        assert watched.reading(f"{NAME}.ecc_corrected_count") == 2_000_000.0
        assert watched.reading(f"{NAME}.ecc_uncorrected_count") == 20.0
        found = [e.value for e in watched.events if e.event_id == "accel.uncorrected_error"]
        assert found == [1.0, 19.0], "the first at once, the rest as one sum"
        assert_full_service(watched)
        assert_only_the_struck_one_suffered(watched)


def test_replays_and_remapped_rows_reach_telemetry_and_hold_nothing_up() -> None:
    replays = fault("pcie_replays", NAME, per_s=50.0, duration_s=10.0)
    remap = fault("row_remap", NAME, is_pending=True, duration_s=10.0)
    with Watched(replays, remap, duration_s=120.0) as watched:
        watched.fly_to(120.0)
        assert watched.reading(f"{NAME}.pcie_replay_count") == 500.0
        assert_full_service(watched)
        assert_only_the_struck_one_suffered(watched)


def budget(at_s: float, power_w: float) -> dict[str, object]:
    return {"at": f"{at_s} s", "do": "node_budget", "parameters": {"power_w": power_w}}


def test_a_cap_that_may_not_be_lowered_ends_in_off_within_10_s() -> None:
    """The budget falls; the refused accelerator draws on until its rails are opened, at last for
    good.
    """
    load = {"at": "start", "do": "workload", "parameters": {"kind": "constant"}}
    refused = fault("nvml_no_permission", NAME)
    cut_s = LOADED_S + 5
    actions = [load, budget(cut_s, 3000.0)]
    with Watched(refused, duration_s=180.0, action=actions) as watched:
        watched.fly_to(cut_s - 1)
        assert watched.power_w(STRUCK) >= 600.0
        assert not watched.told("accel.uncontrolled")  # nothing was asked that it did not obey
        watched.fly_to(180.0)
        assert NAME in watched.told("device.write_failed")
        assert watched.told("accel.uncontrolled")[0] == NAME
        assert watched.times_s("rail.fault_off")[0] - cut_s <= ESCALATION_S
        assert watched.told("rail.latched_off") == [NAME]  # each boot brings back 700 W
        assert phase(watched) is Phase.LATCHED_OFF
        assert watched.power_w(STRUCK) == 0.0
        assert_only_the_struck_one_suffered(watched)


def test_a_refusal_that_ends_in_time_costs_no_rail() -> None:
    """As above, but the setter works again before the accelerator would be power-cycled."""
    load = {"at": "start", "do": "workload", "parameters": {"kind": "constant"}}
    cut_s = LOADED_S + 5
    refused = fault("nvml_no_permission", NAME, duration_s=7.0)
    actions = [load, budget(cut_s, 3000.0)]
    with Watched(refused, duration_s=140.0, action=actions) as watched:
        watched.fly_to(140.0)
        assert watched.told("device.write_failed.cleared") == watched.told("device.write_failed")
        assert not watched.moved
        assert_full_service(watched)


@pytest.mark.parametrize(
    "function",
    ["nvmlDeviceGetMarginTemperature", "nvmlDeviceGetClockInfo", "nvmlDeviceRegisterEvents"],
)
@pytest.mark.parametrize("code", [999.0, 10.0, 3.0])
def test_a_function_that_no_law_needs_may_fail_for_ever(function: str, code: float) -> None:
    failing = fault("nvml_call_fails", NAME, function=function, code=code)
    with Watched(failing, duration_s=125.0) as watched:
        watched.fly_to(125.0)
        assert_full_service(watched)
        assert_only_the_struck_one_suffered(watched)


@pytest.mark.parametrize("function", ["nvmlDeviceGetTemperature", "nvmlDeviceGetFieldValues"])
def test_a_function_without_which_the_core_is_blind_ends_in_off_for_good(function: str) -> None:
    failing = fault("nvml_call_fails", NAME, function=function, code=999.0)
    with Watched(failing, duration_s=220.0) as watched:
        watched.fly_to(LOADED_S + 3)
        assert watched.told("accel.communication_lost") == [NAME]
        assert watched.power_w(STRUCK) <= CAP_W_SAFE * 1.02  # the setter still works
        watched.fly_to(220.0)
        assert phase(watched) is Phase.LATCHED_OFF
        assert len(watched.told("rail.fault_off")) <= 3  # S4, with the one that latched it
        assert_only_the_struck_one_suffered(watched)


@pytest.mark.parametrize("name", ["nvml_hang", "nvml_call_fails"])
def test_a_deaf_library_is_power_cycled_and_the_accelerator_serves_again(name: str) -> None:
    parameters = {"code": 10.0} if name == "nvml_call_fails" else {}
    deaf = fault(name, NAME, duration_s=8.0, **parameters)
    with Watched(deaf, duration_s=180.0) as watched:
        watched.fly_to(180.0)
        assert watched.told("accel.communication_lost") == [NAME]
        assert LOST_HOT_S <= watched.times_s("rail.fault_off")[0] - LOADED_S <= ESCALATION_S
        assert_full_service(watched)
        assert_only_the_struck_one_suffered(watched)


@pytest.mark.parametrize("parameters", [{"code": 999.0}, {"hangs": True}], ids=["error", "hang"])
def test_a_library_that_gives_no_events_takes_no_reading_away(parameters: dict[str, float]) -> None:
    with Watched(
        fault("nvml_driver_fails", "nvml", duration_s=10.0, **parameters), duration_s=125.0
    ) as watched:
        watched.fly_to(125.0)
        assert not watched.told("accel.communication_lost")
        assert_full_service(watched)
        assert_only_the_struck_one_suffered(watched)


def test_a_driver_that_is_reloaded_is_found_again_and_no_cap_was_lost() -> None:
    reloaded = fault("nvml_driver_fails", "nvml", code=9.0, duration_s=2.0)
    with Watched(reloaded, duration_s=160.0) as watched:
        watched.fly_to(160.0)
        assert sorted(set(watched.told("accel.communication_lost"))) == [
            f"accel{i}" for i in range(8)
        ]
        assert not watched.moved
        assert_full_service(watched)


def test_the_checkers_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watched flights are judged: an accelerator that disobeys in secret is seen."""
    monkeypatch.setattr(PropertyChecker, "record", lambda *_: None)  # nothing was ever granted
    with (
        pytest.raises(AssertionError, match="S6"),
        Watched(fault("accel_slowdown", NAME), duration_s=110.0) as watched,
    ):
        watched.fly_to(LOADED_S)
