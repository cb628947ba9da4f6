"""Fills a C struct of the plant from the section of the configuration that has the same fields."""

from typing import Any

from sim_hw._native import ffi
from sim_hw.config_section import Section


def fill_struct(struct: Any, section: Section) -> None:
    """Copy every field of a section into the field of the same name.

    A switch becomes 0 or 1, a section within a section a struct within a struct. A list becomes an
    array; where the struct has a field NAME_count too, the list may be shorter than the array.

    Args:
        struct: A cffi struct, or a pointer to one.

    Raises:
        TypeError: One side has a field that the other has not, or a value does not fit (a bug: the
            two are written by hand, side by side).
    """
    kind = ffi.typeof(struct)
    kind = kind.item if kind.kind == "pointer" else kind
    fields = dict(kind.fields)
    counts = {name for name in fields if name.removesuffix("_count") in fields.keys() - {name}}
    values = {name: getattr(section, name) for name in type(section).model_fields}
    if unlike := (fields.keys() - counts) ^ values.keys():
        raise TypeError(f"{kind.cname} and {type(section).__name__} differ in {sorted(unlike)}")
    for name, value in values.items():
        where = f"{kind.cname}.{name}"
        if isinstance(value, Section):
            fill_struct(getattr(struct, name), value)
        elif isinstance(value, tuple):
            _fill_array(struct, name, value, where, is_counted=f"{name}_count" in counts)
        elif isinstance(value, int | float):  # bool is an int
            setattr(struct, name, value)
        else:
            raise TypeError(f"{where} takes no {type(value).__name__}")


def _fill_array(
    struct: Any, name: str, values: tuple[float, ...], where: str, *, is_counted: bool
) -> None:
    array = getattr(struct, name)
    if len(values) > len(array) or (not is_counted and len(values) != len(array)):
        raise TypeError(f"{where} holds {len(array)} values, not {len(values)}")
    array[0 : len(values)] = values
    if is_counted:
        setattr(struct, f"{name}_count", len(values))
