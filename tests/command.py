"""The command `kapre`, called in this process."""

from __future__ import annotations

import pytest

from kapre_cli.main import main


def run(*arguments: object) -> int:
    """Run the command with the arguments as words; return its exit code."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return int(end.value.code or 0)
