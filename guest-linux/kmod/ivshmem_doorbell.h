/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * ivshmem_doorbell.h - what programs ask of the module ivshmem_doorbell
 *
 * Each device is /dev/ivshmemN. Each open file is a client of its own: it has a
 * number, wants its own vectors, and is told of each of them once, whatever the
 * other clients do.
 *
 * mmap(): the shared memory at offset 0, write-back cached; the page of the
 * registers at info.registers_offset, if that is not 0. After the device is gone
 * both read as zeroes of the client's own.
 *
 * read(): the numbers of the vectors that were rung since, each once, ascending,
 * each a __u32; as many as fit. Blocks until there is one (-EAGAIN with
 * O_NONBLOCK). Only vectors without an eventfd come this way: all, if the client
 * asked for nothing. poll() tells POLLIN of them, POLLHUP once the device is gone.
 *
 * Errors of all calls: -ENODEV once the device is gone, -EFAULT, -ENOTTY. open():
 * -EUSERS with IVSHMEM_DOORBELL_CLIENTS open. mmap(): -EINVAL if out of range or
 * private. read(): -EINVAL for less than 4 bytes. RING and WILL: -EBADF if the file is
 * open for reading only.
 */
#ifndef _UAPI_IVSHMEM_DOORBELL_H
#define _UAPI_IVSHMEM_DOORBELL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define IVSHMEM_DOORBELL_VERSION 1

/* The device has MSI-X, so that vectors can be rung and wanted. */
#define IVSHMEM_DOORBELL_INTERRUPTS (1u << 0)
/* The memory is mapped write-back cached. */
#define IVSHMEM_DOORBELL_CACHED (1u << 1)

#define IVSHMEM_DOORBELL_CLIENTS 256	/* of one device at a time */
#define IVSHMEM_DOORBELL_VECTORS 256	/* a doorbell can name no more */
#define IVSHMEM_DOORBELL_WILL_MAX 4096	/* steps */

struct ivshmem_doorbell_info {
	__u32 version;		/* IVSHMEM_DOORBELL_VERSION */
	__u32 flags;
	__u32 peer_id;		/* IVPosition: 0..65535; 0 on ivshmem-plain */
	__u32 client;		/* this one's number: the lowest that was free */
	__u32 vectors;		/* 0..vectors-1 are this device's; 0: none */
	__u32 reserved;
	__u64 memory_size;	/* bytes */
	__u64 registers_offset;	/* for mmap(), one page; 0: use ..._RING */
	__u64 registers_at;	/* where in that page the registers begin */
	char device[32];	/* "0000:00:03.0" */
};

struct ivshmem_doorbell_ring {
	__u32 peer_id;		/* 0..65535 */
	__u32 vector;		/* 0..255 */
};

struct ivshmem_doorbell_eventfd {
	__u32 vector;		/* one of the device's */
	__s32 fd;		/* its counter grows at each interrupt; -1: none */
};

/*
 * A will: what the module does in a client's name when its file is closed, by
 * close() or by death, when the machine shuts down, and when the device is taken
 * from the driver: once, and after the client has lost the memory. A child or a
 * mapping that still has the file puts it off. Steps are done in order.
 */
#define IVSHMEM_DOORBELL_WILL_REPLACE 1	/* if the 64 bits at offset are a: b */
#define IVSHMEM_DOORBELL_WILL_OR 2	/* the 64 bits at offset |= a */
#define IVSHMEM_DOORBELL_WILL_RING 3	/* peer a, vector b; not without interrupts */
#define IVSHMEM_DOORBELL_WILL_IF 4	/* if the 64 bits at offset are not a: the end */
/*
 * With w, the 64 bits at offset: if the lowest 4 of them are a, rings the peer in
 * bits shift..shift+15 of w, on the vector in the lower 32 of the 64 bits at b. Whom
 * it finds there when it is carried out, so that who came since is rung, too.
 */
#define IVSHMEM_DOORBELL_WILL_RING_AT 5

struct ivshmem_doorbell_step {
	__u32 what;
	__u32 shift;		/* 0..48; 0 unless RING_AT */
	__u64 offset;		/* in the memory, a multiple of 8; 0 for RING */
	__u64 a;
	__u64 b;
};

struct ivshmem_doorbell_will {
	__u64 steps;		/* address of count struct ivshmem_doorbell_step */
	__u32 count;		/* 0 takes it back */
	__u32 reserved;		/* 0 */
};

#define IVSHMEM_DOORBELL_IOC 0xb1

#define IVSHMEM_DOORBELL_INFO \
	_IOR(IVSHMEM_DOORBELL_IOC, 0, struct ivshmem_doorbell_info)
/*
 * Earlier stores of the caller are seen first. -EINVAL: out of range; -EOPNOTSUPP:
 * the device has no interrupts.
 */
#define IVSHMEM_DOORBELL_RING \
	_IOW(IVSHMEM_DOORBELL_IOC, 1, struct ivshmem_doorbell_ring)
/*
 * Replaces the vector's eventfd of this client. What came for read() before
 * stays there: look at the memory once afterwards. -EINVAL: no such vector;
 * -EBADF, -EINVAL: not an eventfd.
 */
#define IVSHMEM_DOORBELL_EVENTFD \
	_IOW(IVSHMEM_DOORBELL_IOC, 2, struct ivshmem_doorbell_eventfd)
/*
 * Makes these vectors the only ones that read() and poll() tell of: bit v of
 * mask[v / 64]. A new client has all of them.
 */
struct ivshmem_doorbell_mask {
	__u64 mask[IVSHMEM_DOORBELL_VECTORS / 64];
};

#define IVSHMEM_DOORBELL_WANT \
	_IOW(IVSHMEM_DOORBELL_IOC, 3, struct ivshmem_doorbell_mask)
/*
 * Which numbers are open now, bit v of mask[v / 64], one's own too. The wills of all
 * others were carried out.
 */
#define IVSHMEM_DOORBELL_OPEN \
	_IOR(IVSHMEM_DOORBELL_IOC, 5, struct ivshmem_doorbell_mask)
/* Replaces the client's will. -EINVAL: a step is out of range; the old one stays. */
#define IVSHMEM_DOORBELL_WILL \
	_IOW(IVSHMEM_DOORBELL_IOC, 4, struct ivshmem_doorbell_will)

#endif
