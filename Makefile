# Every habit in one word, from python3 alone. BACKENDS="jax tensorflow torch" demands all three.
PYTHON ?= python3
VENV ?= .venv
BACKENDS ?=
# Lines and branches of kapre/ that the tests must cover, in percent; empty: not measured.
COVERAGE ?=
AUDIO ?= examples/audio/arpeggio.flac
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
READY := $(VENV)/.ready

.PHONY: setup demo test test-slow test-packages test-oldest lint format docs lock check clean

setup: $(READY) $(if $(findstring torch,$(BACKENDS)),$(VENV)/.torch)

$(READY): requirements-dev.txt pyproject.toml kapre/_version.py
	$(PYTHON) -m venv $(VENV)
	@# PyTorch first where it is asked for: what comes later must not pull in another.
	$(if $(findstring torch,$(BACKENDS)),$(PIP) -r requirements-torch.txt)
	$(PIP) -r requirements-dev.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.torch: requirements-torch.txt $(READY)
	$(PIP) -r requirements-torch.txt
	$(PIP) -r requirements-dev.txt
	@touch $@

demo: setup
	@mkdir -p out
	@$(PY) -m kapre_cli show "$(AUDIO)" --output out/picture.png --features out/features.npz
	@echo "The picture is out/picture.png; the features, with their recipe, are out/features.npz."

test: setup
	@$(PY) tools/test.py $(BACKENDS) $(if $(COVERAGE),--coverage $(COVERAGE))

OLDEST := $(VENV)-oldest
# The suite on the oldest versions declared; their own warnings are not errors.
test-oldest: setup
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-torch.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-oldest.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(OLDEST)/bin/python tools/test.py $(BACKENDS) -o filterwarnings=

# What takes long: wheel, sdist and every extra in empty environments, and the oldest versions.
test-slow: test-packages test-oldest

test-packages: setup
	@$(PY) tools/check_packages.py

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: setup
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: setup
	$(PY) tools/docs.py

lock: setup
	$(PY) -m uv pip compile requirements-dev.in --universal --python-version 3.11 --upgrade --quiet \
		--no-header --no-annotate --output-file requirements-dev.txt

check: lint docs demo test-slow test

clean:
	rm -rf $(VENV) out site build dist .cache
