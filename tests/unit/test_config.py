"""The node's configuration and what is assembled from it."""

from pathlib import Path

import pytest

from flight.config import NodeConfig, PointOverride, build_points, config_hash, load_config
from flight.core.points import PointTable
from flight.node import TRANSIENT_MASK, HalSpecs, build_hal_specs, transient_mask
from flight.operator_error import OperatorError
from hal import BusHandle, NvmlDevice

CONFIG = Path(__file__).parents[2] / "examples" / "configs" / "ref1.toml"


def override(pattern: str, **change: float) -> PointTable:
    return build_points(NodeConfig(points={pattern: PointOverride(**change)}))


def test_the_shipped_configuration_is_the_default_node() -> None:
    shipped, default = load_config(CONFIG), NodeConfig()
    sections = set(NodeConfig.model_fields) - {"node", "plant", "points"}
    assert {s: getattr(shipped, s) for s in sections} == {s: getattr(default, s) for s in sections}
    assert build_points(shipped) == build_points(default)


def test_an_override_changes_the_points_it_matches_and_no_other() -> None:
    before, after = build_points(NodeConfig()), override("accel*.cap_w", write_high=500.0)
    changed = [a.name for a, b in zip(before, after, strict=True) if a != b]
    assert changed == [f"accel{i}.cap_w" for i in range(8)]
    writable = after.points[after.index["accel0.cap_w"]].writable
    assert writable is not None
    assert writable.high == 500.0


@pytest.mark.parametrize(
    ("pattern", "change", "message"),
    [
        ("accel9.cap_w", {"high": 1.0}, "no such point; did you mean"),
        ("host.cpu_temp_c", {"safe": 1.0}, "is read-only, safe cannot apply"),
        ("accel0.cap_w", {"write_low": 800.0}, "write_low 800 is not below write_high 700"),
        ("accel0.cap_w", {"safe": 100.0}, "safe 100 is outside 200 to 700"),
        ("host.cpu_temp_c", {"low": 200.0}, "low 200 is not below high 125"),
    ],
)
def test_an_override_that_cannot_be_is_refused(
    pattern: str, change: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        override(pattern, **change)


class Hardware:
    """Stands for buses and accelerators that are never opened."""

    def bus(self, driver: str) -> BusHandle:
        return BusHandle(ops_address=1, ctx_address=1)

    def accelerator(self, index: int) -> NvmlDevice:
        return NvmlDevice(library_path="/lib", pci_bus_id=f"{index}", uuid=f"GPU-{index}")


def specs_of(data: dict[str, object]) -> HalSpecs:
    config = NodeConfig.model_validate(data)
    return build_hal_specs(config, build_points(config), Hardware())


def test_a_phase_moves_the_polls_it_is_given_for_and_no_other() -> None:
    specs = specs_of(
        {
            "points": {
                "rail.*_aux.*": {"period_s": 0.2, "phase_s": 0.1},
                "rail.accel3_aux.*": {"phase_s": 0.05},
            }
        }
    )
    phases_ms = {point.name: point.phase_ns / 1e6 for point in specs.points}
    for name, phase_ms in phases_ms.items():
        wanted_ms = 50 if "accel3_aux" in name else 100 if "_aux." in name else 0
        assert phase_ms == wanted_ms, name


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (
            {"eps.*": {"phase_s": 0.1}},
            r'points."eps\.\*": eps.array_power_w: phase_s 0.1 is not below its period_s 0.1',
        ),
        (
            {"eps.*": {"phase_s": 0.3, "period_s": 0.5}, "eps.bus28.*": {"period_s": 0.2}},
            r'points."eps\.\*": eps.bus28.voltage_v: phase_s 0.3 is not below its period_s 0.2',
        ),
    ],
)
def test_a_phase_outside_the_period_is_refused_by_name(
    tmp_path: Path, points: dict[str, dict[str, float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build_points(NodeConfig.model_validate({"points": points}))
    path = tmp_path / "node.toml"
    path.write_text('[points."eps.*"]\nphase_s = -0.1\n')
    with pytest.raises(OperatorError, match=r"phase_s = -0.1: write at least 0"):
        load_config(path)


def test_silent_parts_of_a_bus_are_backed_off_from_and_accelerators_are_not() -> None:
    for given, wanted_ns in (({}, 500_000_000), ({"backoff_s_max": 0.0}, 0)):
        specs = specs_of({"buses": given})
        assert {d.backoff_max_ns for d in specs.drivers if d.bus is not None} == {wanted_ns}
        assert {d.backoff_max_ns for d in specs.drivers if d.bus is None} == {0}


def test_a_reflex_at_or_below_the_guard_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_text("[reflex]\ncore_temp_c = 82.0\n")
    with pytest.raises(OperatorError, match=r"must be above guard\.setpoint_c 82"):
        load_config(path)


def test_the_hash_follows_every_value() -> None:
    other = NodeConfig().model_copy(update={"points": {"host.*": PointOverride(age_s_max=1.0)}})
    assert config_hash(NodeConfig()) == config_hash(NodeConfig())
    assert config_hash(other) != config_hash(NodeConfig())


def test_the_transient_mask_lies_between_legal_steps() -> None:
    table = build_points(NodeConfig())
    rules = transient_mask(table, "rail.accel2_54v")
    assert len(rules) == len(TRANSIENT_MASK)
    below_w = 700.0
    for rule, (multiple, limit_ms) in zip(rules, TRANSIENT_MASK, strict=True):
        assert below_w < rule.threshold < 700.0 * multiple
        assert limit_ms * 1e6 < rule.persistence_ns <= (limit_ms + 2.0) * 1e6
        assert table.points[rule.action_point].name == "rail.accel2_54v.enable"
        assert rule.action_value == 0.0
        below_w = 700.0 * multiple


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[points."accel*.cap_w"]\nsafe = 700', "a lapsed lease would not protect"),
        ("[arbiter]\ncap_w_min = 100\ncap_w_safe = 100", "would refuse the smallest cap"),
        ('[points."accel*.cap_w"]\nwrite_high = 600', "would refuse the largest cap"),
        ("[reflex]\ncore_temp_c = 88", "else it comes too late"),
    ],
)
def test_a_configuration_that_would_defeat_a_protection_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "node.toml"
    path.write_text(text)
    with pytest.raises(OperatorError, match=message):
        load_config(path)
