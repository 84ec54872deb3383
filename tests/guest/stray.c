// SPDX-License-Identifier: GPL-2.0
/*
 * stray: let QEMU's "edu" device write to a page that no driver mapped for it.
 *
 * usage: stray PCI-ADDRESS
 *
 * Prints what became of the page, and its physical address: "blocked 0x..."
 * if it is unchanged, "arrived 0x..." if it was written to.  Fails if the
 * device did not do the DMA at all.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096
#define PATTERN		0xa5	/* edu's own buffer holds zeros */

#define PCI_COMMAND	4
#define PCI_MEMORY	2
#define PCI_MASTER	4

/* The registers of docs/specs/edu.rst. */
#define EDU_ID		0x00
#define EDU_DMA_SRC	0x80
#define EDU_DMA_DST	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_CMD	0x98
#define EDU_DMA_RUN	1
#define EDU_DMA_TO_RAM	2
#define EDU_BUFFER	0x40000
#define EDU_BAR_SIZE	0x100000

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(1);
}

static int device_file(const char *address, const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", address,
		 name);
	fd = open(path, O_RDWR | O_SYNC);
	if (fd < 0)
		die("cannot open %s", path);
	return fd;
}

/* Let the device answer to its BAR and do DMA, as a driver would. */
static void enable(const char *address)
{
	int config = device_file(address, "config");
	uint16_t command;

	if (pread(config, &command, 2, PCI_COMMAND) != 2)
		die("cannot read the configuration space");
	command |= PCI_MEMORY | PCI_MASTER;
	if (pwrite(config, &command, 2, PCI_COMMAND) != 2)
		die("cannot write the configuration space");
	close(config);
}

static volatile uint8_t *map_registers(const char *address)
{
	void *bar = mmap(NULL, EDU_BAR_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED, device_file(address, "resource0"), 0);

	if (bar == MAP_FAILED)
		die("cannot map the registers");
	return bar;
}

static uint64_t physical(const void *page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	if (pread(fd, &entry, sizeof(entry),
		  (uintptr_t)page / PAGE * sizeof(entry)) != sizeof(entry))
		die("cannot read pagemap");
	close(fd);
	entry &= (1ULL << 55) - 1;
	if (!entry)
		die("pagemap shows no physical address");
	return entry * PAGE;
}

static uint8_t *victim(void)
{
	uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || mlock(page, PAGE))
		die("no memory");
	memset(page, PATTERN, PAGE);
	return page;
}

static void write_to(volatile uint8_t *regs, uint64_t target)
{
	volatile uint32_t *command = (volatile uint32_t *)(regs + EDU_DMA_CMD);
	int tries = 500;

	*(volatile uint64_t *)(regs + EDU_DMA_SRC) = EDU_BUFFER;
	*(volatile uint64_t *)(regs + EDU_DMA_DST) = target;
	*(volatile uint64_t *)(regs + EDU_DMA_COUNT) = PAGE;
	*command = EDU_DMA_RUN | EDU_DMA_TO_RAM;
	while (*command & EDU_DMA_RUN) {
		if (!--tries)
			die("the device does not finish");
		usleep(10000);
	}
}

static int unchanged(const volatile uint8_t *page)
{
	for (int i = 0; i < PAGE; i++)
		if (page[i] != PATTERN)
			return 0;
	return 1;
}

int main(int argc, char **argv)
{
	volatile uint8_t *regs;
	uint64_t address;
	uint8_t *page;

	if (argc != 2)
		die("usage: stray PCI-ADDRESS");
	enable(argv[1]);
	regs = map_registers(argv[1]);
	if ((*(volatile uint32_t *)(regs + EDU_ID) & 0xff) != 0xed)
		die("%s is not an edu device", argv[1]);
	page = victim();
	address = physical(page);
	write_to(regs, address);
	printf("%s 0x%llx\n", unchanged(page) ? "blocked" : "arrived",
	       (unsigned long long)address);
	return 0;
}
