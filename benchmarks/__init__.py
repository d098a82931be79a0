"""How fast, how large and how soon: ours and the installed peers side by side. `make bench` runs it; see run.py."""
