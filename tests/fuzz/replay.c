// SPDX-License-Identifier: GPL-2.0
/*
 * A main() for a fuzz target that plays back the files of a directory: with
 * any compiler, and in the blink of an eye.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

#define LARGEST		(1 << 20)

static int play(const char *path)
{
	u8 *bytes = malloc(LARGEST), *input;
	FILE *f = fopen(path, "rb");
	size_t len;

	if (!f || !bytes) {
		perror(path);
		exit(2);
	}
	len = fread(bytes, 1, LARGEST, f);
	fclose(f);
	/* As long as the input, so that ASan sees a byte too much. */
	input = memcpy(malloc(len), bytes, len);
	free(bytes);
	LLVMFuzzerTestOneInput(input, len);
	free(input);
	return 1;
}

int main(int argc, char **argv)
{
	const struct dirent *entry;
	char path[4096];
	int played = 0;
	DIR *dir;

	if (argc != 3) {
		fprintf(stderr, "usage: %s NAME DIRECTORY\n", argv[0]);
		return 2;
	}
	printf("KTAP version 1\n1..1\n");
	dir = opendir(argv[2]);
	if (!dir) {
		perror(argv[2]);
		return 2;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[2], entry->d_name);
		played += play(path);
	}
	closedir(dir);
	printf("# %d inputs\n%sok 1 %s.corpus\n", played, played ? "" : "not ", argv[1]);
	return !played;
}
