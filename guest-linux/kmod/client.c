// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Clients: open files of /dev/ivshmemN. */

#include <linux/eventfd.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "device.h"

/* ---- life ---- */

static void free_client(struct ivshmem_client *client)
{
	if (client->blank)
		__free_page(client->blank);
	kvfree(client->will);
	kvfree(client->listener);
	kfree(client);
}

static struct ivshmem_client *new_client(struct ivshmem_device *device)
{
	struct ivshmem_client *client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);
	unsigned int v;

	if (!client)
		return NULL;
	client->device = device;
	init_waitqueue_head(&client->wait);
	client->listener = kvcalloc(max(device->vectors, 1u), sizeof(*client->listener),
				    GFP_KERNEL_ACCOUNT);
	if (!client->listener) {
		free_client(client);
		return NULL;
	}
	for (v = 0; v < device->vectors; v++) {
		INIT_LIST_HEAD(&client->listener[v].node);
		client->listener[v].client = client;
	}
	return client;
}

static int admit(struct ivshmem_client *client)
{
	struct ivshmem_device *device = client->device;
	unsigned int v;

	lockdep_assert_held(&device->lock);
	if (device->gone)
		return -ENODEV;
	client->number = ida_alloc_max(&device->numbers, IVSHMEM_DOORBELL_CLIENTS - 1,
				       GFP_KERNEL);
	if (client->number < 0)
		return client->number == -ENOSPC ? -EUSERS : client->number;
	list_add_tail(&client->node, &device->clients);
	device->client_count++;
	ivshmem_device_get(device);
	bitmap_fill(client->wanted, device->vectors);
	for (v = 0; v < device->vectors; v++)
		ivshmem_listen(client, v, NULL, true);
	return 0;
}

static void forget(struct ivshmem_client *client)
{
	struct ivshmem_device *device = client->device;
	struct eventfd_ctx *old;
	unsigned int v;

	mutex_lock(&device->lock);
	for (v = 0; v < device->vectors; v++) {
		old = ivshmem_listen(client, v, NULL, false);
		if (old)
			eventfd_ctx_put(old);
	}
	list_del(&client->node);
	device->client_count--;
	ida_free(&device->numbers, client->number);
	mutex_unlock(&device->lock);
}

static int ivshmem_open(struct inode *inode, struct file *file)
{
	/* misc_open() is in misc_deregister()'s way, so that the device stays. */
	struct ivshmem_device *device =
		container_of(file->private_data, struct ivshmem_device, misc);
	struct ivshmem_client *client = new_client(device);
	int ret;

	if (!client)
		return -ENOMEM;
	client->mapping = file->f_mapping;
	mutex_lock(&device->lock);
	ret = admit(client);
	mutex_unlock(&device->lock);
	if (ret) {
		free_client(client);
		return ret;
	}
	file->private_data = client;
	return stream_open(inode, file);
}

/* The will comes first: the number is not another's before that is done. */
static int ivshmem_release(struct inode *inode, struct file *file)
{
	struct ivshmem_client *client = file->private_data;
	struct ivshmem_device *device = client->device;

	down_read(&device->sem);
	if (!device->gone)
		ivshmem_will_execute(client);
	up_read(&device->sem);
	forget(client);
	free_client(client);
	ivshmem_device_put(device);
	return 0;
}

/* ---- the device goes ---- */

/* Takes the mappings away: later accesses fault, and find the device gone. */
static void unmap_clients(struct ivshmem_device *device)
{
	struct ivshmem_client *client;

	list_for_each_entry(client, &device->clients, node)
		unmap_mapping_range(client->mapping, 0, 0, 1);
}

static void wake_clients(struct ivshmem_device *device)
{
	struct ivshmem_client *client;

	ivshmem_tell_all(device);
	list_for_each_entry(client, &device->clients, node)
		wake_up_poll(&client->wait, EPOLLHUP | EPOLLERR);
}

/*
 * A client must not touch the memory any more when its will is carried out, and
 * cannot be left to carry it out at its end, for then the device is away.
 */
void ivshmem_clients_leave(struct ivshmem_device *device, bool present)
{
	struct ivshmem_client *client;

	mutex_lock(&device->lock);
	down_write(&device->sem);
	device->gone = true;
	up_write(&device->sem);
	unmap_clients(device);
	list_for_each_entry(client, &device->clients, node)
		if (present)
			ivshmem_will_execute(client);
	wake_clients(device);
	mutex_unlock(&device->lock);
}

/* ---- read and poll ---- */

static bool readable(struct ivshmem_client *client)
{
	return READ_ONCE(client->device->gone) ||
	       !bitmap_empty(client->pending, IVSHMEM_DOORBELL_VECTORS);
}

/* How many vectors were written to the user; -EFAULT if there was no room at once. */
static ssize_t take(struct ivshmem_client *client, u32 __user *to, size_t room)
{
	unsigned int v;
	size_t n = 0;

	for_each_set_bit(v, client->pending, IVSHMEM_DOORBELL_VECTORS) {
		if (n == room)
			break;
		if (!test_and_clear_bit(v, client->pending))
			continue;	/* another thread has it */
		if (put_user(v, to + n)) {
			set_bit(v, client->pending);
			return n ? n : -EFAULT;
		}
		n++;
	}
	return n;
}

static ssize_t ivshmem_read(struct file *file, char __user *to, size_t size,
			    loff_t *position)
{
	struct ivshmem_client *client = file->private_data;
	ssize_t n;

	if (size < sizeof(u32))
		return -EINVAL;
	for (;;) {
		if (READ_ONCE(client->device->gone))
			return -ENODEV;
		n = take(client, (u32 __user *)to, size / sizeof(u32));
		if (n)
			return n < 0 ? n : n * sizeof(u32);
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		n = wait_event_interruptible(client->wait, readable(client));
		if (n)
			return n;
	}
}

static __poll_t ivshmem_poll(struct file *file, struct poll_table_struct *table)
{
	struct ivshmem_client *client = file->private_data;

	poll_wait(file, &client->wait, table);
	if (READ_ONCE(client->device->gone))
		return EPOLLHUP | EPOLLERR;
	return readable(client) ? EPOLLIN | EPOLLRDNORM : 0;
}

const struct file_operations ivshmem_fops = {
	.owner = THIS_MODULE,
	.open = ivshmem_open,
	.release = ivshmem_release,
	.read = ivshmem_read,
	.poll = ivshmem_poll,
	.mmap = ivshmem_mmap,
	.unlocked_ioctl = ivshmem_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
