"""The node's configuration and what is assembled from it."""

from pathlib import Path

import pytest

from flight.config import NodeConfig, PointOverride, build_points, config_hash, load_config
from flight.core.points import PointTable
from flight.node import TRANSIENT_MASK, transient_mask
from flight.operator_error import OperatorError

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
