// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Interrupts, and who is told of them. Each vector has the list of those who want
 * it, so that a doorbell costs nothing to all others.
 */

#include <linux/interrupt.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "compat.h"
#include "device.h"

static void tell(struct ivshmem_listener *listener, unsigned int vector)
{
	struct ivshmem_client *client = listener->client;

	if (listener->eventfd) {
		ivshmem_eventfd_signal(listener->eventfd);
		return;
	}
	set_bit(vector, client->pending);
	wake_up_interruptible_poll(&client->wait, EPOLLIN | EPOLLRDNORM);
}

static void tell_vector(struct ivshmem_vector *vector)
{
	struct ivshmem_listener *listener;
	unsigned long flags;

	spin_lock_irqsave(&vector->lock, flags);
	list_for_each_entry(listener, &vector->listeners, node)
		tell(listener, vector->number);
	spin_unlock_irqrestore(&vector->lock, flags);
}

static irqreturn_t handle(int irq, void *vector)
{
	tell_vector(vector);
	return IRQ_HANDLED;
}

void ivshmem_tell_all(struct ivshmem_device *device)
{
	unsigned int v;

	for (v = 0; v < device->vectors; v++)
		tell_vector(&device->vector[v]);
}

struct eventfd_ctx *ivshmem_listen(struct ivshmem_client *client, unsigned int vector,
				   struct eventfd_ctx *eventfd, bool wanted)
{
	struct ivshmem_listener *listener = &client->listener[vector];
	struct ivshmem_vector *v = &client->device->vector[vector];
	unsigned long flags;

	spin_lock_irqsave(&v->lock, flags);
	swap(listener->eventfd, eventfd);
	if (!listener->eventfd && !wanted)
		list_del_init(&listener->node);
	else if (list_empty(&listener->node))
		list_add_tail(&listener->node, &v->listeners);
	if (!wanted)
		clear_bit(vector, client->pending);
	spin_unlock_irqrestore(&v->lock, flags);
	return eventfd;
}

static int make_vectors(struct ivshmem_device *device)
{
	unsigned int v;

	device->vector = kcalloc(device->vectors, sizeof(*device->vector), GFP_KERNEL);
	if (!device->vector)
		return -ENOMEM;
	for (v = 0; v < device->vectors; v++) {
		spin_lock_init(&device->vector[v].lock);
		INIT_LIST_HEAD(&device->vector[v].listeners);
		device->vector[v].number = v;
	}
	return 0;
}

static int request_all(struct ivshmem_device *device)
{
	unsigned int v;
	int ret;

	for (v = 0; v < device->vectors; v++) {
		ret = pci_request_irq(device->pdev, v, handle, NULL, &device->vector[v],
				      "%s-%u", device->name, v);
		if (ret) {
			pci_err(device->pdev, "vector %u: no interrupt: %d\n", v, ret);
			return ret;
		}
		device->vectors_with_handler = v + 1;
	}
	return 0;
}

int ivshmem_interrupts_start(struct ivshmem_device *device)
{
	struct pci_dev *pdev = device->pdev;
	int count = pci_msix_vec_count(pdev);
	int ret;

	if (count <= 0)
		return 0;
	ret = pci_alloc_irq_vectors(pdev, 1, min(count, IVSHMEM_DOORBELL_VECTORS),
				    PCI_IRQ_MSIX);
	if (ret < 0) {
		pci_err(pdev, "no MSI-X interrupt to be had: %d\n", ret);
		return ret;
	}
	if (ret < count)
		pci_warn(pdev, "%d of %d vectors got an interrupt\n", ret, count);
	device->vectors = ret;
	ret = make_vectors(device);
	if (!ret)
		ret = request_all(device);
	if (ret)
		ivshmem_interrupts_stop(device);
	else
		pci_set_master(pdev);	/* an MSI-X message is a write by the device */
	return ret;
}

void ivshmem_interrupts_stop(struct ivshmem_device *device)
{
	if (!device->vectors)
		return;
	pci_clear_master(device->pdev);
	while (device->vectors_with_handler) {
		device->vectors_with_handler--;
		pci_free_irq(device->pdev, device->vectors_with_handler,
			     &device->vector[device->vectors_with_handler]);
	}
	pci_free_irq_vectors(device->pdev);
}
