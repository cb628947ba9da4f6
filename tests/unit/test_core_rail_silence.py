"""A rail's part that does not answer: told to the operator, and nothing is switched."""

from tests.core_node import booted


def test_a_rail_whose_part_is_silent_is_named_within_two_seconds_and_nothing_moves() -> None:
    node = booted()
    node.mute = {point.name for point in node.table if point.device == "accel2_54v"}
    node.events.clear()
    node.fly(2.0)
    said = [(e.event_id, e.subject) for e in node.events]
    assert said == [("rail.communication_lost", "accel2_54v")]
    assert "no reading of" in node.events[0].text
    assert node.set_points["rail.accel2_54v.enable"] > 0.5


def test_the_silence_of_a_rail_is_over_when_its_part_answers_again() -> None:
    node = booted()
    node.mute = {point.name for point in node.table if point.device == "accel5_aux"}
    node.fly(2.0)
    node.mute = set()
    node.events.clear()
    decision = node.fly(3.0)
    assert ("rail.communication_lost.cleared", "accel5_aux") in [
        (e.event_id, e.subject) for e in node.events
    ]
    assert decision.cap_w[5] == 700.0
