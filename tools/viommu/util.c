// SPDX-License-Identifier: GPL-2.0
/*
 * What every command needs and the C library does not have: complaints that
 * name the program, memory that is there, files that are read whole.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viommu.h"

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

/**
 * xrealloc - realloc(), or the end of the program
 * @old: as for realloc()
 * @size: likewise; 0 gives memory, too
 *
 * Return: the memory, never NULL.
 */
void *xrealloc(void *old, size_t size)
{
	void *new = realloc(old, size ? size : 1);

	if (new)
		return new;
	complain("out of memory");
	exit(EXIT_TROUBLE);
}

/* Up to @max + 1 bytes of @fd, so that more than @max can be told. */
static ssize_t read_up_to(int fd, unsigned char **bytes, size_t max)
{
	size_t len = 0, room = 0;
	ssize_t got;

	*bytes = NULL;
	do {
		if (len == room) {
			room = room ? 2 * room : 4096;
			room = room > max ? max + 1 : room;
			*bytes = xrealloc(*bytes, room);
		}
		got = read(fd, *bytes + len, room - len);
		if (got < 0)
			return -1;
		len += got;
	} while (got && len <= max);
	return len;
}

static bool read_open_file(int fd, const char *name, size_t max, struct blob *b)
{
	ssize_t len = read_up_to(fd, &b->bytes, max);

	if (len >= 0 && (size_t)len <= max) {
		/* No byte more than there is, so that one too many is noticed. */
		b->bytes = xrealloc(b->bytes, len);
		b->len = len;
		b->room = len;
		return true;
	}
	if (len < 0)
		complain("cannot read %s: %s", name, strerror(errno));
	else
		complain("%s has more than %zu bytes", name, max);
	blob_free(b);
	return false;
}

/**
 * blob_read - read a file whole
 * @b: where it goes; blob_free() it
 * @path: of the file, "-" for standard input
 * @max: more bytes than these are refused
 *
 * Return: false if it cannot be read; the reason has been said.
 */
bool blob_read(struct blob *b, const char *path, size_t max)
{
	bool ok, standard = !strcmp(path, "-");
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

	*b = (struct blob){ 0 };
	if (fd < 0) {
		complain("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	ok = read_open_file(fd, standard ? "standard input" : path, max, b);
	if (!standard)
		close(fd);
	return ok;
}

/**
 * blob_write - write a file whole
 * @b: its content
 * @path: of the file, "-" for standard output
 *
 * Return: false if it cannot be written; the reason has been said.
 */
bool blob_write(const struct blob *b, const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "wb") : stdout;
	bool ok;

	if (!f) {
		complain("cannot write %s: %s", path, strerror(errno));
		return false;
	}
	ok = fwrite(b->bytes, 1, b->len, f) == b->len;
	if ((f == stdout ? fflush(f) : fclose(f)) || !ok) {
		complain("cannot write %s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

/**
 * blob_add - append bytes
 * @b: where to
 * @bytes: what, or NULL for zeros
 * @len: how many
 */
void blob_add(struct blob *b, const void *bytes, size_t len)
{
	if (!len)
		return;
	if (len > b->room - b->len) {
		b->room = 2 * (b->len + len);
		b->bytes = xrealloc(b->bytes, b->room);
	}
	if (bytes)
		memcpy(b->bytes + b->len, bytes, len);
	else
		memset(b->bytes + b->len, 0, len);
	b->len += len;
}

/**
 * blob_free - free what blob_read() or blob_add() have taken
 * @b: may be used again
 */
void blob_free(struct blob *b)
{
	free(b->bytes);
	*b = (struct blob){ 0 };
}

/**
 * put_text - write bytes so that they do no harm to a terminal
 * @out: where to
 * @bytes: any; a backslash, a quote and all but printable ASCII are escaped
 * @len: how many
 */
void put_text(FILE *out, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (; len; len--, p++) {
		if (*p == '\\' || *p == '"')
			fprintf(out, "\\%c", *p);
		else if (*p < 0x20 || *p > 0x7e)
			fprintf(out, "\\x%02x", *p);
		else
			putc(*p, out);
	}
}
