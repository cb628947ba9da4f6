"""Between the plant in C and its configuration in Python: same fields, same numbers."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest
from cffi import FFI

from sim_hw.config_section import Section
from sim_hw.native_config import fill_struct
from tests.unit.plant_stand_in import running_plant

ROOT = Path(__file__).parents[2]
SHAPES = FFI()
SHAPES.cdef("""
    struct inner { double power_w; };
    struct outer { double is_on; double table_v[4]; int32_t table_v_count; double pair_a[2];
                   int32_t cell_count; struct inner inner; };
""")


class Inner(Section):
    power_w: float = 3.0


class Outer(Section):
    is_on: bool = True
    table_v: tuple[float, ...] = (1.0, 2.0)
    pair_a: tuple[float, ...] = (5.0, 6.0)
    cell_count: int = 12
    inner: Inner = Inner()


def filled(section):
    struct = SHAPES.new("struct outer *")
    fill_struct(struct, section)
    return struct


def test_every_kind_of_value_arrives() -> None:
    struct = filled(Outer())
    assert struct.is_on == 1.0
    assert list(struct.table_v) == [1.0, 2.0, 0.0, 0.0] and struct.table_v_count == 2
    assert list(struct.pair_a) == [5.0, 6.0]
    assert struct.cell_count == 12
    assert struct.inner.power_w == 3.0


class OneMore(Outer):
    extra_w: float = 1.0


class Text(Outer):
    cell_count: str = "12"


class OneLess(Section):
    is_on: bool = True


@pytest.mark.parametrize(
    ("section", "told"),
    [
        (OneMore(), r"struct outer and OneMore differ in \['extra_w'\]"),
        (OneLess(), r"differ in \['cell_count', 'inner', 'pair_a', 'table_v'\]"),
        (Outer(table_v=(1.0,) * 5), r"struct outer.table_v holds 4 values, not 5"),
        (Outer(pair_a=(1.0,)), r"struct outer.pair_a holds 2 values, not 1"),
        (Text(), r"struct outer.cell_count takes no str"),
    ],
)
def test_what_the_other_side_has_not_is_refused(section, told) -> None:
    with pytest.raises(TypeError, match=told):
        filled(section)


def test_views_keep_the_memory_of_a_plant_alive() -> None:
    plant, image = running_plant()
    target, faults = plant.utilisation_target, plant.faults
    del plant, image
    gc.collect()
    target[:] = 0.5
    faults.string_ok[:] = 0.0
    assert target.sum() == 4.0 and not faults.string_ok.any()


def test_the_plant_of_the_c_tests_is_that_of_ref1() -> None:
    program = ROOT / "tools" / "plant_defaults.py"
    done = subprocess.run(
        [sys.executable, program, "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
