/* SPDX-License-Identifier: BSD-2-Clause */
#include "table.h"

#include "bellring.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_COLUMNS 16
#define TABLE_CELL 128 /* longest cell, bytes with the NUL; more is cut */

void table_init(struct table *t, const char *align)
{
	memset(t, 0, sizeof(*t));
	t->align = align;
}

void table_done(struct table *t)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		free(t->cell[i]);
	free(t->cell);
	table_init(t, t->align);
}

static bool make_room(struct table *t)
{
	size_t room = t->room ? t->room * 2 : 64;
	char **cell;

	if (t->count < t->room)
		return true;
	cell = realloc(t->cell, room * sizeof(*cell));
	if (!cell)
		return false;
	t->cell = cell;
	t->room = room;
	return true;
}

void table_add(struct table *t, const char *fmt, ...)
{
	char buf[TABLE_CELL];
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	if (!make_room(t)) {
		t->failed = true;
		return;
	}
	t->cell[t->count] = strdup(buf);
	if (!t->cell[t->count])
		t->failed = true;
	else
		t->count++;
}

static void print_row(const struct table *t, char *const *row, const int *width,
		      size_t columns, FILE *file)
{
	size_t c;

	for (c = 0; c < columns; c++) {
		if (c > 0)
			fputs("  ", file);
		if (t->align[c] == 'r')
			fprintf(file, "%*s", width[c], row[c]);
		else if (c + 1 < columns)
			fprintf(file, "%-*s", width[c], row[c]);
		else
			fputs(row[c], file);
	}
	fputc('\n', file);
}

int table_print(struct table *t, FILE *file)
{
	size_t columns = strlen(t->align), rows = t->count / columns, i;
	int width[TABLE_COLUMNS] = { 0 };

	if (t->failed || columns > TABLE_COLUMNS) {
		table_done(t);
		return -BELL_ENOMEM;
	}
	for (i = 0; i < t->count; i++)
		if ((int)strlen(t->cell[i]) > width[i % columns])
			width[i % columns] = (int)strlen(t->cell[i]);
	for (i = 0; i < rows; i++)
		print_row(t, t->cell + i * columns, width, columns, file);
	table_done(t);
	return 0;
}
