# Two commands matter: `make demo` and `make test`. Both make the virtual environment when it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# A CPU or CUDA wheel index for torch may be named: make demo TORCH_INDEX=https://…/whl/cpu
TORCH_INDEX ?=
# How many processes run the tests; a file of tests stays in one.
JOBS ?= auto

.PHONY: demo pictures test lint check vectors wheel bench faults clean

demo: $(READY)
	$(BIN)/python fixtures/demo/demo.py demo

# The pictures of README.md, from the finished demo.
pictures: demo
	$(BIN)/python fixtures/demo/pictures.py demo docs/img

test: $(READY) lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

vectors: $(READY)
	$(BIN)/python ledger/vectors/generate.py

wheel: $(READY)
	$(BIN)/python -m build --wheel

bench: $(READY)
	$(BIN)/python bench/overhead.py

# Minutes, not part of `make test`: every byte of a small ledger flipped, every system call made to fail (strace), every
# bit of small signed files flipped.
faults: $(READY)
	$(BIN)/python bench/faults.py bytes
	$(BIN)/python bench/faults.py calls
	$(BIN)/python bench/flips.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(PIP) install -c constraints.txt -e '.[generate,pocket,dev]'
	# insightface pulls the full OpenCV, which needs libGL; both builds install the same package, so swap them.
	$(PIP) uninstall --yes opencv-python
	$(PIP) install -c constraints.txt --force-reinstall --no-deps opencv-python-headless
	touch $(READY)

clean:
	rm -rf dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
