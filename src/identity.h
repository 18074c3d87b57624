/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * identity.h - an id made of what tells machines apart
 *
 * For guests on ivshmem-plain, whose IVPosition is 0 for all: nobody gives them an
 * id. Two machines of a memory can come to the same one, by chance (one pair in
 * 49152) or because one is a copy of the other: then one has to be told another
 * id, by the address ("pci:00:03.0,id=40000").
 */
#ifndef BELL_IDENTITY_H
#define BELL_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#define IDENTITY_ID_MIN 16384u /* those below are the host's: os-linux/file.c */
#define IDENTITY_BEGIN UINT64_C(0xcbf29ce484222325)

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static inline uint64_t identity_mix(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/*
 * IDENTITY_ID_MIN..65535. Multiplying carries upwards only: the upper half knows
 * of all bytes.
 */
static inline uint32_t identity_id(uint64_t hash)
{
	return IDENTITY_ID_MIN + (uint32_t)((hash >> 32) % (65536 - IDENTITY_ID_MIN));
}

#endif
