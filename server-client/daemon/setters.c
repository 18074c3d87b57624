/* SPDX-License-Identifier: BSD-2-Clause */
#include "setters.h"

#include "accounts.h"
#include "error.h"
#include "metrics.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int wrong(const char *why)
{
	return error_detail(BELL_EINVAL, "%s", why);
}

/* ---- numbers ----------------------------------------------------------------- */

static void *field(const struct setting *s, struct options *o)
{
	return (unsigned char *)o + s->at;
}

static void store(const struct setting *s, struct options *o, uint64_t v)
{
	uint32_t half = (uint32_t)v;
	bool flag = v != 0;

	if (s->width == sizeof(v))
		memcpy(field(s, o), &v, sizeof(v));
	else if (s->width == sizeof(half))
		memcpy(field(s, o), &half, sizeof(half));
	else
		memcpy(field(s, o), &flag, sizeof(flag));
}

static int read_flag(const char *value, bool *out)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return wrong("neither yes nor no");
	*out = value[0] == 'y';
	return 0;
}

int set_flag(const struct setting *s, struct options *o, const char *value)
{
	bool flag = false;
	int rc = read_flag(value, &flag);

	if (rc == 0)
		store(s, o, flag);
	return rc;
}

int set_flag_off(const struct setting *s, struct options *o, const char *value)
{
	bool flag = false;
	int rc = read_flag(value, &flag);

	if (rc == 0)
		store(s, o, !flag);
	return rc;
}

/* UINT_MAX: it is none. */
static unsigned suffix_shift(const char *suffix)
{
	static const char letters[] = "KMGT";
	int letter = toupper((unsigned char)suffix[0]);
	const char *at = letter ? strchr(letters, letter) : NULL;

	if (!letter)
		return 0;
	return at && suffix[1] == '\0' ? 10 * (unsigned)(at - letters + 1) :
					 UINT_MAX;
}

static int out_of_range(const struct setting *s, int base)
{
	return error_detail(BELL_EINVAL,
			    base == 8 ? "not in %#llo..%#llo" : "not in %llu..%llu",
			    (unsigned long long)s->min,
			    (unsigned long long)s->max);
}

static int read_number(const struct setting *s, const char *value, int base,
		       bool suffixes, uint64_t *out)
{
	unsigned long long v;
	unsigned shift;
	char *end;

	errno = 0;
	v = strtoull(value, &end, base);
	/* strtoull() takes signs and leading blanks, too. */
	if (value[0] < '0' || value[0] > '9')
		return wrong("not a number");
	shift = suffixes ? suffix_shift(end) : *end ? UINT_MAX : 0;
	if (shift == UINT_MAX)
		return wrong(base == 8 ? "not an octal number" : suffixes ?
			     "not a size; write bytes, or a number with K, M, G or T" :
			     "not a number");
	if (errno == ERANGE || v > UINT64_MAX >> shift ||
	    (v << shift) < s->min || (v << shift) > s->max)
		return out_of_range(s, base);
	*out = v << shift;
	return 0;
}

static int set_any(const struct setting *s, struct options *o,
		   const char *value, int base, bool suffixes)
{
	uint64_t v = 0;
	int rc = read_number(s, value, base, suffixes, &v);

	if (rc == 0)
		store(s, o, v);
	return rc;
}

int set_number(const struct setting *s, struct options *o, const char *value)
{
	return set_any(s, o, value, 10, false);
}

int set_octal(const struct setting *s, struct options *o, const char *value)
{
	return set_any(s, o, value, 8, false);
}

int set_size(const struct setting *s, struct options *o, const char *value)
{
	return set_any(s, o, value, 10, true);
}

int set_page_size(const struct setting *s, struct options *o,
		  const char *value)
{
	uint64_t v = 0;
	int rc = read_number(s, value, 10, true, &v);

	if (rc < 0)
		return rc;
	if (v & (v - 1))
		return wrong("not a power of two; /sys/kernel/mm/hugepages lists "
			     "the sizes of this machine's pages");
	store(s, o, v);
	return 0;
}

/* ---- texts --------------------------------------------------------------------- */

int set_text(const struct setting *s, struct options *o, const char *value)
{
	if (value[0] == '\0')
		return wrong("empty");
	memcpy(field(s, o), &value, sizeof(value));
	return 0;
}

int set_path(const struct setting *s, struct options *o, const char *value)
{
	if (strlen(value) > s->max)
		return error_detail(BELL_EINVAL, "path is longer than %llu bytes",
				    (unsigned long long)s->max);
	return set_text(s, o, value);
}

int set_region_name(const struct setting *s, struct options *o,
		    const char *value)
{
	int rc = layout_check_name(value);

	return rc < 0 ? rc : set_text(s, o, value);
}

/* ---- users --------------------------------------------------------------------- */

int set_user(const struct setting *s, struct options *o, const char *value)
{
	uid_t uid = 0;
	int rc = accounts_user(value, &uid);

	if (rc == 0)
		store(s, o, uid);
	return rc;
}

int set_group(const struct setting *s, struct options *o, const char *value)
{
	gid_t gid = 0;
	int rc = accounts_group(value, &gid);

	if (rc == 0)
		store(s, o, gid);
	return rc;
}

int set_user_name(const struct setting *s, struct options *o,
		  const char *value)
{
	uid_t uid;
	int rc = accounts_user(value, &uid);

	return rc < 0 ? rc : set_text(s, o, value);
}

int set_group_name(const struct setting *s, struct options *o,
		   const char *value)
{
	gid_t gid;
	int rc = accounts_group(value, &gid);

	return rc < 0 ? rc : set_text(s, o, value);
}

int add_users(const struct setting *s, struct options *o, const char *value)
{
	(void)s;
	return access_add_users(&o->server.access, value);
}

int add_groups(const struct setting *s, struct options *o, const char *value)
{
	(void)s;
	return access_add_groups(&o->server.access, value);
}

int set_metrics(const struct setting *s, struct options *o, const char *value)
{
	int rc = metrics_check(value);

	return rc < 0 ? rc : set_text(s, o, value);
}
