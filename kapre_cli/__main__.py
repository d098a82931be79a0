"""Run the command as `python -m kapre_cli`."""

from kapre_cli.main import main

main()
