"""One-line changes of a configuration: `guard.gain_p_w_per_k=40`."""

import tomllib
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from flight.config import NodeConfig
from flight.operator_error import OperatorError, explain_validation, suggest


def changed_config(config: NodeConfig, changes: Sequence[str]) -> NodeConfig:
    """Return the configuration with some keys changed; the same one when there are none.

    Raises: OperatorError, naming the change that cannot be made.
    """
    if not changes:
        return config
    data = config.model_dump()
    for change in changes:
        key, equals, text = change.partition("=")
        section, _, name = key.strip().rpartition(".")
        if not equals or not section:
            raise OperatorError(
                f"--set {change!r}: write SECTION.KEY=VALUE, e.g. guard.setpoint_c=80"
            )
        table: dict[str, Any] = data.get(section, {})
        if name not in table:
            known = [f"{s}.{k}" for s, keys in data.items() if isinstance(keys, dict) for k in keys]
            raise OperatorError(f"--set {change!r}: no such key{suggest(key.strip(), known)}")
        table[name] = _value(text)
    try:
        return NodeConfig.model_validate(data)
    except ValidationError as error:
        raise OperatorError(explain_validation("--set", error, NodeConfig, data)) from None


def _value(text: str) -> Any:
    """Read a value as TOML does; what is no TOML is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
