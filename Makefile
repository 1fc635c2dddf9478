# Steersman: everything a person or a CI runs. `make` alone lists the targets.
SHELL := /bin/bash
# What is compiled is kept: most of a test run's processes would compile everything again.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help

agent := python-agent
bin := $(agent)/.venv/bin
ready := $(agent)/.venv/.ready
reports := .reports
pyright := pyright@1.1.414
pytest := $(bin)/pytest -n auto --dist loadgroup
solution := Steersman.slnx

# $(call with-dotnet,targets,what they are), after a `+`: make does not see that it calls itself.
with-dotnet = if command -v dotnet >/dev/null; then $(MAKE) --no-print-directory $(1); \
	else echo "left out: $(2) (dotnet is not installed)"; fi

# $(call with-pyright,folder)
with-pyright = if command -v npx >/dev/null; then npx --yes $(pyright) $(1); \
	else echo "left out: pyright (node is not installed)"; fi

.DELETE_ON_ERROR:
.PHONY: help setup sandbox demo check test fix bench bench-hub chaos kills bridge-campaign mutants lock clean \
        check-format check-lint check-architecture check-types check-test-types check-tests check-dotnet test-agent test-dotnet \
        build-dotnet format-dotnet always

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(ready) ## create python-agent/.venv from the lock

$(ready): $(agent)/requirements-dev.lock $(agent)/pyproject.toml .ci/setup
	@echo "setting up $(agent)/.venv"
	@.ci/setup
	@touch $@

sandbox: # soft: says what is missing, never fails
	@.ci/sandbox

demo: $(ready) | sandbox ## watch a task from goal to green tests
	@$(bin)/steersman demo

check: $(ready) | sandbox ## format, lint, types, architecture, fast tests
	@$(MAKE) --no-print-directory -k -j3 -O check-format check-lint check-architecture check-types check-tests check-dotnet

check-format: $(ready)
	@$(bin)/ruff format --quiet --check . || { $(bin)/ruff format --diff .; exit 1; }

check-lint: $(ready)
	@$(bin)/ruff check --quiet .

# Only the product: the types of the tests, which take longer, belong to `make test`. Not again for what was found good.
check-types: $(reports)/.types

$(reports)/.types: $(ready) pyrightconfig.json $(shell find $(agent)/steersman -name '*.py')
	@$(call with-pyright,$(agent)/steersman)
	@! command -v npx >/dev/null || { mkdir -p $(@D) && touch $@; }

check-test-types: $(ready)
	@$(call with-pyright,tests)

check-architecture: $(ready)
	@$(bin)/lint-imports --config $(agent)/pyproject.toml --no-cache --no-logo

check-dotnet: $(reports)/.dotnet

# Where there is no git, nothing is known of what was touched.
always:
$(reports)/.dotnet: $(or $(wildcard $(shell git ls-files -co --exclude-standard -- ApiGateway BlazorClient tests/client \
  tests/gateway tests/contract '*.props' global.json BannedSymbols.txt $(solution) 2>/dev/null)),always)
	+@$(call with-dotnet,build-dotnet format-dotnet test-client,the .NET half)
	@! command -v dotnet >/dev/null || { mkdir -p $(@D) && touch $@; }

format-dotnet:
	@dotnet format whitespace . --folder --verify-no-changes --include ApiGateway/ BlazorClient/ tests/client/ tests/gateway/

check-tests: $(ready)
	@$(pytest) -q -m "not slow" --junit-xml $(reports)/check-agent.xml

test: $(ready) | sandbox ## every test that this machine can run
	@$(MAKE) --no-print-directory -k check-test-types test-agent test-dotnet

test-agent: $(ready)
	@$(pytest) -q --junit-xml $(reports)/test-agent.xml

test-dotnet:
	+@$(call with-dotnet,build-dotnet test-client test-gateway,the .NET tests)

build-dotnet:
	@dotnet build $(solution) --nologo -v quiet -clp:NoSummary

test-%: build-dotnet
	@dotnet test --no-build --project tests/$* --results-directory $(reports) \
	  --report-xunit-junit --report-xunit-junit-filename test-$*.xml

fix: $(ready) ## format and mend what can be mended by itself
	@$(bin)/ruff check --quiet --fix . || true
	@$(bin)/ruff format .

bench: $(ready) ## what everything costs, beside its target; ONLY=stop runs one section
	@$(bin)/python -m tests.bench.run $(ONLY)

bench-hub: $(ready) ## what it costs to show one task to up to 2,000 connections
	@dotnet build tests/gateway -c Release --nologo -v quiet && dotnet test --no-build -c Release --project tests/gateway \
	  --output Detailed -- --explicit only --filter-class "*FanOutBench"

chaos: $(ready) | sandbox ## break everything at random for SECONDS=300, then check every invariant
	@$(bin)/python -m tests.chaos.run $(or $(SECONDS),300) $(SEED)

kills: $(ready) | sandbox ## kill -9 some ten thousand times in SECONDS=3600, then check every invariant
	@$(bin)/python -m tests.chaos.run $(or $(SECONDS),3600) $(or $(SEED),7) kills

bridge-campaign: $(ready) build-dotnet ## kill the gateway and agents KILLS=100 times each while people watch
	@STEERSMAN_CAMPAIGN_KILLS=$(or $(KILLS),100) dotnet test --no-build --project tests/gateway --output Detailed \
	  -- --filter-class "*CampaignTests"

mutants: $(ready) | sandbox ## switch off one rule of the protocol after the other; ONLY=fence tries some
	@$(bin)/python -m tests.mutants.run "$(ONLY)"

lock: $(ready) ## make the locks again from pyproject.toml
	@.ci/lock

clean: ## remove everything that make made
	rm -rf $(agent)/.venv $(agent)/.uv $(reports) .pytest_cache .ruff_cache .hypothesis
	find $(agent) tests -name __pycache__ -type d -prune -exec rm -rf {} +
