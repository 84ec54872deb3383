// SPDX-License-Identifier: GPL-2.0
/*
 * What is read, and where it is kept: files below a root, and memory that is
 * freed all at once.
 *
 * Owns the root's file descriptor. Below a root that was given, which may be
 * anything that somebody has unpacked, a symbolic link cannot lead out of it,
 * a pipe is not waited for, and no name or content reaches a terminal that is
 * not printable ASCII. What is missing is quietly so; what is there and cannot
 * be read is noted, and the rest goes on.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "topology.h"

/* The largest attribute of sysfs is a page; the kernel's may have 64 KiB. */
#define ATTRIBUTE_BYTES	65536

/* Tries of a lookup that somebody's renaming disturbs. */
#define LOOKUP_TRIES	16

/* ---- Memory ----------------------------------------------------------------- */

/**
 * topo_add - append to a list
 * @list: where to
 * @item: what
 */
void topo_add(struct topo_list *list, void *item)
{
	/* Twice the room when it is full, and it is full at each power of two. */
	if (!(list->nr & (list->nr - 1)))
		list->items = xrealloc(list->items,
				       2 * (list->nr + 1) * sizeof(*list->items));
	list->items[list->nr++] = item;
}

/**
 * topo_alloc - take memory that topo_close() frees
 * @t: topology
 * @size: bytes
 *
 * Return: the memory, cleared, never NULL.
 */
void *topo_alloc(struct topology *t, size_t size)
{
	void *memory = xrealloc(NULL, size);

	memset(memory, 0, size);
	topo_add(&t->memory, memory);
	return memory;
}

static const char *topo_vsay(struct topology *t, const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0) {
		complain("out of memory");
		exit(EXIT_TROUBLE);
	}
	topo_add(&t->memory, text);
	return text;
}

/**
 * topo_say - make a string
 * @t: topology
 * @fmt: as for printf()
 *
 * Return: the string.
 */
const char *topo_say(struct topology *t, const char *fmt, ...)
{
	const char *text;
	va_list args;

	va_start(args, fmt);
	text = topo_vsay(t, fmt, args);
	va_end(args);
	return text;
}

/**
 * topo_note - note something once that the user should know
 * @t: topology
 * @fmt: a sentence, without capital and full stop
 */
void topo_note(struct topology *t, const char *fmt, ...)
{
	const char *text, *other;
	va_list args;

	va_start(args, fmt);
	text = topo_vsay(t, fmt, args);
	va_end(args);
	topo_for_each(other, &t->notes)
		if (!strcmp(other, text))
			return;
	topo_add(&t->notes, (void *)text);
}

/* ---- Files ------------------------------------------------------------------ */

static int root_open(const struct topology *t, const char *path, int flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT,
	};
	int fd, tries = 0;

	if (!t->confined)
		return openat(t->root, path, flags | O_CLOEXEC);
	do {
		fd = syscall(SYS_openat2, t->root, path, &how, sizeof(how));
	} while (fd < 0 && errno == EAGAIN && tries++ < LOOKUP_TRIES);
	return fd;
}

/**
 * topo_open - open the root, before all else
 * @t: all zero; topo_close() it in any case
 * @root: directory; "/" for the running machine
 *
 * Return: false if it cannot be used; the reason has been said.
 */
bool topo_open(struct topology *t, const char *root)
{
	int sys;

	t->confined = strcmp(root, "/");
	t->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->root < 0) {
		complain("cannot read %s: %s", root, strerror(errno));
		return false;
	}
	sys = root_open(t, "sys", O_PATH | O_DIRECTORY);
	if (sys < 0) {
		complain("cannot read sys in %s: %s", root, strerror(errno));
		return false;
	}
	close(sys);
	return true;
}

static void free_list(struct topo_list *list)
{
	free(list->items);
	*list = (struct topo_list){ 0 };
}

/**
 * topo_close - free everything
 * @t: topology
 */
void topo_close(struct topology *t)
{
	struct topo_device *dev;
	struct topo_group *group;
	void *memory;

	topo_for_each(group, &t->groups)
		free_list(&group->regions);
	topo_for_each(dev, &t->devices)
		free_list(&dev->endpoints);
	if (t->root >= 0)
		close(t->root);
	topo_for_each(memory, &t->memory)
		free(memory);
	free_list(&t->memory);
	free_list(&t->iommus);
	free_list(&t->groups);
	free_list(&t->devices);
	free_list(&t->virtio);
	free_list(&t->nodes);
	free_list(&t->notes);
	blob_free(&t->iomem);
	doc_free(&t->viot);
}

/* Not there, or going away while it is read. */
static bool is_missing(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ENODEV ||
	       error == ENXIO;
}

/* Return: a negative errno, or 0. */
static int read_all(int fd, size_t max, struct blob *b)
{
	unsigned char part[4096];
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	while ((got = read(fd, part, sizeof(part))) > 0) {
		if ((size_t)got > max - b->len)
			return -EFBIG;
		blob_add(b, part, got);
	}
	if (got < 0)
		return -errno;
	/* No byte more than there is, so that one too many is noticed. */
	b->bytes = xrealloc(b->bytes, b->len);
	b->room = b->len;
	return 0;
}

/**
 * topo_read - read a file whole
 * @t: topology
 * @path: below the root
 * @max: more bytes than these are refused
 * @b: where it goes; empty after an error
 *
 * An error is noted, unless it is that there is no such file.
 *
 * Return: 0 or a negative errno.
 */
int topo_read(struct topology *t, const char *path, size_t max, struct blob *b)
{
	int error, fd = root_open(t, path, O_RDONLY | O_NONBLOCK);

	*b = (struct blob){ 0 };
	if (fd < 0) {
		error = -errno;
	} else {
		error = read_all(fd, max, b);
		close(fd);
	}
	if (error)
		blob_free(b);
	if (error && !is_missing(-error))
		topo_note(t, "cannot read %s: %s%s", path, strerror(-error),
			  error == -EACCES || error == -EPERM ? "; root may" : "");
	return error;
}

static const char *clean(char *text)
{
	char *p;

	for (p = text; *p; p++)
		if ((*p < 0x20 && *p != '\n') || *p > 0x7e)
			*p = '?';
	while (p > text && p[-1] == '\n')
		*--p = 0;
	return text;
}

/* The length also cuts it: a string ends at a NUL. */
static const char *keep_string(struct topology *t, const void *bytes, size_t len)
{
	char *text = topo_alloc(t, len + 1);

	memcpy(text, bytes, len);
	return clean(text);
}

/**
 * topo_string - read a file of text
 * @t: topology
 * @dir: below /sys
 * @name: in there
 *
 * Return: its content without line breaks at the end, or NULL.
 */
const char *topo_string(struct topology *t, const char *dir, const char *name)
{
	const char *text = NULL;
	struct blob b;

	if (topo_read(t, topo_say(t, "sys/%s/%s", dir, name), ATTRIBUTE_BYTES, &b))
		return NULL;
	if (b.len)
		text = keep_string(t, b.bytes, b.len);
	blob_free(&b);
	return text;
}

/**
 * topo_number - read a file that holds a number
 * @t: topology
 * @dir: below /sys
 * @name: in there
 * @value: the number
 *
 * Return: false if there is none.
 */
bool topo_number(struct topology *t, const char *dir, const char *name, u32 *value)
{
	const char *text = topo_string(t, dir, name);
	u64 wide;

	if (!text || !parse_u64(text, UINT32_MAX, &wide))
		return false;
	*value = wide;
	return true;
}

/**
 * topo_link - read a symbolic link
 * @t: topology
 * @dir: below /sys
 * @name: in there
 *
 * Return: where it points to, or NULL.
 */
const char *topo_link(struct topology *t, const char *dir, const char *name)
{
	char target[4096];
	ssize_t len;
	int fd;

	fd = root_open(t, topo_say(t, "sys/%s/%s", dir, name), O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	len = readlinkat(fd, "", target, sizeof(target));
	close(fd);
	if (len <= 0 || len == sizeof(target))
		return NULL;
	return keep_string(t, target, len);
}

/**
 * topo_link_name - read the last name of a symbolic link's target
 * @t: topology
 * @dir: below /sys
 * @name: in there
 *
 * Return: the name, or NULL.
 */
const char *topo_link_name(struct topology *t, const char *dir, const char *name)
{
	const char *target = topo_link(t, dir, name);
	const char *last = target ? strrchr(target, '/') : NULL;

	return last ? last + 1 : target;
}

/**
 * topo_device_path - read a link to a device
 * @t: topology
 * @dir: below /sys
 * @name: in there
 *
 * Return: its path, "devices/...", or NULL if that is not where it leads.
 */
const char *topo_device_path(struct topology *t, const char *dir, const char *name)
{
	const char *target = topo_link(t, dir, name);

	while (target && !strncmp(target, "../", 3))
		target += 3;
	return target && !strncmp(target, "devices/", 8) ? target : NULL;
}

/**
 * topo_exists - say whether there is such a file, directory or link
 * @t: topology
 * @dir: below /sys
 * @name: in there
 *
 * Return: whether there is.
 */
bool topo_exists(struct topology *t, const char *dir, const char *name)
{
	int fd = root_open(t, topo_say(t, "sys/%s/%s", dir, name), O_PATH | O_NOFOLLOW);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* ---- Directories ------------------------------------------------------------ */

static bool is_printable(const char *name)
{
	for (; *name; name++)
		if (*name < 0x20 || *name > 0x7e)
			return false;
	return true;
}

static bool is_folder(int dir, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return !fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(st.st_mode);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list(struct topology *t, const char *path, bool folders,
		 struct topo_list *names)
{
	int fd = root_open(t, topo_say(t, "sys/%s", path), O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	*names = (struct topo_list){ 0 };
	if (!dir) {
		if (!is_missing(errno))
			topo_note(t, "cannot read sys/%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.' || (folders && !is_folder(fd, entry)))
			continue;
		if (is_printable(entry->d_name))
			topo_add(names, (void *)topo_say(t, "%s", entry->d_name));
		else
			topo_note(t, "odd names in sys/%s are left out", path);
	}
	closedir(dir);
	if (names->nr)
		qsort(names->items, names->nr, sizeof(*names->items), compare_names);
	return true;
}

/**
 * topo_names - list a directory
 * @t: topology
 * @path: below /sys
 * @names: of what is in there, sorted; free() its items
 *
 * Return: false if there is no such directory.
 */
bool topo_names(struct topology *t, const char *path, struct topo_list *names)
{
	return list(t, path, false, names);
}

/**
 * topo_folders - list the directories in a directory
 * @t: topology
 * @path: below /sys
 * @names: of them, sorted, symbolic links left out; free() its items
 *
 * Return: false if there is no such directory.
 */
bool topo_folders(struct topology *t, const char *path, struct topo_list *names)
{
	return list(t, path, true, names);
}
