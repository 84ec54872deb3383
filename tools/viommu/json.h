/* SPDX-License-Identifier: GPL-2.0 */
/*
 * JSON, written as it comes. Nothing is kept but the depth: what is written
 * must be in order, a key before each member of an object.
 *
 *	json_init(&j, stdout);
 *	json_object_begin(&j);
 *	json_key(&j, "iommus");
 *	json_array_begin(&j);
 *	json_string(&j, "0000:00:01.0");
 *	json_array_end(&j);
 *	json_object_end(&j);
 *
 * The last closing bracket ends the line. Write errors stay with the FILE.
 */
#ifndef _JSON_H
#define _JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Objects and arrays within each other; more are a bug of the caller's. */
#define JSON_DEPTH	32

/**
 * struct json - one document in the making
 * @out: where it goes
 * @depth: open objects and arrays
 * @filled: bit n: there is something at depth n already
 * @keyed: a key waits for its value
 */
struct json {
	FILE			*out;
	unsigned int		depth;
	unsigned long long	filled;
	bool			keyed;
};

void json_init(struct json *j, FILE *out);

void json_object_begin(struct json *j);
void json_object_end(struct json *j);
void json_array_begin(struct json *j);
void json_array_end(struct json *j);

void json_key(struct json *j, const char *key);

void json_string(struct json *j, const char *s);
void json_bytes(struct json *j, const void *s, size_t len);
void json_u64(struct json *j, unsigned long long value);
void json_hex(struct json *j, unsigned long long value);
void json_bool(struct json *j, bool value);
void json_null(struct json *j);

#endif /* _JSON_H */
