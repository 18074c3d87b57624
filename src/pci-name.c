/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci-name.h"

#include "error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMS                                                                  \
	"the forms are pci:, pci:0000:00:03.0, pci:00:03.0 and pci:NAME, the "  \
	"name of the memory"

/* A hexadecimal field of 1..digits digits that ends at the character end. */
static const char *hex_field(const char *s, int digits, char end,
			     unsigned long max, unsigned long *out)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	if (n < 1 || n > (size_t)digits || s[n] != end)
		return NULL;
	*out = strtoul(s, NULL, 16);
	if (*out > max)
		return NULL;
	return end ? s + n + 1 : s + n;
}

int pci_parse(const char *text, char name[PCI_NAME_SIZE])
{
	unsigned long domain = 0, bus, slot, function;
	const char *colon = strchr(text, ':');
	const char *s = text;

	if (colon && strchr(colon + 1, ':'))
		s = hex_field(s, 8, ':', 0xffffffff, &domain);
	if (s)
		s = hex_field(s, 2, ':', 0xff, &bus);
	if (s)
		s = hex_field(s, 2, '.', 0x1f, &slot);
	if (s)
		s = hex_field(s, 1, '\0', 7, &function);
	if (!s)
		return error_detail(BELL_EINVAL,
				    "%s: not a PCI address; " FORMS, text);
	snprintf(name, PCI_NAME_SIZE, "%04lx:%02lx:%02lx.%lx", domain, bus,
		 slot, function);
	return 0;
}
