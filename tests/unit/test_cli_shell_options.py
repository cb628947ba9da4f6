"""Options that do not go with --nvml-shell, or need it: the wrong one is named, none is flown."""

from pathlib import Path

import pytest

from tests.system.flying import refused


@pytest.mark.parametrize(
    ("words", "said", "unsaid"),
    [
        (["--nvml-shell"], "with --realtime, which is not given", "--json"),
        (["--nvml-shell", "--json"], "with --realtime, which is not given", "--json"),
        (["--realtime", "--nvml-shell", "--json"], "and not with --json", "not given"),
        (["--", "ls", "-l"], "what follows -- ls is run in the shell of --nvml-shell", "config"),
        (["--realtime", "--", "ls"], "write sim --realtime --nvml-shell -- COMMAND", "config"),
        (["--"], "what follows -- is run in the shell of --nvml-shell", "config"),
    ],
)
def test_the_option_that_is_wrong_is_named(
    words: list[str],
    said: str,
    unsaid: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (line,) = refused(capsys, "sim", *words)
    assert said in line
    assert unsaid not in line
    assert not list(tmp_path.iterdir())


def test_two_dashes_before_a_name_are_for_other_commands_what_they_always_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert refused(capsys, "check", "--", "ls") == ["ls: no such config file"]
