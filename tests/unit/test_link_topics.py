"""Topic names and filters."""

import pytest

from flight.link.topics import Topics, topic_matches


def test_the_topics_of_a_node_are_under_its_own_base() -> None:
    topics = Topics(fleet="f", satellite="s1", node="n2")
    assert topics.birth == "ns/f/s1/n2/birth"
    assert topics.telemetry("fast") == "ns/f/s1/n2/tlm/fast"
    names = {topics.birth, topics.death, topics.event, topics.command, topics.ack}
    assert {name.removeprefix(topics.base) for name in names} == {
        "/birth",
        "/death",
        "/evt",
        "/cmd",
        "/ack",
    }


@pytest.mark.parametrize("level", ["", "a/b", "+", "a#", "\0"])
def test_a_name_that_is_not_one_level_is_refused(level: str) -> None:
    with pytest.raises(ValueError, match="satellite"):
        Topics(fleet="f", satellite=level, node="n")
    with pytest.raises(ValueError, match="packet"):
        Topics(fleet="f", satellite="s", node="n").telemetry(level)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/b/c", "a/b", False),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("+/b", "a/b", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("#", "a/b", True),
        ("a/+/c", "a/x/d", False),
    ],
)
def test_filters_match_as_mqtt_says(topic_filter: str, topic: str, expected: bool) -> None:
    assert topic_matches(topic_filter, topic) is expected
