# Trackside: `make` alone prints the targets.
.DEFAULT_GOAL := help
.PHONY: help run demo test check bench gpiolab lock clean venv venv-dev
SHELL := /bin/sh
VENV := .venv
PYTEST := $(VENV)/bin/python -m pytest -p tests.plugins_ci
SOURCES := appliance timing cars sync web tui
TESTING := sshd=openssh-server openssl=openssl sudo=sudo nft=nftables ip=iproute2 systemd-analyze=systemd udevadm=udev dbus-daemon=dbus avahi-daemon=avahi-daemon avahi-browse=avahi-utils pkcheck=polkitd fc-list=fontconfig tmux=tmux chromium=chromium gcc=gcc mke2fs=e2fsprogs clamscan=clamav clamd=clamav-daemon clamdscan=clamdscan fonts-dejavu-core fonts-noto-color-emoji

help:  ## Print the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

run: venv  ## Set everything up and serve on port 8080
	@exec $(VENV)/bin/trackside serve $(ARGS)

demo: venv  ## An event with 24 racers on two tracks, races running by themselves
	@exec $(VENV)/bin/trackside demo $(ARGS)

test: venv-dev  ## Set up and run everything that proves the project
	@.ci/packages $(TESTING) || [ -z "$$CI" ]
	@$(MAKE) --no-print-directory check
	$(PYTEST) -q -n 3 --dist loadgroup --durations=20 --durations-min=5 -m "not faults" tests
	$(PYTEST) -q -n 3 --dist loadgroup --durations=20 --durations-min=5 -m faults tests
	@.ci/other-python

check: venv-dev  ## Style, types, imports, vendored files, nothing of this machine committed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo
	$(PYTEST) -q tests/test_house.py

bench: venv-dev  ## Measure; NAME=fanout|board|durable|startup|page|edges|timer-vs-poll|recorder-size|tui|intake|find|push
	@exec $(VENV)/bin/python -m tests.bench $(NAME)

gpiolab:  ## Build the private kernel with strips for the tests, once, from Debian's linux-source; kept in .gpiolab
	@.ci/gpiolab $(ARGS)

lock: venv-dev  ## Pin every dependency anew, with hashes and without addresses
	@exec .ci/lock

clean:  ## Remove what make and the tests made; never the data directory or the kernel of `make gpiolab`
	rm -rf .venv* .make .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .schemathesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
	@.ci/venv run $(VENV)

venv-dev:
	@.ci/venv dev $(VENV)
