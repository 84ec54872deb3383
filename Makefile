# SPDX-License-Identifier: GPL-2.0
#
# The front door: names for what the scripts do, and the module for one kernel.
# kbuild never reads this file: it has Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build

.DEFAULT_GOAL := modules

##@ The module (KDIR=DIR: for the kernel whose headers or build tree is DIR)

modules: kdir ## Build virtio_iommu.ko for the running kernel (default)
	+$(MAKE) -C $(KDIR) M=$(CURDIR) modules

modules_install: kdir ## Install it below /lib/modules, before the kernel's own
	+$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install

clean: ## Remove what "make" built here
	$(if $(wildcard $(KDIR)/Makefile),+$(MAKE) -C $(KDIR) M=$(CURDIR) clean)
	+$(MAKE) -C tests/host clean
	+$(MAKE) -C tests/tools clean
	+$(MAKE) -C tools/viommu clean

##@ Tools

tools: ## Build viommu, which shows tables and topologies (STATIC=1)
	+$(MAKE) -C tools/viommu

tools_install: ## Install it (DESTDIR=, PREFIX=/usr/local)
	+$(MAKE) -C tools/viommu install

##@ See it work (in a sandbox, with QEMU; needs Debian 12 or 13 on amd64)

demo: ## Boot a guest and show its devices behind the IOMMU (ARCH=arm64)
	scripts/demo

##@ Test it (in the sandbox)

check: ## All tests but those that take long; what CI runs
	scripts/check

check-all: ## All tests, however long
	scripts/check --all

check-host: ## Unit tests in user space, and the fuzz corpora played back (T=name)
	scripts/sandbox run $(MAKE) -C tests/host check

check-tools: ## What is in tools/, run as programs; tables that iasl knows
	scripts/sandbox run $(MAKE) -C tests/tools check

check-modules: ## Build for the stock kernels, look at the modules
	tests/modules

check-overlay: ## Lay the driver over kernel trees and compile it there
	tests/overlay
	tests/objects

check-kunit: ## Boot kernels that test themselves, with sanitizers (SUITE=name)
	scripts/sandbox run scripts/kunit $(if $(SUITE),'$(SUITE)')

mutants: ## Change the driver for the worse: a test has to notice (MUTANT=pattern)
	tests/mutants/run $(if $(MUTANT),'$(MUTANT)')

conformance: ## Hold drivers to the specification, write Documentation/conformance.rst
	status=0; tests/conformance >conformance.tmp || status=$$?; \
	if [ -s conformance.tmp ]; then mv conformance.tmp Documentation/conformance.rst; \
	else rm -f conformance.tmp; fi; exit $$status

coverage: ## Boot a kernel that counts what the suites run of the driver (SUITE=name)
	tests/coverage $(if $(SUITE),'$(SUITE)')

check-boot: ## Boot guests with devices that do DMA (SCENARIO=name or pattern)
	scripts/sandbox run scripts/boot $(if $(SCENARIO),'$(SCENARIO)')

fuzz: ## Look for new input that breaks something (FUZZ_SECONDS=60)
	scripts/sandbox run $(MAKE) -C tests/host fuzz

lint: ## checkpatch, sparse, kernel-doc, shellcheck, lengths of functions
	scripts/lint

##@ What tests are made of (kept in ~/.cache/virtio-iommu)

sandbox: ## Make the Debian 13 tree with all tools, print its path
	scripts/sandbox

kernels: ## Fetch and build all kernels that tests use
	set -e; for name in $$(scripts/kernel list | awk '!/^(plain|kcsan|gcov|rival|kunit-6)/ { print $$1 }'); do \
		scripts/kernel get $$name; done

help: ## List the targets
	@awk -F ':.*## ' ' \
		/^##@ / { printf "\n%s:\n", substr($$0, 5) } \
		/^[a-z_-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile

kdir:
	@test -e $(KDIR)/Makefile || { \
		echo "There are no headers to build for at $(KDIR)."; \
		echo "For the running kernel, Debian has them in a package:"; \
		echo "	apt install linux-headers-$$(uname -r)"; \
		echo "For another kernel, say where its headers or its build tree are:"; \
		echo "	make KDIR=DIR"; \
		echo 'To try the driver without any kernel of your own: make demo'; \
		exit 1; } >&2

.PHONY: modules modules_install clean tools tools_install demo check check-all \
	check-host check-tools check-modules check-overlay check-kunit check-boot \
	conformance coverage \
	mutants fuzz lint sandbox kernels help kdir
