# make train export   trains on scikit-learn's digits and exports a verified bundle
# make test           lints, checks types and runs every test
# make lint           lints and checks types only
# make format         lays out the code and mends what can be mended
# make clean          removes what the others made: .venv, runs, artifacts
# make fuzz           opens 19,000 mutated bundles and states: each is refused, or scores as before (minutes)
# make bench-loop     what the training loop costs; with PyOD installed, beside PyOD
# make bench-step     what a training step computes beside its matrix products, counted: no other
#                     process can change the figures (half a minute)
# make bench-runtime   what the runner costs beside bare onnxruntime and Keras (five minutes)
# make bench-nll MNIST=dir   test NLL on binarised MNIST through the exported scorer (half an hour)
# make bench-architectures FASHION=dir   what networks cost and how well they model (half an hour)
# make bench-mlperf-tiny AD=dir   MLPerf Tiny's anomaly detector through our converters (a minute)
# make bench-quality ADBENCH=dir ODDBENCH=dir   rankings and false alarms on tables of ADBench, OddBench or
#                     both, through train, export and the runner, beside other detectors (an hour or
#                     two; goes on where it was); QUALITY=file.jsonl holds the figures
# make bench-semi     classes of digits from 10 labels each, beside baselines (five minutes)
# make bench-folds ADBENCH=dir   alarms of models of few rows, held back or in folds (half an hour)
# make bench-minute   where a user's minute goes, from the start of training to a bundle (five minutes)
# make help           prints this
#
# PRECISION=fp32,int8 chooses what make export writes: fp32, fp16, dynamic, int8; or all, as of digits.
# DATA=path.csv trains on your own rows; ARGS="--latent-dim 4 ..." passes options to vae-keras train
# or to a benchmark.
# GPU=1 installs TensorFlow's CUDA build (into .venv-gpu); PYTHON=python3.12 chooses the interpreter.

PYTHON ?= python3
DATA ?= digits
NAME ?= $(basename $(notdir $(DATA)))
RUN ?= runs/$(NAME)
BUNDLE ?= artifacts/$(NAME)
PRECISION ?= $(if $(filter digits,$(DATA)),all,fp32)
QUALITY ?= runs/quality.jsonl
ARGS ?=

ifdef GPU
VENV := .venv-gpu
BUILD := gpu
else
VENV := .venv
BUILD := cpu
endif
BIN := $(VENV)/bin
PIP := PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help train export test test-device test-workstation lint format clean fuzz bench-loop bench-step bench-runtime bench-nll bench-architectures bench-semi \
    bench-mlperf-tiny bench-folds bench-minute
.DELETE_ON_ERROR:

help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile

train: $(VENV)/.installed
	$(BIN)/vae-keras train --data $(DATA) --out $(RUN) $(ARGS)

export: $(VENV)/.installed $(RUN)/config.json
	$(BIN)/vae-export $(RUN) --out $(BUNDLE) --precision $(PRECISION)
	@echo
	@echo "$(BUNDLE) holds:" && ls $(BUNDLE)
	@echo
	@echo "Next, on any device with numpy and onnxruntime (pip install ./runtime):"
	@echo "    $(BIN)/vae-runtime selftest $(BUNDLE)"
	@echo "    $(BIN)/vae-runtime score $(BUNDLE) $(RUN)/test.npz -o scores.csv"
	@echo "    $(BIN)/vae-runtime sample $(BUNDLE) -n 16 --seed 0 -o samples.$(if $(filter digits,$(DATA)),png,npy)"

# Exporting without having trained trains first.
$(RUN)/config.json: | $(VENV)/.installed
	$(BIN)/vae-keras train --data $(DATA) --out $(RUN) $(ARGS)

# In two processes, each of which trains the small models that its own tests need.
test: lint
	$(MAKE) --jobs 2 --keep-going test-device test-workstation

test-device: $(VENV)/.installed-dev
	$(BIN)/pytest tests/runtime tests/contract

test-workstation: $(VENV)/.installed-dev
	$(BIN)/pytest tests/vae_keras tests/export tests/fuzz tests/benchmarks

fuzz: $(VENV)/.installed-dev
	$(BIN)/python tests/fuzz/run.py $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench-loop: $(VENV)/.installed
	$(BIN)/python benchmarks/loop.py

bench-step: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/step_cost.py $(ARGS)

bench-runtime: $(VENV)/.installed
	$(BIN)/python benchmarks/runtime.py $(ARGS)

bench-nll: $(VENV)/.installed
	@test -n "$(MNIST)" || { echo "expected MNIST=dir with the four idx files of MNIST" >&2; exit 2; }
	$(BIN)/python benchmarks/nll.py --mnist $(MNIST) $(ARGS)

bench-architectures: $(VENV)/.installed
	@test -n "$(FASHION)" || { echo "expected FASHION=dir with the four idx files of Fashion-MNIST" >&2; exit 2; }
	$(BIN)/python benchmarks/architectures.py --data-dir $(FASHION) $(ARGS)

bench-quality: $(VENV)/.installed
	@test -n "$(ADBENCH)$(ODDBENCH)" || { echo "expected ADBENCH=dir with ADBench's .npz files, or" \
	    "ODDBENCH=dir with OddBench's and names.txt, or both" >&2; exit 2; }
	@mkdir -p $(dir $(QUALITY))
	$(BIN)/python benchmarks/quality/run.py $(if $(ADBENCH),--adbench $(ADBENCH)) \
	    $(if $(ODDBENCH),--oddbench $(ODDBENCH)) --out $(QUALITY) $(ARGS)
	$(BIN)/python benchmarks/quality/tables.py $(QUALITY) $(if $(ADBENCH),--adbench $(ADBENCH))

bench-semi: $(VENV)/.installed
	$(BIN)/python benchmarks/semi.py $(ARGS)

bench-folds: $(VENV)/.installed
	@test -n "$(ADBENCH)" || { echo "expected ADBENCH=dir with the .npz files of ADBench" >&2; exit 2; }
	$(BIN)/python benchmarks/folds.py --adbench $(ADBENCH) $(ARGS)

bench-minute: $(VENV)/.installed
	$(BIN)/python benchmarks/minute.py $(ARGS)

bench-mlperf-tiny: $(VENV)/.installed
	@test -n "$(AD)" || { echo "expected AD=dir with MLPerf Tiny's ad01 files and a recording" >&2; exit 2; }
	$(BIN)/python benchmarks/mlperf_tiny.py --data $(AD)

clean:
	rm -rf .venv .venv-gpu runs artifacts

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
	    "expected Python 3.11 to 3.13. Received: %d.%d. Name another: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml runtime/pyproject.toml constraints.txt
	@echo "Installing pinned versions into $(VENV); a minute or two on a first run ..."
	@$(PIP) --editable ./runtime --editable '.[$(BUILD)]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP) --editable ./runtime --editable '.[$(BUILD),dev]'
	@touch $@
