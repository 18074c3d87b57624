/* SPDX-License-Identifier: BSD-2-Clause */
#include "standin.h"

void slots_init(struct device *d)
{
	ExInitializeFastMutex(&d->lock);
	InitializeListHead(&d->registered);
}

static void release(struct device *d, struct slot *s)
{
	RemoveEntryList(&s->entry);
	ZwClose(s->event);
	memset(s, 0, sizeof(*s));
	d->used--;
}

/* Queue.c, ioctl_register_event(): the first free slot, the end of the list. */
NTSTATUS slots_add(struct device *d, const struct slot *wanted)
{
	struct slot *s = d->slots;

	ExAcquireFastMutex(&d->lock);
	while (s < d->slots + SLOTS && s->event)
		s++;
	if (s == d->slots + SLOTS) {
		ExReleaseFastMutex(&d->lock);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	*s = *wanted;
	InsertTailList(&d->registered, &s->entry);
	d->used++;
	ExReleaseFastMutex(&d->lock);
	return STATUS_SUCCESS;
}

/* Queue.c, IVSHMEMEvtDeviceFileCleanup(). */
void slots_free(struct device *d, const FILE_OBJECT *owner)
{
	struct slot *s;

	if (owner && d->modes.broken == BROKEN_CLEANUP)
		return;
	ExAcquireFastMutex(&d->lock);
	for (s = d->slots; s < d->slots + SLOTS; s++)
		if (s->event && (!owner || s->owner == owner))
			release(d, s);
	ExReleaseFastMutex(&d->lock);
}

static void fire(struct device *d, struct slot *s, uint64_t pending)
{
	/* Any vector can be registered; the shift takes its low six bits. */
	if (!(pending & 1ULL << (s->vector & 63)))
		return;
	ZwSetEvent(s->event, NULL);
	if (s->single_shot && d->modes.broken != BROKEN_SHOT)
		release(d, s);
}

/*
 * Device.c, IVSHMEMInterruptDPC(): one walk along the list sets the events of all
 * vectors that are pending. A vector that Windows did not grant has no interrupt.
 */
void slots_interrupt(void *arg, uint64_t pending)
{
	struct device *d = arg;
	LIST_ENTRY *e, *next;
	BOOLEAN back = d->modes.broken == BROKEN_ORDER;

	if (d->modes.vectors < PEER_VECTORS)
		pending &= (1ULL << d->modes.vectors) - 1;
	if (!pending || d->modes.mute)
		return;
	ExAcquireFastMutex(&d->lock);
	for (e = back ? d->registered.Blink : d->registered.Flink; e != &d->registered; e = next) {
		next = back ? e->Blink : e->Flink;
		fire(d, CONTAINING_RECORD(e, struct slot, entry), pending);
	}
	ExReleaseFastMutex(&d->lock);
}
