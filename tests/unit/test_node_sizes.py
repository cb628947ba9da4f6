"""The sizes that the docs tell are those that fly."""

import pytest

from tests.unit.node_sizes import BEGIN, END, NODES, PAGE, ROWS, node, page, table


def test_the_page_tells_the_sizes_of_the_configurations() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert text == page(), "run tools/node_sizes.py"


@pytest.mark.parametrize("name", NODES)
def test_a_size_that_changed_is_seen(name: str) -> None:
    radiator = next(row for row in ROWS if row.what.startswith("radiator"))
    shipped = node(name)
    larger = shipped.plant.radiator.model_copy(update={"area_m2": 9.87})
    changed = shipped._replace(plant=shipped.plant.model_copy(update={"radiator": larger}))
    assert radiator.size(shipped) in table()
    assert radiator.size(changed) not in table()
