# One command for each need. All of them first make the machine ready (scripts/setup.mjs).
.DEFAULT_GOAL := help
.PHONY: help setup build demo test check bench verdict simulate crash clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## packages and a Redis, if they are missing
	@command -v node >/dev/null || { echo "setup: Node is not installed; Teal needs 20.19 or newer (https://nodejs.org)." >&2; exit 1; }
	@node scripts/setup.mjs

build: setup ## compile to dist/
	@npm run --silent build

demo: build ## four deployments under load, three of them turned back (5 min; ARGS="--service checkout": 100 s)
	@node dist/examples/demo/main.js $(ARGS)

test: build ## all tests; one file or folder with T=test/config
	@npx vitest run $(T)

check: setup ## all that CI checks: format, lint, types, tests
	@npm run --silent format:check
	@npm run --silent lint
	@$(MAKE) --no-print-directory test

bench: build ## the measurements of bench/
	@node dist/bench/main.js $(ARGS)

verdict: build ## how often the verdict green-vs-blue errs, and how soon it is right (about 30 s)
	@node dist/bench/verdict.js $(ARGS)

simulate: build ## seeded simulation, e.g. ARGS="--seeds 1000 --from 1"
	@node dist/test/simulation/main.js $(ARGS)

crash: build ## a worker killed at every point of a deployment, stale workers, late calls (about 8 min)
	@node --enable-source-maps dist/test/crash/main.js $(ARGS)

clean: ## remove what was built, keep node_modules
	rm -rf dist
