// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What ivshmem_doorbell.h offers by ioctl(). */

#include <linux/eventfd.h>
#include <linux/uaccess.h>

#include "device.h"

static long info(struct ivshmem_client *client, void __user *to)
{
	struct ivshmem_device *device = client->device;
	struct ivshmem_doorbell_info info = {
		.version = IVSHMEM_DOORBELL_VERSION,
		.flags = (device->vectors ? IVSHMEM_DOORBELL_INTERRUPTS : 0) |
			 (device->cached ? IVSHMEM_DOORBELL_CACHED : 0),
		.peer_id = READ_ONCE(device->peer_id),
		.client = client->number,
		.vectors = device->vectors,
		.memory_size = device->memory_size,
		.registers_offset = ivshmem_registers_offset(device),
	};

	strscpy(info.device, device->address, sizeof(info.device));
	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

static long ring(struct ivshmem_client *client, const void __user *from)
{
	struct ivshmem_device *device = client->device;
	struct ivshmem_doorbell_ring ring;
	long ret = -ENODEV;

	if (copy_from_user(&ring, from, sizeof(ring)))
		return -EFAULT;
	if (!device->vectors)
		return -EOPNOTSUPP;
	if (ring.peer_id > U16_MAX || ring.vector >= IVSHMEM_DOORBELL_VECTORS)
		return -EINVAL;
	down_read(&device->sem);
	if (!device->gone) {
		ivshmem_ring(device, ring.peer_id, ring.vector);
		ret = 0;
	}
	up_read(&device->sem);
	return ret;
}

static long set_eventfd(struct ivshmem_client *client, const void __user *from)
{
	struct ivshmem_device *device = client->device;
	struct ivshmem_doorbell_eventfd set;
	struct eventfd_ctx *eventfd = NULL;
	long ret = -ENODEV;

	if (copy_from_user(&set, from, sizeof(set)))
		return -EFAULT;
	if (set.vector >= device->vectors)
		return -EINVAL;
	if (set.fd != -1)
		eventfd = eventfd_ctx_fdget(set.fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	mutex_lock(&device->lock);
	if (!device->gone) {
		eventfd = ivshmem_listen(client, set.vector, eventfd,
					 test_bit(set.vector, client->wanted));
		ret = 0;
	}
	mutex_unlock(&device->lock);
	if (eventfd)	/* the old one; the new one if the device is gone */
		eventfd_ctx_put(eventfd);
	return ret;
}

/* The caller holds the device's lock. */
static void want_vector(struct ivshmem_client *client, unsigned int v, bool wanted)
{
	struct eventfd_ctx *eventfd = client->listener[v].eventfd;

	if (wanted)
		set_bit(v, client->wanted);
	else
		clear_bit(v, client->wanted);
	ivshmem_listen(client, v, eventfd, wanted);
}

static long want(struct ivshmem_client *client, const void __user *from)
{
	struct ivshmem_device *device = client->device;
	struct ivshmem_doorbell_mask set;
	unsigned int v;
	long ret = 0;

	if (copy_from_user(&set, from, sizeof(set)))
		return -EFAULT;
	mutex_lock(&device->lock);
	if (device->gone)
		ret = -ENODEV;
	for (v = 0; !ret && v < device->vectors; v++)
		want_vector(client, v, set.mask[v / 64] >> v % 64 & 1);
	mutex_unlock(&device->lock);
	return ret;
}

static long numbers(struct ivshmem_client *client, void __user *to)
{
	struct ivshmem_device *device = client->device;
	struct ivshmem_doorbell_mask set = { };

	mutex_lock(&device->lock);
	list_for_each_entry(client, &device->clients, node)
		set.mask[client->number / 64] |= BIT_ULL(client->number % 64);
	mutex_unlock(&device->lock);
	return copy_to_user(to, &set, sizeof(set)) ? -EFAULT : 0;
}

static long set_will(struct ivshmem_client *client, const void __user *from)
{
	struct ivshmem_doorbell_will will;

	if (copy_from_user(&will, from, sizeof(will)))
		return -EFAULT;
	return ivshmem_will_set(client, &will);
}

/* What changes the world for others is for those who may write. */
static bool needs_write(unsigned int command)
{
	return command == IVSHMEM_DOORBELL_RING || command == IVSHMEM_DOORBELL_WILL;
}

long ivshmem_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct ivshmem_client *client = file->private_data;
	void __user *user = (void __user *)argument;

	if (READ_ONCE(client->device->gone))
		return -ENODEV;
	if (needs_write(command) && !(file->f_mode & FMODE_WRITE))
		return -EBADF;
	switch (command) {
	case IVSHMEM_DOORBELL_INFO:
		return info(client, user);
	case IVSHMEM_DOORBELL_RING:
		return ring(client, user);
	case IVSHMEM_DOORBELL_EVENTFD:
		return set_eventfd(client, user);
	case IVSHMEM_DOORBELL_WANT:
		return want(client, user);
	case IVSHMEM_DOORBELL_WILL:
		return set_will(client, user);
	case IVSHMEM_DOORBELL_OPEN:
		return numbers(client, user);
	default:
		return -ENOTTY;
	}
}
