"""Whatever a person writes into a configuration, `check` answers with lines, never with a crash."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flight import cli
from flight.examples import default_config_path

LINES = default_config_path().read_text().splitlines()
KEYS = [i for i, line in enumerate(LINES) if re.match(r"[a-z_0-9]+ = ", line)]
VALUES = (
    "1e400", "-1", "0", "nan", "true", '""', '"x"', "[]", "[1, [2]]", "{}", "{ a = 1 }", "1e9",
    "2030-01-01", "'''", "9223372036854775808", "0.5", "",
)  # fmt: skip
CHANGE = st.one_of(
    st.tuples(st.just("value"), st.sampled_from(KEYS), st.sampled_from(VALUES)),
    st.tuples(st.just("drop"), st.integers(0, len(LINES) - 1), st.just("")),
    st.tuples(st.just("twice"), st.integers(0, len(LINES) - 1), st.just("")),
    st.tuples(st.just("text"), st.integers(0, len(LINES) - 1), st.text(max_size=20)),
    st.tuples(
        st.just("text"),
        st.integers(0, len(LINES) - 1),
        st.sampled_from(['[points."*"]', "[[guard]]", "guard.x.y = 1", "[points]\n'*_w' = 3"]),
    ),
)


def changed(changes: list[tuple[str, int, str]]) -> str:
    lines = list(LINES)
    for kind, index, text in changes:
        if kind == "value":
            lines[index] = f"{lines[index].partition(' = ')[0]} = {text}"
        elif kind == "drop":
            lines[index] = ""
        elif kind == "twice":
            lines[index] += "\n" + lines[index]
        else:
            lines[index] = text
    return "\n".join(lines)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CHANGE, min_size=1, max_size=6))
def test_any_change_of_the_reference_node_is_accepted_or_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: list[tuple[str, int, str]]
) -> None:
    path = tmp_path / "node.toml"
    path.write_text(changed(changes), encoding="utf-8", newline="")
    exit_code = cli.main(["check", str(path)])
    captured = capsys.readouterr()
    assert exit_code in (cli.EXIT_OK, cli.EXIT_BAD_INPUT), captured.err
    if exit_code == cli.EXIT_BAD_INPUT:
        for line in captured.err.splitlines():
            assert re.match(rf"nightside: {re.escape(str(path))}(:\d+)?: \S", line), line
        placed = [int(n) for n in re.findall(r"node\.toml:(\d+):", captured.err)]
        assert placed == sorted(placed)
        assert all(0 < number <= path.read_text().count("\n") + 1 for number in placed)
