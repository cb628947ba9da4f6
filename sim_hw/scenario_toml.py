"""Scenarios as text: what a search found is written so that `nightside sim --scenario` replays
it.
"""

import json
from collections.abc import Mapping
from typing import Any


def scenario_toml(data: Mapping[str, Any]) -> str:
    """Return the TOML of scenario tables, as `parse_scenario` takes them.

    Args:
        data: Scalars, tables, and lists of tables (`fault`, `action`, `expect`) at the top level;
            the tables hold scalars and, as `parameters`, tables of scalars.
    """
    lines = [f"{key} = {_scalar(value)}" for key, value in data.items() if _is_scalar(value)]
    for key, value in data.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{key}]", *_pairs(value)]
        elif not _is_scalar(value):
            for table in value:
                lines += ["", f"[[{key}]]", *_pairs(table)]
    return "\n".join(lines) + "\n"


def _pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in table.items() if value is not None]


def _value(value: Any) -> str:
    if not isinstance(value, Mapping):
        return _scalar(value)
    return "{ " + ", ".join(f"{k} = {_scalar(v)}" for k, v in value.items()) + " }"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False)  # TOML basic strings escape as JSON does


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float | str)
