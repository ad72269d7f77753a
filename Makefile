# What a person types. `make demo` and `make test` do everything, set-up included.

CONFIGURATION ?= release
BUILD = swift build -c $(CONFIGURATION) --explicit-target-dependency-import-check error
HAGGLE = .build/$(CONFIGURATION)/haggle
DEMO_FLAGS ?=

.PHONY: help deps build demo test soak bench lint format clean

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

test: deps
	$(BUILD) --build-tests
	swift test -c $(CONFIGURATION) --skip-build --disable-xctest

soak: deps
	$(BUILD) --build-tests
	HAGGLE_SOAK=1 swift test -c $(CONFIGURATION) --skip-build --disable-xctest

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
