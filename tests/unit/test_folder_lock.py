"""One daemon per folder."""

from pathlib import Path

import pytest

from flight.operator_error import OperatorError
from flight.services.folder_lock import only_daemon_in


def test_a_second_daemon_in_a_folder_is_refused_until_the_first_has_gone(tmp_path: Path) -> None:
    with only_daemon_in(tmp_path):
        with pytest.raises(OperatorError) as refused, only_daemon_in(tmp_path):
            pass
        assert refused.value.lines == (
            f"--out {tmp_path}: another daemon runs in it; stop that one, or give another folder",
        )
    with only_daemon_in(tmp_path):
        pass


def test_a_folder_that_is_not_there_is_an_operators_mistake(tmp_path: Path) -> None:
    with (
        pytest.raises(OperatorError, match="cannot be held: No such file"),
        only_daemon_in(tmp_path / "x"),
    ):
        pass
