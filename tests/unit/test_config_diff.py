"""What a new configuration changes, and what must restart for it."""

import shutil
from pathlib import Path

import pytest

from flight import cli
from flight.config import NodeConfig
from flight.config_diff import ABSENT, changes, drivers_to_restart, keys_in_flight, table
from flight.examples import default_config_path
from tests.system.flying import config_with

OLD = NodeConfig()


@pytest.mark.parametrize(
    ("section", "keys", "needs", "drivers"),
    [
        ("guard", {"setpoint_c": 80.0}, "daemon", ()),
        ("link", {"port": 1884}, "daemon", ()),
        ("cycle", {"period_s": 0.2}, "daemon", ()),
        (
            "reflex",
            {"core_temp_c": 84.0},
            "drivers",
            tuple(f"accel{i}" for i in range(8)),
        ),
        ("reflex", {"aux_current_a": 1.5}, "drivers", ("rails_a", "rails_b")),
        ("buses", {"i2c_clock_hz": 400_000}, "drivers", ("rails_a", "rails_b", "rails_host")),
        ("buses", {"serial_baud": 230_400}, "drivers", ("loop", "eps", "host")),
        ("buses", {"occupancy_ratio_max": 0.8}, "daemon", ()),
        ("silicon", {"aux_current_a_max": 5.0}, "drivers", ("rails_a", "rails_b")),
        ("points", {"eps.bus28.voltage_v": {"period_s": 0.2}}, "drivers", ("eps",)),
        ("plant", {"orbit": {"altitude_km": 500.0}}, "simulation", ()),
    ],
)
def test_each_change_says_what_restarts_and_which_drivers(
    section: str, keys: dict[str, object], needs: str, drivers: tuple[str, ...]
) -> None:
    new = config_with(**{section: keys})
    found = changes(OLD, new)
    assert {change.needs for change in found} == {needs}
    assert drivers_to_restart(OLD, new) == drivers
    assert table(OLD, new)[-1] == f"drivers to restart: {', '.join(drivers) or 'none'}"


def test_no_driver_restarts_unnamed() -> None:
    """Whatever restarts a driver is a key that says so: DRIVER_SECTIONS leaves nothing out."""
    sections = set(NodeConfig.model_fields) - {"points", "reflex", "buses", "silicon", "node"}
    for section in sections:
        model = getattr(OLD, section)
        for key, value in model if not isinstance(model, dict) else ():
            if not isinstance(value, float):
                continue
            new = OLD.model_copy(update={section: model.model_copy(update={key: value * 1.01})})
            assert drivers_to_restart(OLD, new) == (), f"{section}.{key}"


def test_a_parameter_needs_no_restart() -> None:
    new = config_with(guard={"setpoint_c": 80.0, "filter_time_s": 3.0})
    found = {c.key: c.needs for c in changes(OLD, new, in_flight={"guard.setpoint_c"})}
    assert found == {"guard.setpoint_c": "in flight", "guard.filter_time_s": "daemon"}


def test_a_parameter_that_takes_effect_at_the_next_start_needs_the_daemon() -> None:
    new = config_with(modes={"autostart_mode": "STANDBY"}, guard={"setpoint_c": 80.0})
    found = {change.key: change.needs for change in changes(OLD, new, keys_in_flight())}
    assert found == {"guard.setpoint_c": "in flight", "modes.autostart_mode": "daemon"}


def test_a_key_that_comes_is_shown_with_what_was_not_there() -> None:
    new = config_with(points={"eps.*": {"age_s_max": 2.0}})
    assert [(c.key, c.old, c.new) for c in changes(OLD, new)] == [
        ('points."eps.*".age_s_max', ABSENT, "2")
    ]
    assert [(c.old, c.new) for c in changes(new, OLD)] == [("2", ABSENT)]


def test_the_command_prints_a_table_and_is_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(default_config_path(), "old.toml")
    text = Path("old.toml").read_text()
    Path("new.toml").write_text(
        text.replace("setpoint_c = 82.0", "setpoint_c = 80.0").replace(
            "i2c_clock_hz = 100000", "i2c_clock_hz = 400000"
        )
    )
    assert cli.main(["check", "new.toml", "--diff", "old.toml"]) == 0
    assert capsys.readouterr().out == (
        "key                 old     new     restart\n"
        "guard.setpoint_c    82      80      in flight\n"
        "buses.i2c_clock_hz  100000  400000  drivers\n"
        "drivers to restart: rails_a, rails_b, rails_host\n"
    )
    assert cli.main(["check", "new.toml", "--diff", "new.toml"]) == 0
    assert capsys.readouterr().out == "no difference: nothing restarts\n"
