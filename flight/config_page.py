"""The reference page of the configuration, made from its models."""

import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from flight.config import NodeConfig
from flight.dictionary.pages import table
from flight.operator_error import range_text

TEXT = """# Configuration

Every key of a node's configuration, one TOML file. `nightside init` writes one with all of them;
`nightside check` says whether it makes sense. A number marked assumed has no source yet.
`nightside dictionary --markdown docs/reference` writes this page; a test compares.
"""
_TYPES = {float: "number", int: "whole number", bool: "true or false", str: "text"}


def configuration_page() -> str:
    """Return the text of the page."""
    return TEXT + "".join(_sections())


def _sections() -> Iterator[str]:
    for name, field in NodeConfig.model_fields.items():
        model, is_pattern = _model(field.annotation)
        if model is None:
            yield f"\n## [{name}]\n\n{field.description}\n"
            continue
        title = f'{name}."PATTERN"' if is_pattern else name
        about = (model.__doc__ or "").removeprefix(f"[{name}]: ").strip()
        about = " ".join((about[:1].upper() + about[1:]).split())
        rows = [_row(key, found) for key, found in model.model_fields.items()]
        head = ["key", "type", "range", "default", "meaning"]
        yield f"\n## [{title}]\n\n{about}\n\n{table(head, rows)}"


def _model(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Return the model of a section and whether its tables are named by patterns."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    if get_origin(annotation) is dict:
        return _model(get_args(annotation)[1])[0], True
    return None, False


def _row(key: str, field: FieldInfo) -> list[str]:
    default = (
        "needed" if field.is_required() else _value(field.get_default(call_default_factory=True))
    )
    span = range_text(field)
    return [f"`{key}`", _type_text(field.annotation), span, default, field.description or ""]


def _value(value: Any) -> str:
    if value is None:
        return "as in the dictionary"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        return f"{value:g}" if abs(value) < 1e5 else str(value)
    return f'"{value}"' if isinstance(value, str) else f"{value}"


def _type_text(annotation: Any) -> str:
    if annotation in _TYPES:
        return _TYPES[annotation]
    if get_origin(annotation) is Literal:
        return " or ".join(_value(choice) for choice in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [a for a in get_args(annotation) if a is not type(None)]
        return " or ".join(_type_text(a) for a in inner)
    return str(getattr(annotation, "__name__", annotation))
