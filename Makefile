# make run: serve a town, or the demo town where there is none. make test: all tests. make check: everything CI would say no to.
# make soak: the tests of faults for an hour instead of a minute.

CARGO ?= cargo
# Where cargo puts what it builds.
OUT = $(or $(CARGO_TARGET_DIR),target)
GTD = $(OUT)/release/gtd

# The smallest static binary that this toolchain can make: against musl where that target is installed, else against the
# machine's own libc. The target is named so that cargo keeps build scripts and macros out of what is linked statically.
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
MUSL = $(subst -gnu,-musl,$(HOST))
TARGET = $(if $(wildcard $(shell rustc --print sysroot)/lib/rustlib/$(MUSL)/lib),$(MUSL),$(HOST))
STATIC = $(OUT)/$(TARGET)/release/gtd

# Tests wait for tmux and for time more than they compute.
export RUST_TEST_THREADS ?= 6

.PHONY: all build static run demo-stop test check soak bench doc clean tmux strace

all: build

build:
	$(CARGO) build --release --locked

# One file that needs nothing else.
static:
	RUSTFLAGS="-C target-feature=+crt-static" $(CARGO) build --release --locked --target $(TARGET)

run: build tmux
	@tests/demo/run $(GTD)

# Ends the demo town: its daemon and its agents.
demo-stop:
	@tests/demo/stop $(GTD)

test: tmux strace
	$(CARGO) test --locked

check: tmux strace
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) test --locked
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

# gtd as it is built for use, killed a thousand times, with every call on a file failing in turn, and over 10,000 looks.
soak: tmux strace
	GTD_SOAK=1 $(CARGO) test --locked --release --test faults

bench: static tmux
	GTD_STATIC=$(abspath $(STATIC)) $(CARGO) bench --locked --bench budgets

doc:
	$(CARGO) doc --locked --no-deps

tmux:
	@tests/need tmux

# Without it the tests that let files fail are skipped, and say so.
strace:
	-@tests/need strace

clean: demo-stop
	$(CARGO) clean
