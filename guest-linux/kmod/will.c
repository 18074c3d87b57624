// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Wills: what is done in the name of a client that is no more. */

#include <linux/atomic.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "device.h"

#ifdef CONFIG_GENERIC_ATOMIC64
#error "This processor has no 64-bit atomic operation that other machines would see."
#endif

static bool is_word(const struct ivshmem_device *device, u64 offset)
{
	return IS_ALIGNED(offset, sizeof(u64)) && offset < device->memory_size;
}

static bool is_valid(const struct ivshmem_device *device,
		     const struct ivshmem_doorbell_step *step)
{
	if (step->shift && step->what != IVSHMEM_DOORBELL_WILL_RING_AT)
		return false;
	switch (step->what) {
	case IVSHMEM_DOORBELL_WILL_REPLACE:
	case IVSHMEM_DOORBELL_WILL_OR:
	case IVSHMEM_DOORBELL_WILL_IF:
		return is_word(device, step->offset);
	case IVSHMEM_DOORBELL_WILL_RING_AT:
		return device->vectors && is_word(device, step->offset) &&
		       is_word(device, step->b) && step->shift <= 48;
	case IVSHMEM_DOORBELL_WILL_RING:
		return device->vectors && !step->offset && step->a <= U16_MAX &&
		       step->b < IVSHMEM_DOORBELL_VECTORS;
	default:
		return false;
	}
}

/* NULL for no steps, ERR_PTR() for bad ones. */
static struct ivshmem_doorbell_step *copy_steps(const struct ivshmem_device *device,
						const struct ivshmem_doorbell_will *will)
{
	size_t size = will->count * sizeof(struct ivshmem_doorbell_step);
	struct ivshmem_doorbell_step *steps;
	u32 i;

	if (!size)
		return NULL;
	steps = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!steps)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(steps, u64_to_user_ptr(will->steps), size)) {
		kvfree(steps);
		return ERR_PTR(-EFAULT);
	}
	for (i = 0; i < will->count; i++) {
		if (!is_valid(device, &steps[i])) {
			kvfree(steps);
			return ERR_PTR(-EINVAL);
		}
	}
	return steps;
}

int ivshmem_will_set(struct ivshmem_client *client,
		     const struct ivshmem_doorbell_will *will)
{
	struct ivshmem_device *device = client->device;
	struct ivshmem_doorbell_step *steps;
	int ret = -ENODEV;

	if (will->count > IVSHMEM_DOORBELL_WILL_MAX || will->reserved)
		return -EINVAL;
	steps = copy_steps(device, will);
	if (IS_ERR(steps))
		return PTR_ERR(steps);
	mutex_lock(&device->lock);
	if (!device->gone) {
		swap(client->will, steps);
		client->will_count = will->count;
		ret = 0;
	}
	mutex_unlock(&device->lock);
	kvfree(steps);
	return ret;
}

/* What stands there may change at any time, and be anything: it is read once. */
static void ring_at(struct ivshmem_device *device,
		    const struct ivshmem_doorbell_step *step)
{
	u64 who = atomic64_read((atomic64_t *)(device->memory + step->offset));
	u32 vector = atomic64_read((atomic64_t *)(device->memory + step->b));

	if ((who & 15) == step->a && vector < IVSHMEM_DOORBELL_VECTORS)
		ivshmem_ring(device, who >> step->shift & U16_MAX, vector);
}

/* False: nothing more of that will is to be done. */
static bool execute(struct ivshmem_device *device,
		    const struct ivshmem_doorbell_step *step)
{
	atomic64_t *word = device->memory + step->offset;

	switch (step->what) {
	case IVSHMEM_DOORBELL_WILL_REPLACE:
		atomic64_cmpxchg(word, step->a, step->b);
		break;
	case IVSHMEM_DOORBELL_WILL_OR:
		atomic64_or(step->a, word);
		smp_mb__after_atomic();	/* the next step may look elsewhere */
		break;
	case IVSHMEM_DOORBELL_WILL_RING:
		ivshmem_ring(device, step->a, step->b);
		break;
	case IVSHMEM_DOORBELL_WILL_RING_AT:
		ring_at(device, step);
		break;
	case IVSHMEM_DOORBELL_WILL_IF:
		return atomic64_read(word) == step->a;
	}
	return true;
}

void ivshmem_will_execute(struct ivshmem_client *client)
{
	u32 i;

	for (i = 0; i < client->will_count; i++) {
		if (!execute(client->device, &client->will[i]))
			break;
		cond_resched();
	}
	client->will_count = 0;
}
