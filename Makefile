# Common tasks, each from python3 alone. BACKENDS="jax tensorflow torch" requires all three backends.
PYTHON ?= python3
VENV ?= .venv
BACKENDS ?=
# Lines and branches that the tests must cover, in percent; empty: not measured.
COVERAGE ?=
# Not empty: fail where kapre-native cannot be built.
NATIVE ?=
# Not empty: with the tests marked thorough, which repeat on another backend or preset what quicker ones check.
THOROUGH ?=
AUDIO ?= examples/audio/arpeggio.flac
PY := $(VENV)/bin/python
# Makes an environment if it is absent and installs into it, with uv or else with pip.
INSTALL := $(PYTHON) tools/install.py
READY := $(VENV)/.ready

# Packages are installed without bytecode. The first import of a module writes it, so that later processes start sooner.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup native sanitize demo test test-slow test-packages test-oldest test-frontends test-export test-corpus test-suites test-browser oldest matrix lint format docs agreement bench bench-augmentation gpu lock check clean

help:
	@echo "make demo     install Kapre with JAX and draw a recording (AUDIO=path for another)"
	@echo "make setup    install what development needs into $(VENV)"
	@echo "make test     run the tests, once per backend (BACKENDS=\"jax tensorflow torch\" requires all three)"
	@echo "make lint     check the style and the types"
	@echo "make docs     build the documentation into site/"
	@echo "make bench    measure Kapre beside other libraries"
	@echo "make check    run everything that CI runs"
	@echo "CONTRIBUTING.md lists the others."

setup: $(READY) $(if $(findstring torch,$(BACKENDS)),$(VENV)/.torch) $(VENV)/.native

# What development needs, each requirement once. PyTorch first where it is asked for: what comes later must not pull in
# another.
$(READY): requirements-dev.txt requirements-torch.txt requirements-references.txt pyproject.toml kapre/_version.py
	$(if $(findstring torch,$(BACKENDS)),$(INSTALL) $(VENV) -r requirements-torch.txt)
	$(INSTALL) $(VENV) -r requirements-dev.txt
	$(if $(findstring torch,$(BACKENDS)),$(INSTALL) $(VENV) --no-deps -r requirements-references.txt)
	$(INSTALL) $(VENV) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.demo $(if $(findstring torch,$(BACKENDS)),$(VENV)/.torch)

$(VENV)/.torch: $(READY)
	$(INSTALL) $(VENV) -r requirements-torch.txt
	$(INSTALL) $(VENV) -r requirements-dev.txt
	$(INSTALL) $(VENV) --no-deps -r requirements-references.txt
	@touch $@

# The compiled kernel, if there is a C++ compiler. NATIVE=1 demands one.
native: $(VENV)/.native

$(VENV)/.native: $(READY) $(wildcard native/*.* native/*/*.*)
	@$(PYTHON) tools/native.py $(VENV) $(if $(NATIVE),--demand)
	@touch $@

# The compiled kernel with the address and undefined-behaviour sanitizers, in out/, under its own tests (GCC).
SANITIZED = LD_PRELOAD="$$(c++ -print-file-name=libasan.so) $$(c++ -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 KAPRE_NATIVE=out/sanitize/kapre_native/libkapre_native.so
sanitize: $(READY)
	@rm -rf out/sanitize
	@$(PY) -m pip install -q --no-deps --target out/sanitize --config-settings=cmake.define.KAPRE_SANITIZE=ON ./native
	@$(SANITIZED) KERAS_BACKEND=numpy $(PY) -m pytest -q -p no:cacheprovider \
		tests/native/test_library.py tests/native/test_effects.py
	@$(SANITIZED) KERAS_BACKEND=tensorflow $(PY) -m pytest -q -p no:cacheprovider tests/native/test_tensorflow.py \
		-k "recipe or graphs or pipeline or threads or key"

# The package with JAX, in the versions of requirements-dev.txt.
$(VENV)/.demo: requirements-dev.txt pyproject.toml kapre/_version.py
	$(INSTALL) $(VENV) --constraint requirements-dev.txt --editable '.[jax,audio]'
	@touch $@

demo: $(VENV)/.demo
	@mkdir -p out
	@$(PY) -m kapre_cli show "$(AUDIO)" --output out/picture.png --features out/features.npz
	@echo "The picture is out/picture.png; the features, with their recipe, are out/features.npz."
	@echo "Next: source $(VENV)/bin/activate, then kapre --help, or kapre presets."

test: setup
	@$(PY) tools/test.py $(BACKENDS) $(if $(THOROUGH),--thorough) $(if $(COVERAGE),--coverage $(COVERAGE))

OLDEST := $(VENV)-oldest
# The oldest versions declared, in an environment of their own.
oldest: $(OLDEST)/.ready

$(OLDEST)/.ready: requirements-torch.txt requirements-oldest.txt pyproject.toml kapre/_version.py
	$(INSTALL) $(OLDEST) -r requirements-torch.txt
	$(INSTALL) $(OLDEST) -r requirements-oldest.txt
	$(INSTALL) $(OLDEST) --no-deps --no-build-isolation --editable .
	@touch $@

# What can differ from version to version; the oldest versions' own warnings are not errors.
test-oldest: setup $(OLDEST)/.ready
	@# JAX compiles for every shape; here it need not compile well.
	@JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(OLDEST)/bin/python tools/test.py $(BACKENDS) $(if $(THOROUGH),--thorough) --oldest -o filterwarnings=

# Every preset against its references at awkward lengths, streamed in any split, and in ragged batches.
test-frontends: setup
	@$(PY) tools/test.py $(BACKENDS) $(if $(THOROUGH),--thorough) --frontends

# Every format that each backend writes, run in its own runtime.
test-export: setup
	@$(PY) tools/test.py $(BACKENDS) $(if $(THOROUGH),--thorough) --export $(if $(COVERAGE),--coverage $(COVERAGE))

# Stores of 500 recordings, twelve of them bad, through every reader, and runs that are killed and go on.
test-corpus: setup
	@$(PY) tools/test.py $(BACKENDS) $(if $(THOROUGH),--thorough) --corpus

# These three and `make test` in one pool of two processes, which takes less time than one after another.
test-suites: setup
	@$(PY) tools/test.py $(BACKENDS) $(if $(THOROUGH),--thorough) --all

BROWSER := examples/browser
# The page in examples/browser; needs npm, and Debian's chromium and chromium-driver.
test-browser: setup $(BROWSER)/node_modules/onnxruntime-web
	@$(PY) tools/test.py $(BACKENDS) $(if $(THOROUGH),--thorough) --browser

$(BROWSER)/node_modules/onnxruntime-web: $(BROWSER)/package.json
	npm install --prefix $(BROWSER) --no-package-lock --no-audit --no-fund --silent
	@touch $@

# Everything except `make test`.
test-slow: test-packages test-oldest test-frontends test-export test-corpus test-browser

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

# Every backend by every format, into docs/export: some minutes, on a quiet machine.
matrix: $(READY) $(VENV)/.torch
	@$(PY) tools/matrix.py

MEASURED := $(CURDIR)/.cache/agreement
# How far every preset is from its references, on all three backends one after another: some twenty minutes.
agreement: $(READY) $(VENV)/.torch
	@rm -rf $(MEASURED) && mkdir -p $(MEASURED)
	@set -e; for backend in $(or $(BACKENDS),jax tensorflow torch); do \
		KERAS_BACKEND=$$backend KAPRE_AGREEMENT=$(MEASURED) TF_CPP_MIN_LOG_LEVEL=3 \
		$(PY) -m pytest -q -p no:cacheprovider tests/frontends/test_agreement.py; done
	@$(PY) tools/presets.py --agreement $(MEASURED)

PUBLISHED := $(VENV)-published
PUBLISHED_KAPRE := 0.4.1
BENCH_SHAPES ?= abcde
BENCH_BUDGET ?= 6
# Of torch, tensorflow, jax, published, cpu; empty: all.
BENCH_RUNTIMES ?=
# Ours and the installed peers side by side, into docs/benchmarks and docs/benchmarks.md: an hour or two, on a quiet
# machine. `make bench BENCH_SHAPES=ad BENCH_BUDGET=1 BENCH_RUNTIMES=torch` is a look.
bench: $(READY) $(VENV)/.torch $(VENV)/.bench $(PUBLISHED)/.ready
	@KAPRE_PUBLISHED_PYTHON=$(abspath $(PUBLISHED))/bin/python $(PY) -m benchmarks.run --strict \
		--shapes $(BENCH_SHAPES) --budget $(BENCH_BUDGET) $(if $(BENCH_RUNTIMES),--runtimes $(BENCH_RUNTIMES))
	@$(PY) -m benchmarks.augmentation
	@$(PY) -m benchmarks.analysis

# Augmentations alone, beside audiomentations, torch-audiomentations and torchaudio: some minutes, on a quiet machine.
bench-augmentation: $(READY) $(VENV)/.torch
	@$(PY) -m benchmarks.augmentation

# On a machine with a GPU, with the Python that has PyTorch and JAX for it: some minutes, into out/gpu.
gpu:
	@$(PYTHON) tools/gpu.py

$(VENV)/.bench: requirements-bench.txt $(VENV)/.torch
	$(INSTALL) $(VENV) --no-deps -r requirements-bench.txt
	@touch $@

# What is published, in an environment of its own; it asks for another TensorFlow than ours.
$(PUBLISHED)/.ready: requirements-published.txt
	$(INSTALL) $(PUBLISHED) -r requirements-published.txt
	$(INSTALL) $(PUBLISHED) --no-deps kapre==$(PUBLISHED_KAPRE)
	@touch $@

lock: setup
	$(PY) -m uv pip compile requirements-dev.in --universal --python-version 3.11 --upgrade --quiet \
		--no-header --no-annotate --output-file requirements-dev.txt

check: lint docs demo test-packages test-oldest test-browser test-suites

clean:
	rm -rf $(VENV) out site build dist .cache
