"""Parameters: staged, validated as a whole, activated as one, confirmed or taken back."""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.config import NodeConfig, load_config
from flight.core.step import compile_config
from flight.core.types import Event, Severity
from flight.dictionary.channels import build_point_table
from flight.services.parameter_table import PARAMETERS, Parameter, range_text
from flight.services.parameters import Parameters, _value_at, render_parameters
from flight.services.slot_file import MemoryFiles
from flight.services.store import HostBoot, Store
from flight.services.stored_state import NS_PER_S, ParameterSet

ROOT = Path(__file__).parents[2]
REF1 = ROOT / "examples/configs/ref1.toml"


class Bench:
    """Parameters on a store that outlives them."""

    def __init__(self, config: NodeConfig | None = None) -> None:
        self.config = config or NodeConfig()
        self.files = MemoryFiles()
        self.now_ns = 100 * NS_PER_S
        self.boot_id = "boot-1"
        self.start()

    def start(self, **options) -> Parameters:
        """Start the daemon again: what it knows is what was stored."""
        self.events: list[Event] = []
        self.configs: list[NodeConfig] = []
        host = HostBoot(boot_id=self.boot_id, now_ns=lambda: self.now_ns)
        path = Path("/state/node.state")
        self.store = Store(path, host=host, now_ns=lambda: 5, files=self.files)
        self.store.open()
        self.parameters = Parameters(
            self.config,
            self.store.state.parameters,
            save=self.save,
            boottime_ns=lambda: self.now_ns,
            now_ns=lambda: 5,
            on_event=self.events.append,
            on_change=self.configs.append,
            **options,
        )
        return self.parameters

    def save(self, new: ParameterSet) -> None:
        self.store.update(parameters=new)
        assert self.store.commit()

    def ids(self) -> list[str]:
        return [event.event_id for event in self.events]

    def put(self, **values) -> None:
        """Activate and confirm, e.g. guard__setpoint_c=80.0."""
        for key, value in values.items():
            assert self.parameters.stage(key.replace("__", "."), value).ok
        assert self.parameters.activate(60.0).ok
        assert self.parameters.confirm().ok


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("guard.setpiont_c", 80.0,
         "guard.setpiont_c: is not a parameter; did you mean 'guard.setpoint_c'?"),
        ("guard.over_temperature_c", 90.0, "guard.over_temperature_c: is not a parameter*"),
        ("guard.setpoint_c", 90.0, "guard.setpoint_c = 90.0: write 50 to 84 degC"),
        ("guard.setpoint_c", float("nan"), "guard.setpoint_c = nan: write 50 to 84 degC"),
        ("guard.setpoint_c", float("inf"), "guard.setpoint_c = inf: write 50 to 84 degC"),
        ("guard.setpoint_c", "80", "guard.setpoint_c = '80': write 50 to 84 degC"),
        ("guard.setpoint_c", True, "guard.setpoint_c = True: write 50 to 84 degC"),
        ("rails.retry_count_max", 1.5,
         "rails.retry_count_max = 1.5: write a whole number, 0 to 3 count"),
        ("loop.lead_pump", "c", "loop.lead_pump = 'c': write a, b"),
        ("modes.autostart_mode", "NOMINALLY",
         "modes.autostart_mode = 'NOMINALLY': write STANDBY*; did you mean 'NOMINAL'?"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_reason(key: str, value: object, reason: str) -> None:
    bench = Bench()
    outcome = bench.parameters.stage(key, value)
    assert not outcome.ok
    assert fnmatchcase(outcome.reasons[0], reason.replace("[", "[[]").replace("?", "[?]"))
    assert not bench.parameters.set.staged


def test_cross_field_rules_hold_for_the_whole_set_before_any_of_it_is_in_force() -> None:
    bench = Bench()
    parameters = bench.parameters
    parameters.stage("guard.setpoint_c", 60.0)
    parameters.stage("arbiter.ramp_w_per_s", 10.0)
    outcome = parameters.validate()
    assert (
        not outcome.ok and "reflex_release_c = 78.0 must be below setpoint_c" in outcome.reasons[0]
    )
    assert not parameters.activate(60.0).ok
    assert parameters.config == bench.config and not bench.configs and not bench.events
    parameters.stage("guard.reflex_release_c", 55.0)
    assert parameters.validate().ok
    assert parameters.activate(60.0).ok
    guard = parameters.config.guard
    assert (guard.setpoint_c, guard.reflex_release_c) == (60.0, 55.0)
    assert bench.configs == [parameters.config]


def test_each_change_is_an_event_with_old_and_new() -> None:
    bench = Bench()
    bench.put(guard__setpoint_c=80.0, loop__lead_pump="b")
    changed = [event for event in bench.events if event.event_id == "parameter.changed"]
    assert [(e.subject, e.text, e.value) for e in changed] == [
        ("guard.setpoint_c", "guard.setpoint_c: 82.0 -> 80.0, activated", 80.0),
        ("loop.lead_pump", "loop.lead_pump: a -> b, activated", 0.0),
    ]
    bench.parameters.stage("guard.setpoint_c", None)
    bench.parameters.activate(60.0)
    assert "80.0 -> 82.0" in bench.events[-1].text
    assert bench.parameters.set.active == {"loop.lead_pump": "b"}


def test_unconfirmed_in_time_is_taken_back() -> None:
    bench = Bench()
    bench.put(guard__setpoint_c=80.0)
    bench.parameters.stage("guard.setpoint_c", 79.0)
    assert bench.parameters.activate(30.0).ok
    seen: dict[int, float] = {}
    for second in range(40):
        bench.parameters.expire()
        seen[second] = bench.parameters.config.guard.setpoint_c
        bench.now_ns += NS_PER_S
    assert seen[29] == 79.0 and seen[30] == 80.0
    assert bench.ids()[-2:] == ["parameter.reverted", "parameter.changed"]
    assert bench.parameters.set == ParameterSet({"guard.setpoint_c": 80.0}, {})


def test_confirming_after_the_deadline_is_too_late_even_before_the_service_looks() -> None:
    bench = Bench()
    bench.parameters.stage("guard.setpoint_c", 79.0)
    bench.parameters.activate(30.0)
    bench.now_ns += 30 * NS_PER_S
    outcome = bench.parameters.confirm()
    assert outcome.reasons == ("too late: the last activation has been taken back",)
    assert bench.parameters.config.guard.setpoint_c == 82.0


@pytest.mark.parametrize("boot_id", ["boot-1", "boot-2"])
def test_unconfirmed_at_a_restart_is_taken_back(boot_id: str) -> None:
    bench = Bench()
    bench.put(guard__setpoint_c=80.0)
    bench.parameters.stage("guard.setpoint_c", 79.0)
    bench.parameters.activate(3600.0)
    bench.boot_id = boot_id
    assert bench.start().config.guard.setpoint_c == 80.0
    assert bench.ids() == ["parameter.reverted"]
    assert bench.start().config.guard.setpoint_c == 80.0
    assert bench.ids() == [], "told once"


def test_confirmed_parameters_outlive_restarts() -> None:
    bench = Bench()
    bench.put(guard__setpoint_c=80.0)
    assert bench.start().config.guard.setpoint_c == 80.0
    assert bench.events == []


def test_one_activation_at_a_time() -> None:
    bench = Bench()
    parameters = bench.parameters
    assert parameters.activate(60.0).reasons == ("nothing is staged",)
    assert not parameters.confirm().ok and not parameters.revert().ok
    parameters.stage("guard.setpoint_c", 80.0)
    for confirm_s in (0.0, -1.0, float("nan"), 1e9):
        assert "confirm_s" in parameters.activate(confirm_s).reasons[0]
    assert parameters.activate(60.0).ok
    parameters.stage("guard.setpoint_c", 79.0)
    assert "not confirmed" in parameters.activate(60.0).reasons[0]
    assert parameters.revert().ok
    assert parameters.config == bench.config
    assert parameters.set.staged == {"guard.setpoint_c": 79.0}
    assert parameters.discard().ok and not parameters.set.staged


def test_what_is_only_staged_in_a_golden_run_costs_no_stored_parameter() -> None:
    bench = Bench()
    bench.put(guard__setpoint_c=80.0)
    golden = bench.start(use_golden=True)
    assert golden.stage("guard.gain_p_w_per_k", 30.0).ok
    again = bench.start()
    assert again.set.active == {"guard.setpoint_c": 80.0}
    assert again.set.staged == {"guard.gain_p_w_per_k": 30.0}
    golden = bench.start(use_golden=True)
    bench.put(guard__gain_p_w_per_k=31.0)
    assert bench.start().set.active == {"guard.gain_p_w_per_k": 31.0}, "what is activated replaces"


def test_golden_leaves_them_aside_and_the_next_run_has_them_again() -> None:
    bench = Bench()
    bench.put(guard__setpoint_c=80.0)
    assert bench.start(use_golden=True).config == bench.config
    assert bench.ids() == ["parameter.set_aside"] and "80.0" in bench.events[0].text
    assert bench.start().config.guard.setpoint_c == 80.0
    bench.start(use_golden=True)
    bench.put(arbiter__ramp_w_per_s=10.0)
    assert bench.start().set.active == {"arbiter.ramp_w_per_s": 10.0}


@pytest.mark.parametrize(
    ("stored", "active", "text"),
    [
        (
            {"gone.key": 1.0, "guard.setpoint_c": 80.0},
            {"guard.setpoint_c": 80.0},
            "not a parameter",
        ),
        ({"guard.setpoint_c": 99.0}, {}, "50 to 84"),
        ({"guard.setpoint_c": 60.0}, {}, "must be below"),
    ],
)
def test_what_fits_no_more_is_left_out_and_never_prevents_a_start(
    stored: dict, active: dict, text: str
) -> None:
    bench = Bench()
    bench.save(ParameterSet(stored, {}))
    assert bench.start().set.active == active
    assert bench.ids() == ["parameter.set_aside"]
    assert text in bench.events[0].text and bench.events[0].severity is Severity.WARNING


def no_step_at_79(config: NodeConfig) -> str:
    return "nobody can fly it" if config.guard.setpoint_c == 79.0 else ""


def test_a_set_that_the_node_cannot_fly_is_refused_and_nothing_of_it_is_stored() -> None:
    bench = Bench()
    bench.put(guard__setpoint_c=80.0)
    parameters = bench.start(why_unusable=no_step_at_79)
    assert parameters.stage("guard.setpoint_c", 79.0).ok
    outcome = parameters.activate(60.0)
    assert outcome.reasons == ("guard.setpoint_c = 79.0: nobody can fly it",)
    stored = bench.store.state.parameters
    assert (stored.active, stored.before) == ({"guard.setpoint_c": 80.0}, None)
    assert (parameters.config.guard.setpoint_c, bench.configs, bench.events) == (80.0, [], [])


def test_a_stored_set_that_the_node_cannot_fly_never_prevents_a_start() -> None:
    bench = Bench()
    bench.put(guard__setpoint_c=79.0)
    assert bench.start(why_unusable=no_step_at_79).config == bench.config
    assert bench.ids() == ["parameter.set_aside"] and "nobody can fly it" in bench.events[0].text


@pytest.mark.parametrize(
    ("key", "value"), [("modes.autostart_mode", "STANDBY"), ("loop.lead_pump", "b")]
)
def test_a_key_that_needs_a_restart_is_named(key: str, value: str) -> None:
    bench = Bench()
    bench.parameters.stage("guard.setpoint_c", 80.0)
    bench.parameters.stage(key, value)
    assert bench.parameters.activate(60.0).restart_keys == (key,)


def limits_in_file(config: NodeConfig, key: str) -> tuple[float, float]:
    section, _, name = key.partition(".")
    metadata = type(getattr(config, section)).model_fields[name].metadata
    lows = [getattr(m, a) for m in metadata for a in ("ge", "gt") if hasattr(m, a)]
    highs = [getattr(m, a) for m in metadata for a in ("le", "lt") if hasattr(m, a)]
    return lows[0], highs[0]


@pytest.mark.parametrize("config", [NodeConfig(), load_config(REF1)], ids=["default", "ref1"])
def test_each_range_lies_inside_that_of_the_file_around_the_shipped_value(
    config: NodeConfig,
) -> None:
    for key, parameter in PARAMETERS.items():
        value = _value_at(config, key)
        if parameter.choices:
            assert value in parameter.choices, key
            continue
        low, high = limits_in_file(config, key)
        assert low <= parameter.low < parameter.high <= high, key
        assert parameter.low <= value <= parameter.high, key


def values_of(parameter: Parameter) -> st.SearchStrategy:
    if parameter.choices:
        return st.sampled_from(parameter.choices)
    numbers = [parameter.low, parameter.high, (parameter.low + parameter.high) / 2]
    return st.sampled_from([n if parameter.unit != "count" else float(int(n)) for n in numbers])


@given(st.data())
def test_any_set_is_wholly_in_force_or_not_at_all(data: st.DataObject) -> None:
    bench = Bench()
    keys = data.draw(st.lists(st.sampled_from(sorted(PARAMETERS)), unique=True, max_size=6))
    wanted = {key: data.draw(values_of(PARAMETERS[key])) for key in keys}
    for key, value in wanted.items():
        assert bench.parameters.stage(key, value).ok, key
    before = bench.parameters.config
    is_activated = bench.parameters.activate(60.0).ok
    now = bench.parameters.config
    if is_activated:
        assert {key: _value_at(now, key) for key in wanted} == wanted
        compile_config(now, build_point_table())
        bench.parameters.revert()
        assert bench.parameters.config == before
    else:
        assert now is before and not bench.configs


def test_the_page_of_parameters_is_the_table() -> None:
    page = (ROOT / "docs/reference/parameters.md").read_text()
    assert render_parameters() in page, f"replace the table by:\n{render_parameters()}"
    assert all(range_text(parameter) for parameter in PARAMETERS.values())
