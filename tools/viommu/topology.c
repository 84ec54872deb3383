// SPDX-License-Identifier: GPL-2.0
/*
 * The command "topology": its options, and the steps in their order.
 */

#include <getopt.h>
#include <string.h>

#include "topology.h"

/* What is asked for. */
struct request {
	const char	*root;
	bool		json;
	bool		dot;
	bool		check;
};

static void show_usage(FILE *out)
{
	fputs("usage: viommu topology [OPTION]\n\n"
	      "Shows which devices of this machine are behind which IOMMU, and of the others\n"
	      "why they are not.\n\n"
	      "  -j, --json      for programs\n"
	      "  -d, --dot       as a drawing, for Graphviz\n"
	      "  -c, --check     exit status 1 if a driver's DMA is not translated\n"
	      "  -r, --root DIR  read DIR/sys, DIR/proc and DIR/lib/modules instead\n\n"
	      "Exit status: 0 good, 1 --check has found one, 2 trouble.\n", out);
}

static bool parse_options(int argc, char **argv, struct request *r)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "dot", no_argument, NULL, 'd' },
		{ "check", no_argument, NULL, 'c' },
		{ "root", required_argument, NULL, 'r' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "jdcr:", options, NULL)) != -1) {
		if (c == 'j')
			r->json = true;
		else if (c == 'd')
			r->dot = true;
		else if (c == 'c')
			r->check = true;
		else if (c == 'r')
			r->root = optarg;
		else
			return false;
	}
	if (r->json && r->dot)
		complain("--json and --dot are for one at a time");
	else if (optind < argc)
		complain("%s is one argument too many", argv[optind]);
	else
		return true;
	return false;
}

static bool is_safe(const struct topology *t)
{
	const struct topo_device *dev;

	topo_for_each(dev, &t->devices)
		if (topo_unprotected(dev))
			return false;
	return true;
}

static void show(const struct topology *t, const struct request *r)
{
	if (r->json)
		topo_json(t, stdout);
	else if (r->dot)
		topo_dot(t, stdout);
	else
		topo_text(t, stdout);
}

static int look(const struct request *r)
{
	struct topology t = { 0 };
	int status = EXIT_TROUBLE;

	if (topo_open(&t, r->root)) {
		topo_scan(&t);
		topo_find(&t);
		topo_judge(&t);
		show(&t, r);
		status = r->check && !is_safe(&t) ? EXIT_FINDINGS : EXIT_GOOD;
	}
	topo_close(&t);
	return status;
}

/**
 * cmd_topology - the command
 * @argc: number of arguments
 * @argv: arguments, "topology" first
 *
 * Return: exit status.
 */
int cmd_topology(int argc, char **argv)
{
	struct request r = { .root = "/" };

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		show_usage(stdout);
		return EXIT_GOOD;
	}
	if (!parse_options(argc, argv, &r)) {
		show_usage(stderr);
		return EXIT_TROUBLE;
	}
	return look(&r);
}
