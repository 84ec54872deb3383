// SPDX-License-Identifier: GPL-2.0
/*
 * viommu: looks at virtio-iommus and at what describes them.
 *
 * Owns the choice of the command, and the last word: what could not be written
 * is an error, whatever the command said.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "viommu.h"

static const struct command {
	const char	*name;
	int		(*run)(int argc, char **argv);
	const char	*what;
} commands[] = {
	{ "viot", cmd_viot, "show, check or build an ACPI VIOT table" },
	{ "topology", cmd_topology, "show which device is behind which IOMMU" },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

/**
 * complain - say on stderr what went wrong
 * @fmt: a sentence without full stop and line break
 */
void complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("viommu: ", stderr);
	vfprintf(stderr, fmt, args);
	putc('\n', stderr);
	va_end(args);
}

/* Until there is another. */
__attribute__((__weak__)) int cmd_topology(int argc, char **argv)
{
	(void)argc;
	complain("there is no %s yet", argv[0]);
	return EXIT_TROUBLE;
}

static void usage(FILE *out)
{
	const struct command *c;

	fputs("usage: viommu COMMAND [ARGUMENT...]\n\n", out);
	for (c = commands; c < commands + NR_COMMANDS; c++)
		fprintf(out, "  viommu %-10s %s\n", c->name, c->what);
	fputs("\nviommu COMMAND --help has more.\n", out);
}

static const struct command *find(const char *name)
{
	const struct command *c;

	for (c = commands; c < commands + NR_COMMANDS; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static int help(const char *name)
{
	const struct command *c = name ? find(name) : NULL;
	char option[] = "--help";
	char *argv[] = { (char *)name, option, NULL };

	if (c)
		return c->run(2, argv);
	if (name) {
		complain("there is no command %s", name);
		return EXIT_TROUBLE;
	}
	usage(stdout);
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
		return help(argv[2]);
	if (name && !strcmp(name, "--version")) {
		puts("viommu " VERSION);
		return EXIT_GOOD;
	}
	if (name)
		complain("there is no command %s", name);
	usage(stderr);
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
