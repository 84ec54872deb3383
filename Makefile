# SPDX-License-Identifier: GPL-2.0
# The front door. kbuild never reads this file: it has Kbuild.
KDIR ?= /lib/modules/$(shell uname -r)/build

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules
.PHONY: modules
