/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * device.h - what the files of this module share
 *
 * A device lives from probe() to remove(), and on as an empty shell until its last
 * client is closed. Locks, outermost first:
 *
 *   mmap_lock     the kernel's: a page fault comes with it
 *   device->lock  the clients, what they want and their wills
 *   device->sem   read: the hardware stays while it is held; write: to take it away
 *   vector->lock  who is told of a vector; with interrupts off
 *
 * So nothing of a user's memory is touched under any of them.
 */
#ifndef IVSHMEM_DEVICE_H
#define IVSHMEM_DEVICE_H

#include <linux/bitmap.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/ioport.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "ivshmem_doorbell.h"

struct eventfd_ctx;

struct ivshmem_vector {
	spinlock_t lock;		/* guards listeners, and what they are told by */
	struct list_head listeners;	/* ivshmem_listener.node */
	unsigned int number;
};

struct ivshmem_device {
	struct kref kref;		/* one for the driver, one a client */
	struct pci_dev *pdev;		/* valid while the hardware stays */
	struct miscdevice misc;
	char name[24];
	char address[32];		/* "0000:00:03.0" */
	int number;			/* N of /dev/ivshmemN; -1: none yet */

	struct rw_semaphore sem;
	bool gone;			/* changes under sem and lock */

	void __iomem *registers;
	struct resource rest_of_page;	/* claimed behind the registers; parent: if so */
	bool registers_mappable;
	u32 peer_id;
	void *memory;
	phys_addr_t memory_at;
	u64 memory_size;
	bool cached;

	unsigned int vectors;
	unsigned int vectors_with_handler;
	struct ivshmem_vector *vector;	/* array of vectors */

	struct mutex lock;		/* guards what follows, and the clients */
	struct list_head clients;	/* ivshmem_client.node */
	unsigned int client_count;
	struct ida numbers;		/* the clients' */
};

/* One client's interest in one vector. */
struct ivshmem_listener {
	struct list_head node;		/* empty: not interested */
	struct ivshmem_client *client;
	struct eventfd_ctx *eventfd;	/* NULL: is told by read() */
};

struct ivshmem_client {
	struct ivshmem_device *device;
	struct list_head node;
	struct address_space *mapping;	/* of the file through which it came */
	int number;
	wait_queue_head_t wait;
	DECLARE_BITMAP(pending, IVSHMEM_DOORBELL_VECTORS);	/* for read() */
	DECLARE_BITMAP(wanted, IVSHMEM_DOORBELL_VECTORS);	/* by read() */
	struct ivshmem_listener *listener;	/* array of device->vectors */
	struct ivshmem_doorbell_step *will;
	u32 will_count;
	struct page *blank;		/* what it maps once the device is gone */
};

/* ---- hardware.c: the BARs ---- */

/* Enables the device and maps it; whole or not at all. */
int ivshmem_hardware_start(struct ivshmem_device *device);
void ivshmem_hardware_stop(struct ivshmem_device *device);
/* Reads the id again, which is another one after the machine was moved. */
int ivshmem_read_peer_id(struct ivshmem_device *device);
/* Rings after all earlier stores. The caller holds sem; both are in range. */
void ivshmem_ring(struct ivshmem_device *device, u32 peer, u32 vector);

/* ---- interrupt.c: who is told of a vector ---- */

/* Without MSI-X there are no vectors, which is no failure. */
int ivshmem_interrupts_start(struct ivshmem_device *device);
/* No handler runs afterwards; harmless when repeated. */
void ivshmem_interrupts_stop(struct ivshmem_device *device);
/* Tells all clients of all that they want: something may have been missed. */
void ivshmem_tell_all(struct ivshmem_device *device);
/*
 * Sets how a client is told of a vector: by its eventfd (taken; may be NULL), else
 * by read() if wanted. Returns the eventfd of before, for the caller to put.
 */
struct eventfd_ctx *ivshmem_listen(struct ivshmem_client *client, unsigned int vector,
				   struct eventfd_ctx *eventfd, bool wanted);

/* ---- client.c: open files ---- */

extern const struct file_operations ivshmem_fops;

/* Makes the device gone for all clients; the hardware must still be there. */
void ivshmem_clients_leave(struct ivshmem_device *device, bool present);

/* ---- ioctl.c ---- */

long ivshmem_ioctl(struct file *file, unsigned int command, unsigned long argument);

/* ---- memory.c: mappings ---- */

int ivshmem_mmap(struct file *file, struct vm_area_struct *vma);
/* Where mmap() finds the registers; 0: nowhere. */
u64 ivshmem_registers_offset(const struct ivshmem_device *device);

/* ---- will.c ---- */

/* -EINVAL, -EFAULT, -ENOMEM, -ENODEV; then the old will stays. */
int ivshmem_will_set(struct ivshmem_client *client,
		     const struct ivshmem_doorbell_will *will);
/* Carries the will out, once. The caller holds sem, and the device is there. */
void ivshmem_will_execute(struct ivshmem_client *client);

/* ---- main.c ---- */

void ivshmem_device_get(struct ivshmem_device *device);
void ivshmem_device_put(struct ivshmem_device *device);

#endif
