# Lafia: what there is to make.
#
#   make run        set up, build, and run `lafia dev` (ARGS="--listen 127.0.0.1:9000" are handed to it)
#   make test       set up, and run every test
#   make build      bin/lafia
#   make chaos      the long runs of what must hold: more faults, more messages, more seeds (an hour; SEEDS=100000)
#   make bench      measure, and say the numbers
#   make pictures   take the README's pictures anew, of a fresh demo
#   make generate   write the Go of the console's templates anew
#   make setup      install what is missing: Go, PostgreSQL, Redis or Valkey
#   make clean      remove what was built; a dev instance's data (.lafia) stays

# Go's own place, for a shell that has not got it on its path.
export PATH := $(PATH):/usr/local/go/bin
# No C compiler is needed, and the binary runs on any Linux of its architecture.
export CGO_ENABLED ?= 0

# The tests start servers and a browser: more packages at a time than this only makes all of them slow.
PACKAGES_AT_ONCE ?= 2
TEST_TIMEOUT     ?= 15m
ARGS             ?=

.DEFAULT_GOAL := build
.PHONY: setup build run test chaos bench pictures generate clean

setup:
	@.tools/setup.sh

build:
	@mkdir -p bin
	go build -trimpath -o bin/lafia ./cmd/lafia

run: setup build
	@exec bin/lafia dev $(ARGS)

test:
	@.tools/setup.sh test
	@unformatted=$$(gofmt -l $(wildcard cmd gateway flows locales internal)); if [ -n "$$unformatted" ]; then \
		echo "gofmt -w these files:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go test -p $(PACKAGES_AT_ONCE) -timeout $(TEST_TIMEOUT) ./...

SEEDS ?= 100000

chaos:
	@.tools/setup.sh test
	LAFIA_CHAOS=1 LAFIA_SEEDS=$(SEEDS) go test -count=1 -p 1 -timeout 90m ./internal/simulation ./internal/sweep ./internal/app ./internal/fakeaggregator ./internal/outbox

bench: setup build
	bin/lafia bench $(ARGS)

pictures:
	@.tools/setup.sh test
	@mkdir -p docs/pictures
	LAFIA_PICTURES=$(CURDIR)/docs/pictures go test -count=1 -run '^TestPictures$$' ./internal/app

generate:
	go tool -modfile=.tools/go.mod templ generate

clean:
	rm -rf bin
