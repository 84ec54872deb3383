// SPDX-License-Identifier: GPL-2.0
/*
 * The command "viot": its options, and the file that it is about.
 */

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "viot.h"

/* Of several tables the first has the other name, and is the one Linux uses. */
#define FIRMWARE_TABLE	"/sys/firmware/acpi/tables/VIOT"
#define FIRST_TABLE	FIRMWARE_TABLE "1"

/* What is asked for. */
struct request {
	const char	*path;
	const char	*find;
	bool		json;
	bool		lint;
	bool		spec;
};

static void show_usage(FILE *out)
{
	fputs("usage: viommu viot [OPTION] [FILE|-]\n"
	      "       viommu viot build SPEC|- -o FILE\n\n"
	      "Shows an ACPI VIOT table, which says what is behind which virtio-iommu;\n"
	      "without FILE that of this machine, " FIRMWARE_TABLE ".\n\n"
	      "  -j, --json         for programs\n"
	      "  -l, --lint         what is wrong with it; exit status 1 if that is an error\n"
	      "  -s, --spec         as a description that \"build\" makes the same table of\n"
	      "  -f, --find DEVICE  who translates a device: a PCI function such as\n"
	      "                     0000:00:02.0, or an address such as 0x10001000\n\n"
	      "\"build\" makes a table from a description.\n\n"
	      "Exit status: 0 good, 1 the table is bad (or --find: not translated), 2 trouble.\n",
	      out);
}

static bool parse_options(int argc, char **argv, struct request *r)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "lint", no_argument, NULL, 'l' },
		{ "spec", no_argument, NULL, 's' },
		{ "find", required_argument, NULL, 'f' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "jlsf:", options, NULL)) != -1) {
		if (c == 'j')
			r->json = true;
		else if (c == 'l')
			r->lint = true;
		else if (c == 's')
			r->spec = true;
		else if (c == 'f')
			r->find = optarg;
		else
			return false;
	}
	if (optind < argc)
		r->path = argv[optind++];
	if (optind < argc)
		complain("%s is one file too many", argv[optind]);
	else if (r->spec + !!r->find + (r->json || r->lint) > 1)
		complain("--spec, --find and --json or --lint are for one at a time");
	else
		return true;
	return false;
}

/* This machine's table, NULL if it has none. */
static const char *firmware_table(void)
{
	if (access(FIRMWARE_TABLE, F_OK) && errno == ENOENT) {
		if (!access(FIRST_TABLE, F_OK))
			return FIRST_TABLE;
		complain("this machine's firmware has no VIOT (%s)", FIRMWARE_TABLE);
		return NULL;
	}
	return FIRMWARE_TABLE;
}

static int show(const struct viot_doc *doc, const struct request *r)
{
	if (r->find)
		return viot_find(doc, r->find, stdout);
	if (r->spec)
		return viot_spec(doc, stdout) ? EXIT_GOOD : EXIT_FINDINGS;
	if (r->json)
		viot_json(doc, stdout);
	else if (r->lint)
		viot_lint(doc, r->path, stdout);
	else
		viot_text(doc, stdout);
	if (!doc->decoded)
		return EXIT_FINDINGS;
	return r->lint && doc->nr_of[VIOT_ERROR] ? EXIT_FINDINGS : EXIT_GOOD;
}

/**
 * cmd_viot - the command
 * @argc: number of arguments
 * @argv: arguments, "viot" first
 *
 * Return: exit status.
 */
int cmd_viot(int argc, char **argv)
{
	struct request r = { 0 };
	struct viot_doc doc = { 0 };
	int status;

	if (argc > 1 && !strcmp(argv[1], "build"))
		return cmd_viot_build(argc - 1, argv + 1);
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		show_usage(stdout);
		return EXIT_GOOD;
	}
	if (!parse_options(argc, argv, &r)) {
		show_usage(stderr);
		return EXIT_TROUBLE;
	}
	if (!r.path)
		r.path = firmware_table();
	if (!r.path || !blob_read(&doc.bytes, r.path, VIOT_MAX_BYTES))
		return EXIT_TROUBLE;
	doc_decode(&doc);
	status = show(&doc, &r);
	doc_free(&doc);
	return status;
}
