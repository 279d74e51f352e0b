# make run        serve a town, or the demo town where there is none; make demo-stop ends that
# make test       all tests; make check is everything CI would say no to; make soak the tests of faults for an hour
# make static     one file that runs on any Linux of its architecture; make check-static tries it in bare surroundings
# make install    the static gtd, its manual page, completions and unit, below PREFIX (and DESTDIR); make uninstall takes them away
# make dist       the same as a tar.gz; make check-dist proves that any build of a commit gives the same bytes
# make bench      measures; make doc, make clean

CARGO ?= cargo
# Where cargo puts what it builds.
OUT = $(or $(CARGO_TARGET_DIR),target)
GTD = $(OUT)/release/gtd

# The target of the static binary, which the command line may name: musl where it is installed, else the machine's own libc.
# Being named, it keeps build scripts and macros out of what is linked statically. Where there is no rustc, as under sudo
# often, it is the one that was built before; and root who installs builds nothing among another user's files.
ALIEN := $(and $(filter install,$(MAKECMDGOALS)),$(filter 0,$(shell id -u)),$(filter-out 0,$(shell ls -lnd . | awk '{ print $$3 }')))
HOST := $(if $(ALIEN),,$(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p'))
MUSL = $(subst -gnu,-musl,$(HOST))
SYSROOT := $(shell rustc --print sysroot 2>/dev/null)
TARGET = $(if $(HOST),$(if $(wildcard $(SYSROOT)/lib/rustlib/$(MUSL)/lib),$(MUSL),$(HOST)),$(BUILT))
BUILT = $(notdir $(patsubst %/gtd,%,$(wildcard $(OUT)/package/*/gtd)))
STATIC = $(OUT)/$(TARGET)/release/gtd

# How it is made small; plain `cargo build --release` has none of this. The sizes are what each saves of 1.82 MB against musl.
#
# At a fixed address: no relocations (40 kB). It costs the randomisation of the program's own addresses.
FIXED = -Crelocation-model=static
# No tables for unwinding, neither from our code nor from the libraries (230 kB); src/static.ld says what that costs. And nothing
# that would read them: src/sys/raw.rs has in its place what finds none (270 kB).
NO_UNWINDING = -Cforce-unwind-tables=no --cfg=no_unwinding $(LINK)-Tsrc/static.ld $(LINK)--no-eh-frame-hdr
# Functions that came out the same are kept once (23 kB). Their addresses are then equal, which nobody asks.
FOLDED = $(LINK)--icf=all
# What many functions have in common becomes a function (50 kB). It costs a few jumps; gtd waits for others anyway.
OUTLINED = -Cllvm-args=-enable-machine-outliner=always
# The same, and more, where rustc leaves the last steps to the linker, its own lld, which can be told what they are (42 kB). The
# standard library comes compiled for speed and ready to unwind: here all of it is made small as gtd itself is (12 kB), without
# what would be done on the way up (8 kB), and both are optimised once more together (6 kB). Equal steps of branches are done
# before or after them (4 kB); a choice among many goes by comparisons and not by a table (4 kB); and what rustc does before
# copies no function that is called from several places (4 kB). Functions with many values on the stack stay on their own: what
# lies far from its base takes four bytes more to reach, wherever it is used (22 kB); and with a frame pointer it takes one
# less (8 kB). Values are made again where they are wanted, rather than made early and kept, which spills others (17 kB).
LAST = -Clinker-plugin-lto -Cforce-frame-pointers=yes $(addprefix -Cllvm-args=-,inline-threshold=0 inline-max-stacksize=0) \
    $(LINK)'--lto-newpm-passes=forceattrs,function(lower-invoke,simplifycfg),default<Oz>,globaldce' \
    $(addprefix $(LINK)--plugin-opt=-,force-attribute=minsize force-attribute=optsize enable-gvn-hoist enable-gvn-sink \
    min-jump-table-entries=100 inline-max-stacksize=384 enable-machine-outliner=always $(MADE_AGAIN))
MADE_AGAIN = disable-machine-licm disable-postra-machine-licm disable-machine-cse disable-lsr disable-constant-hoisting \
    enable-misched=false split-spill-mode=size
# musl is linked by the linker that comes with rustup's rustc, which understands all of this; the rest by cc, and folding is for
# the one target where rustc has cc use the same linker.
ifneq ($(and $(findstring musl,$(TARGET)),$(wildcard $(SYSROOT)/lib/rustlib/$(HOST)/bin/rust-lld)),)
LINK = -Clink-arg=
SMALL = -Clinker=rust-lld $(FIXED) $(NO_UNWINDING) $(FOLDED) $(LAST)
else ifneq ($(findstring linux,$(TARGET)),)
LINK = -Clink-arg=-Xlinker -Clink-arg=
SMALL = $(FIXED) $(NO_UNWINDING) $(if $(filter x86_64-unknown-linux-gnu,$(TARGET)),$(FOLDED) $(LAST),$(OUTLINED))
endif
# Where it is built is not in it.
NO_PLACES = --remap-path-prefix="$(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src=" \
    --remap-path-prefix="$(abspath $(OUT))=target" --remap-path-prefix="$(CURDIR)=gtd"

# Where `make install` puts things, below DESTDIR where that is set.
PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions
FISHDIR = $(PREFIX)/share/fish/vendor_completions.d
# systemd looks below a home directory in another place.
UNITDIR = $(PREFIX)/$(if $(filter $(HOME)/.local,$(patsubst %/,%,$(PREFIX))),share,lib)/systemd/user

# What goes with the static binary, and the name of it all.
PACKAGE = $(OUT)/package/$(TARGET)
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
NAME = gtd-$(VERSION)-$(TARGET)
DIST = $(OUT)/dist
TAR = tar
SHA256 = sha256sum
EPOCH = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),0)

# Tests wait for tmux and for time more than they compute.
export RUST_TEST_THREADS ?= 6

.PHONY: all build static dist install uninstall run demo-stop test check check-static check-dist soak bench doc clean cargo tmux strace

all: build

build: cargo
	$(CARGO) build --release --locked

# One file that needs nothing else. The flags are told with a separator that no path holds. Beside it goes what it prints for
# people; where this machine cannot run it, a gtd for this machine is built and does that.
static: cargo
	@CARGO_ENCODED_RUSTFLAGS="$$(printf '%s' -Ctarget-feature=+crt-static; printf '\037%s' $(SMALL) $(NO_PLACES))" \
	    $(CARGO) build --release --locked --target $(TARGET)
	@set -e; umask 022; rm -rf "$(PACKAGE)"; mkdir -p "$(PACKAGE)"; gtd=$(STATIC); \
	if ! "$$gtd" --version >/dev/null 2>&1; then $(MAKE) build; gtd=$(GTD); fi; \
	for what in man bash zsh fish config; do "$$gtd" --print $$what > "$(PACKAGE)/$$what"; done; \
	for what in systemd launchd cron; do "$$gtd" --print $$what --program /usr/local/bin/gtd > "$(PACKAGE)/$$what"; done; \
	cp "$$gtd" "$(PACKAGE)/printer"; cp $(STATIC) "$(PACKAGE)/gtd"
	@echo "$$(wc -c < "$(STATIC)" | tr -d ' ') bytes: $(STATIC)"

# The same for the same commit, wherever it is built. tar is GNU's, which elsewhere is called gtar: make dist TAR=gtar.
dist: static
	@$(TAR) --version 2>/dev/null | grep -q GNU || { echo "make dist needs GNU tar: install it, then make dist TAR=gtar" >&2; exit 1; }
	@set -e; umask 022; top="$(DIST)/$(NAME)"; rm -rf "$$top" "$$top".tar.gz*; mkdir -p "$$top/completions" "$$top/service"; \
	put() { cp "$(PACKAGE)/$$1" "$$top/$$2"; }; \
	put gtd gtd; put man gtd.8; put bash completions/gtd.bash; put zsh completions/_gtd; put fish completions/gtd.fish; \
	put systemd service/gtd.service; put launchd service/gastown.gtd.plist; put cron service/crontab; put config daemon.json; \
	cp README.md LICENSE "$$top"; \
	(cd "$$top" && find . -type f ! -name SHA256SUMS | sed 's,^\./,,' | LC_ALL=C sort | xargs $(SHA256) > SHA256SUMS); \
	$(TAR) -C "$(DIST)" --format=ustar --sort=name --mtime=@$(EPOCH) --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
	    -cf "$$top.tar" "$(NAME)"; \
	gzip -9 -n "$$top.tar"; rm -r "$$top"; \
	cd "$(DIST)" && $(SHA256) "$(NAME).tar.gz" > "$(NAME).tar.gz.sha256" && cat "$(NAME).tar.gz.sha256"
	@echo "$(DIST)/$(NAME).tar.gz"

# What was built before is installed as it is, so that `sudo make install` needs no cargo.
install: $(if $(HOST),static)
	@test -x "$(PACKAGE)/gtd" || { echo "nothing is built yet, or for several targets: make static first, or name a TARGET" >&2; exit 1; }
	@set -e; umask 022; "$(PACKAGE)/printer" --print systemd --program "$$PROGRAM" > "$(PACKAGE)/unit"; \
	new=; trap 'rm -f "$$new"' EXIT; trap 'exit 130' INT TERM HUP; \
	put() { \
	    test ! -d "$$3" || { echo "$$3 is a directory: move it away" >&2; exit 1; }; \
	    new="$$3.new"; mkdir -p "$${3%/*}"; rm -f "$$new"; cp "$(PACKAGE)/$$2" "$$new"; chmod "$$1" "$$new"; \
	    mv -f "$$new" "$$3"; echo "$$3"; \
	}; \
	put 755 gtd "$$AT_BIN"; put 644 man "$$AT_MAN"; put 644 bash "$$AT_BASH"; put 644 zsh "$$AT_ZSH"; \
	put 644 fish "$$AT_FISH"; put 644 unit "$$AT_UNIT"

uninstall:
	@for file in "$$AT_BIN" "$$AT_MAN" "$$AT_BASH" "$$AT_ZSH" "$$AT_FISH" "$$AT_UNIT"; do \
	    test ! -e "$$file" || { rm -f "$$file" && echo "$$file"; } || exit 1; \
	done

# Where each file goes, told to the shell as values: nothing in a path is read as shell.
install uninstall: export AT_BIN = $(DESTDIR)$(BINDIR)/gtd
install uninstall: export AT_MAN = $(DESTDIR)$(MANDIR)/man8/gtd.8
install uninstall: export AT_BASH = $(DESTDIR)$(BASHDIR)/gtd
install uninstall: export AT_ZSH = $(DESTDIR)$(ZSHDIR)/_gtd
install uninstall: export AT_FISH = $(DESTDIR)$(FISHDIR)/gtd.fish
install uninstall: export AT_UNIT = $(DESTDIR)$(UNITDIR)/gtd.service
install: export PROGRAM = $(BINDIR)/gtd

run: build tmux
	@tests/demo/run $(GTD)

# Ends the demo town: its daemon and its agents.
demo-stop:
	@tests/demo/stop $(GTD)

test: cargo tmux strace
	$(CARGO) test --locked

check: cargo tmux strace
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) test --locked
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

# The static gtd without an environment, in an empty root, and on a kernel without process descriptors.
check-static: static tmux strace
	GTD_STATIC=$(abspath $(STATIC)) $(CARGO) test --locked --test program bare::

# Builds a commit twice; tests/dist says what is held.
check-dist:
	@MAKE="$(MAKE)" tests/dist

# gtd as it is built for use, killed a thousand times, with every call on a file failing in turn, and over 10,000 looks.
soak: tmux strace
	GTD_SOAK=1 $(CARGO) test --locked --release --test faults

bench: static tmux
	GTD_STATIC=$(abspath $(STATIC)) $(CARGO) bench --locked --bench budgets

doc:
	$(CARGO) doc --locked --no-deps

cargo:
	@command -v $(CARGO) >/dev/null || { echo "no $(CARGO): install a Rust toolchain (https://rustup.rs) and try again" >&2; exit 1; }

tmux:
	@tests/need tmux

# Without it the tests that let files fail are skipped, and say so.
strace:
	-@tests/need strace

clean: demo-stop
	$(CARGO) clean
