# Every target does its own set-up: it installs what is missing and touches nothing that is already there.
.DEFAULT_GOAL := help
SHELL := /bin/bash
QAQPA := .build/qaqpa
LINTER := .build/golangci-lint
LINTER_VERSION := v2.15.0
export QAQPA_CORPORA ?= $(abspath ../shared/corpora)

.PHONY: help build demo run test lint bench bench-gost bench-crl bench-hsm bench-validate bench-statements bench-recon bench-hostile bench-pay \
	recon-month sim conformance conformance-kz e2e fuzz release clean

help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

build: ## compile the gateway into .build/qaqpa
	@testenv/setup.sh run
	@mkdir -p .build
	go build -o $(QAQPA) ./cmd/qaqpa

demo: build ## pay one fee from debt to sealed receipt, with faults, and show every step
	$(QAQPA) demo

run: build ## start the gateway with its stand-ins and stay up (Ctrl-C ends it; the data are kept in .qaqpa)
	$(QAQPA) demo --stay

test: ## run all tests with the race detector
	@testenv/setup.sh test
	go run ./testenv/totals -- -race -shuffle=on -timeout=25m ./...

lint: $(LINTER) ## vet and lint
	@testenv/setup.sh run
	go vet ./...
	$(LINTER) run ./...

$(LINTER):
	GOBIN=$(abspath .build) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINTER_VERSION)

bench: bench-gost bench-crl bench-hsm bench-validate bench-statements bench-recon bench-hostile bench-pay ## measure every path against its limit or peer; lines go to bench.jsonl

bench-gost: ## GOST signatures and hashes against OpenSSL's GOST engine
	@testenv/setup.sh test
	QAQPA_BENCH=1 QAQPA_BENCH_JSONL=$(abspath bench.jsonl) go test -count=1 -timeout=20m -run=TestBenchGOST -v ./signer/gost

bench-crl: ## revocation lists of 500,000 entries: memory, time to swap one in, look-ups
	@testenv/setup.sh run
	QAQPA_BENCH=1 QAQPA_BENCH_JSONL=$(abspath bench.jsonl) go test -count=1 -timeout=20m -run=TestBenchCRL -v ./signer/revoked

bench-hsm: ## signatures a second, inside and over HTTP, against a PKCS#11 loop in C on the same token
	@testenv/setup.sh test
	QAQPA_BENCH=1 QAQPA_BENCH_JSONL=$(abspath bench.jsonl) go test -count=1 -timeout=20m -run=TestBenchHSM -v ./hsm ./api

bench-statements: ## MB/s of every reader of bank statements beside a plain scan of the same bytes
	@testenv/setup.sh run
	QAQPA_BENCH=1 QAQPA_BENCH_JSONL=$(abspath bench.jsonl) go test -count=1 -timeout=20m -run=TestBenchStatements -v ./payment/statement

bench-recon: ## a million entries of a statement against a million payments, beside COPY, a hash join and a scan of the same bytes
	@testenv/setup.sh run
	QAQPA_BENCH=1 QAQPA_BENCH_JSONL=$(abspath bench.jsonl) go test -count=1 -timeout=30m -run=TestBenchRecon -v ./payment

recon-month: ## reconcile a generated month with known defects and print precision, recall and what became of each defect
	@testenv/setup.sh run
	go test -count=1 -run='TestMonth$$' -v ./payment

bench-hostile: ## truncated, nested, huge, doubled, unsigned and mixed inputs: longest verdict, memory, statuses of the HTTP front
	@testenv/setup.sh test
	QAQPA_BENCH=1 QAQPA_BENCH_JSONL=$(abspath bench.jsonl) go test -count=1 -timeout=20m -run=TestHostileInputs -v ./signer ./cmd/qaqpa

bench-pay: ## durable payments a second, against pgbench, bare statements, one hot account and 100 times more stored
	@testenv/setup.sh test
	QAQPA_BENCH=1 QAQPA_BENCH_JSONL=$(abspath bench.jsonl) go test -count=1 -timeout=20m -run=TestBenchPay -v ./api

sim: ## thousands of seeded schedules in which gateway and database die; QAQPA_SIM_SEED=n replays one
	@testenv/setup.sh test
	QAQPA_SIM_RUNS=$${QAQPA_SIM_RUNS:-3000} go test -count=1 -timeout=170m -run='TestCrashes|TestLinearizable|TestSimulation' -v ./payment

bench-validate: ## validations inside the process and over HTTP by the program itself against the digests and the verification they need; memory of 400 MB detached
	@testenv/setup.sh test
	QAQPA_BENCH=1 QAQPA_BENCH_JSONL=$(abspath bench.jsonl) go test -count=1 -timeout=20m -run=TestBenchValidate -v ./signer ./cmd/qaqpa

conformance: ## hand the outside corpora to a running gateway and to the leaves; one line a suite, every deviation; fails where it is worse than recorded
	@testenv/setup.sh test
	@rm -f conformance.jsonl
	@QAQPA_CONFORMANCE=$(abspath conformance.jsonl) go test -count=1 -timeout=90m -run='Conformance|Mutations' -skip=ConformanceKZ \
		./api/conformance ./signer/... ./payment/statement/...; status=$$?; go run ./testenv/suites/compare conformance.jsonl && exit $$status

conformance-kz: ## every national certificate, list, document, token and key: verdicts, every bit flipped, OpenSSL both ways; lists of 500,000
	@testenv/setup.sh test
	QAQPA_CONFORMANCE=$(abspath conformance.jsonl) go test -count=1 -timeout=90m -run='ConformanceKZ' -v $(KZ)
	$(MAKE) bench-crl

KZ := ./signer ./signer/revoked ./signer/p12 ./signer/xmldsig

AXE := .build/axe.min.js
AXE_VERSION := 4.11.0

e2e: ## click through the pages in Chromium; pictures are kept in .build/e2e
	@testenv/setup.sh e2e
	@mkdir -p .build/e2e
	@test -s $(AXE) || (cd .build && npm pack --silent axe-core@$(AXE_VERSION) >/dev/null && tar -xzf axe-core-$(AXE_VERSION).tgz package/axe.min.js && \
		mv package/axe.min.js . && rm -r package axe-core-$(AXE_VERSION).tgz)
	QAQPA_E2E=1 QAQPA_E2E_AXE=$(abspath $(AXE)) QAQPA_E2E_SHOTS=$(abspath .build/e2e) go test -count=1 -timeout=30m -run='^TestBrowser' -v ./api

fuzz: ## fuzz every parser for a minute each
	@testenv/setup.sh test
	go run ./testenv/fuzzall -time=1m

release: ## compile without the demonstration and its stand-ins
	@testenv/setup.sh run
	@mkdir -p .build
	go build -tags release -trimpath -ldflags='-s -w' -o .build/qaqpa-release ./cmd/qaqpa

clean: ## remove what was built (the data of `make run` stay in .qaqpa)
	rm -rf .build
