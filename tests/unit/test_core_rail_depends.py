"""Dependencies of the rails are data: checked by name, and what the sequence waits for."""

import pytest
from pydantic import ValidationError

from flight.core import rail_order, rails
from flight.core.config import CoreConfig, RailsConfig
from flight.core.rails import Conditions, Pair, PairSample, Phase
from tests.core_node import Node

S = 1_000_000_000
DEAD = PairSample(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, answers=False)
GOOD = {"payload_54v": [], "accel_aux": ["payload_54v"], "accel_54v": ["accel_aux"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"accel_aux": ["accel_54v"]},
            "in a cycle: accel_aux -> accel_54v -> accel_aux",
        ),
        ({"payload_54v": ["payload_54v"]}, "in a cycle: payload_54v -> payload_54v"),
        (
            {"payload_54v": ["accel_54v"]},
            "in a cycle: payload_54v -> accel_54v -> accel_aux -> payload_54v",
        ),
        ({"accel_54v": ["payload_54v"]}, "accel_54v must depend on accel_aux"),
        ({"accel_aux": []}, "accel_54v must depend on payload_54v"),
        ({"accel_aux": ["accel_auxx"]}, "accel_aux depends on 'accel_auxx', which does not exist"),
        ({"host_12v": []}, "'host_12v' is no rail to be sequenced; known: payload_54v, accel_aux"),
    ],
)
def test_impossible_dependencies_are_refused_by_name(
    changes: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(ValidationError) as error:
        CoreConfig.model_validate({"rails": {"depends": {**GOOD, **changes}}})
    assert message in str(error.value)


def test_a_rail_without_an_entry_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"no entry for accel_54v; write \[\] for none"):
        CoreConfig.model_validate({"rails": {"depends": {"payload_54v": [], "accel_aux": []}}})


def test_the_order_puts_each_rail_after_what_it_depends_on() -> None:
    order = rail_order.order(rail_order.DEFAULT)
    assert order == ("payload_54v", "coolant_flow", "accel_aux", "accel_54v")
    for name, others in rail_order.DEFAULT.items():
        assert all(order.index(other) < order.index(name) for other in others)


def started(depends: dict[str, tuple[str, ...]], **conditions: bool) -> Phase:
    config = RailsConfig.model_validate({"depends": depends})
    known = {"flow_good": True, "payload_good": True, "module_turn": True, **conditions}
    pair = Pair(Phase.OFF, open_ns=1)
    return rails.step(config, pair, DEAD, Conditions(10 * S, **known), wanted=True).phase


def test_the_sequence_waits_for_what_is_declared_and_for_nothing_else() -> None:
    default = dict(rail_order.DEFAULT)
    dry = {**default, "accel_aux": ("payload_54v",), "accel_54v": ("accel_aux",)}
    assert started(default, flow_good=False) is Phase.OFF
    assert started(dry, flow_good=False) is Phase.AUX
    assert started(dry, payload_good=False) is Phase.OFF


def test_a_dependency_through_another_rail_holds_too() -> None:
    through = {"payload_54v": ("coolant_flow",), "accel_aux": ("payload_54v",),
               "accel_54v": ("accel_aux",)}  # fmt: skip
    assert started(through, flow_good=False) is Phase.OFF


def test_a_payload_bus_that_depends_on_flow_waits_for_it() -> None:
    depends = {"payload_54v": ["coolant_flow"], "accel_aux": ["payload_54v"],
               "accel_54v": ["accel_aux"]}  # fmt: skip
    node = Node(config=CoreConfig.model_validate({"rails": {"depends": depends}}))
    node.pump_dead = [True, True]
    node.cycle()
    node.forced["loop.flow_kg_per_s"] = 0.0
    for _ in range(300):
        node.cycle()
        assert node.set_points["rail.payload_54v.enable"] == 0.0
