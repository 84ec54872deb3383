// SPDX-License-Identifier: GPL-2.0
/*
 * viommu: looks at virtio-iommus and at what describes them.
 *
 * Owns the choice of the command, and the last word: what could not be written
 * is an error, whatever the command said.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/array_size.h>

#include "viommu.h"

static const struct command {
	const char	*name;
	int		(*run)(int argc, char **argv);
	const char	*what;
} commands[] = {
	{ "viot", cmd_viot, "show, check or build an ACPI VIOT table" },
	{ "topology", cmd_topology, "show which device is behind which IOMMU" },
};

static void show_usage(FILE *out)
{
	const struct command *c;

	fputs("usage: viommu COMMAND [ARGUMENT...]\n\n", out);
	for (c = commands; c < commands + ARRAY_SIZE(commands); c++)
		fprintf(out, "  viommu %-10s %s\n", c->name, c->what);
	fputs("\nviommu COMMAND --help has more.\n", out);
}

static const struct command *find(const char *name)
{
	const struct command *c;

	for (c = commands; c < commands + ARRAY_SIZE(commands); c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static int show_help(const char *name)
{
	const struct command *c = name ? find(name) : NULL;
	char *argv[3] = { (char *)name, (char *)"--help", NULL };

	if (c)
		return c->run(2, argv);
	if (name) {
		complain("there is no command %s", name);
		return EXIT_TROUBLE;
	}
	show_usage(stdout);
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct command *c = name ? find(name) : NULL;

	if (c)
		return c->run(argc - 1, argv + 1);
	if (name && (!strcmp(name, "help") || !strcmp(name, "--help") ||
		     !strcmp(name, "-h")))
		return show_help(argv[2]);
	if (name && !strcmp(name, "--version")) {
		puts("viommu " VERSION);
		return EXIT_GOOD;
	}
	if (name)
		complain("there is no command %s", name);
	show_usage(stderr);
	return EXIT_TROUBLE;
}

int main(int argc, char **argv)
{
	int status = run(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		complain("cannot write: %s", strerror(errno));
		return EXIT_TROUBLE;
	}
	return status;
}
