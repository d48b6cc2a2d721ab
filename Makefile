# Every command of the project. Each sets itself up first; `setup.sh` says what it does and does it once.
.DEFAULT_GOAL := help
.PHONY: help demo test check bench lock secrets clean
SHELL := /bin/bash
ARGS ?=
BIN := .venv/bin
# Compiled modules are a cache that every process of the tests uses, so they are kept whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

help: ## List every command
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: ## Play the demo stories and leave portal and console running (ARGS=--once: play, then stop)
	@bash setup.sh demo
	@$(BIN)/vastine demo $(ARGS)

test: ## Everything that CI runs: format, lint, types, import contracts, every test
	@bash setup.sh test
	@bash setup.sh lint
	@$(BIN)/pytest -v -n 2 $(ARGS)

check: ## The fast part of `test`, for before each commit: no real servers, no browser
	@bash setup.sh test
	@bash setup.sh lint
	@$(BIN)/pytest -v -n 2 --dist loadfile -m "not slow" $(ARGS)

bench: ## Measure against raw Celery and raw SQL; ratios go to bench/results/
	@bash setup.sh test
	@$(BIN)/python bench/run.py $(ARGS)

lock: ## Write both lock files again from requirements.in and requirements-dev.in
	@bash setup.sh test
	@bash setup.sh lock

secrets: ## Make the secret files that docker-compose.yml reads, where they are missing
	@bash setup.sh secrets

clean: ## Remove the environment and caches; var/ and secrets/ stay, they hold data
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find models workflows workers webhooks tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
