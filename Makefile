# The words of daily work; each is a script of the same name in scripts/, which CI runs too.
PREFIX ?=

.PHONY: build test demo bench format lint install clean conformance check-checks setup

build test demo bench format lint clean conformance setup:
	@scripts/$@

install:
	@scripts/install $(PREFIX)

check-checks:
	@scripts/check_the_checks
