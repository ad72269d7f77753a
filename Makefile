# What a person types. `make demo` and `make test` do everything, set-up included.

CONFIGURATION ?= release
# One configuration serves program, tests and benchmarks, so that nothing is built twice; tests look inside modules, hence -enable-testing.
BUILD = swift build -c $(CONFIGURATION) -Xswiftc -enable-testing --explicit-target-dependency-import-check error
HAGGLE = .build/$(CONFIGURATION)/haggle
DEMO_FLAGS ?=

.PHONY: help deps build build-tests demo test soak bench lint format clean

help:
	@echo 'make demo     the whole loop on this machine in about a minute (builds first)'
	@echo 'make test     all tests, against a real PostgreSQL that the tests start themselves'
	@echo 'make soak     the long forms: many seeds, coverage sweeps, fifty kills'
	@echo 'make bench    speed, as ratios measured in one run'
	@echo 'make build    the binary: $(HAGGLE)'
	@echo 'make deps     what the build needs from the system, installed if missing'
	@echo 'make lint     check formatting; make format: apply it'
	@echo 'make clean    remove build products'

# Installs only what is missing and says so. Nothing else on this page needs root.
deps:
	@sh Makefile.deps

build: deps
	$(BUILD) --product haggle

demo: build
	$(HAGGLE) demo $(DEMO_FLAGS)

build-tests: deps
	$(BUILD) --build-tests

test: build-tests
	swift test -c $(CONFIGURATION) --skip-build --disable-xctest --no-parallel

soak: build-tests
	HAGGLE_SOAK=1 swift test -c $(CONFIGURATION) --skip-build --disable-xctest --no-parallel

bench: deps
	$(BUILD) --product haggle
	$(BUILD) --product haggle-bench
	.build/$(CONFIGURATION)/haggle-bench

lint:
	swift format lint --strict --recursive --parallel Sources Tests sql experiments Package.swift

format:
	swift format --in-place --recursive --parallel Sources Tests sql experiments Package.swift

clean:
	swift package clean
