"""Make `python -m kapre_cli` the command."""

from kapre_cli.main import main

main()
