/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting without losing a wake-up: arm every link, look again, announce sleep
 * in the wake word, look at what it held, only then sleep.
 */
#include "bus.h"

#include "call.h"
#include "error.h"
#include "os.h"
#include "settle.h"
#include "stream.h"
#include "topic.h"

/*
 * Two that sleep for each other wait longer than that, though both would gain by
 * spinning. So now and then one spins through a few waits in a row: if the other
 * one is such a peer, its waits become short, and it spins too. The first wait for an
 * answer lasts as long as the other one takes to wake, on a virtual machine many times
 * as long as elsewhere: it is given what waits have lasted lately.
 */
#define PROBE_SOON 16u /* waits until the first, if spinning has paid until now */
#define PROBE_LATE 256u /* as each one in vain doubles it: and then each time */
#define PROBE_WAITS 12u /* enough for an average of them to become short */
#define PROBE_NS (4 * SPIN_WORTH_NS)
#define WAITS_MAX_NS (8 * SPIN_WORTH_NS) /* what one long wait may weigh */
#define SPIN_CLOCK_EVERY 64u    /* looks between looks at the clock */
#define SPIN_EAGER 128u
#define SPIN_PORT_NS UINT64_C(1000000) /* polling: look at the port so often */
#define PORT_EVERY 1024u /* messages of a busy program */
#define NS_PER_MS UINT64_C(1000000)

uint64_t bus_deadline(int timeout_ms)
{
	if (timeout_ms < 0)
		return BUS_FOREVER;
	return timeout_ms == 0 ? 0 : os_now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
}

int bus_remaining_ms(uint64_t deadline)
{
	uint64_t now, ms;

	if (deadline == BUS_FOREVER)
		return -1;
	if (deadline == 0)
		return 0;
	now = os_now_ns();
	if (now >= deadline)
		return 0;
	ms = (deadline - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

int bus_reset(const struct bell_bus *bus)
{
	struct bell_port *port = bus->peer->port;
	int rc = port->ops->gone ? port->ops->gone(port) : 0;

	if (rc < 0)
		return rc;
	return error_detail(BELL_ERESET,
			    "the memory was formatted anew, or peer %s joined again "
			    "elsewhere: leave and join again",
			    ID_TEXT(slot_id(bus->slot_word)));
}

int bus_check(const struct bell_bus *bus)
{
	if (bus_is_same(bus))
		return 0;
	return bus_reset(bus);
}

/* Puts the links that a bit stands for among those to be looked at. */
static void activate_bit(struct bell_bus *bus, uint32_t bit)
{
	for (uint32_t i = bit; i < bus->layout.link_count; i += WAKE_LINKS) {
		struct bus_in *in = link_from_peer(bus, i);

		if (!in)
			continue;
		/* The bit may be another's: then this one still is armed. */
		bus->stats.looks++;
		if (in->gone || ring_has_data(&in->r))
			link_activate(bus, in);
	}
}

/* The word became another's in this very moment: it has to look, and knows not. */
static void give_back(struct bell_bus *bus, uint64_t news)
{
	(void)shm_fetch_or(&bus->self->wake, news);
	(void)bell_ring(bus->peer, slot_id(shm_peek(&bus->self->word)),
			shm_peek(&bus->self->vector) & BELL_VECTOR_MAX);
}

/* A receiver that found garbage says so by the link's bit. */
static void review_outs(struct bell_bus *bus, uint64_t news)
{
	struct bus_out *out, *next;

	for (out = bus->outs; out; out = next) {
		next = out->next;
		if ((news & wake_bit(out->link)) && out->reserved_count == 0)
			(void)bus_check_out(bus, out);
	}
}

int bus_take_news(struct bell_bus *bus)
{
	uint64_t news;
	int rc = bus_check(bus);

	if (rc < 0)
		return rc;
	news = shm_exchange(&bus->self->wake, 0);
	bus->announced = false;
	bus->armed = false;
	rc = bus_check(bus);
	if (rc < 0) {
		give_back(bus, news);
		return bus_check(bus);
	}
	if (news & WAKE_DIRECTORY)
		link_review(bus);
	for (uint64_t left = news & WAKE_ALL_LINKS; left != 0; left &= left - 1)
		activate_bit(bus, lowest_bit(left));
	review_outs(bus, news);
	return 0;
}

/* The link to that incarnation if there is one, claiming none. */
static struct bus_out *link_known(const struct bell_bus *bus, const struct bus_remote *to)
{
	struct bus_out *out = bus->outs;

	while (out && (out->to.slot != to->slot || out->to.word != to->word))
		out = out->next;
	return out;
}

bool bus_space_or_gone(struct bus_out *out, uint32_t len)
{
	/* -BELL_ECORRUPT shows again at the next try. */
	return ring_has_space(&out->w, len) != 0 || !bus_out_is_whole(out);
}

/* What the oldest kept frame needs; 0: none is kept, or it may not go yet. */
static uint32_t kept_len(const struct bus_out *out)
{
	return out->kept && out->reserved_count == 0 ? frame_len(out) | 1 : 0;
}

/* The same for what somebody wanted, behind what is kept. */
static uint32_t wanted_len(const struct bus_out *out)
{
	return out->reserved_count == 0 && !out->kept ? out->wanted : 0;
}

/* One of those who want space has it. */
static bool some_space(const struct bell_bus *bus)
{
	if (bus->thirsty == 0)
		return false;
	for (struct bus_out *out = bus->outs; out; out = out->next) {
		if (wanted_len(out) > 0 && bus_space_or_gone(out, wanted_len(out)))
			return true;
		if (kept_len(out) > 0 && bus_space_or_gone(out, kept_len(out)))
			return true;
	}
	return false;
}

bool bus_sees(const struct bell_bus *bus, struct bus_out *out, uint32_t len)
{
	if (bus_has_news(bus))
		return true;
	if (out && bus_space_or_gone(out, len))
		return true;
	for (uint32_t i = 0; i < bus->active_count; i++)
		if (!bus->active[i]->broken && ring_has_data(&bus->active[i]->r))
			return true;
	return some_space(bus);
}

/* Tells senders of space that they were not told of yet. */
static void flush_space(struct bell_bus *bus)
{
	for (uint32_t i = 0; i < bus->active_count; i++) {
		struct bus_in *in = bus->active[i];

		bus_tell_space(bus, in);
	}
}

/*
 * Arms the active links; they stop being active unless a ping left something
 * for who receives: queued records, a link to free, or one to report.
 */
static int arm_links(struct bell_bus *bus)
{
	uint32_t i = 0;

	while (i < bus->active_count) {
		struct bus_in *in = bus->active[i];

		if (!in->broken && ring_arm(&in->r))
			return 1;
		if (in->r.scanned == in->r.pos && !in->gone && !in->broken) {
			link_deactivate(bus, in);
			bus_active(bus); /* something came by it */
		} else {
			i++;
		}
	}
	return 0;
}

/* 1: something came before we were asleep. */
static int announce(struct bell_bus *bus)
{
	if (bus->announced)
		return bus_has_news(bus);
	bus->announced = true;
	/* A full barrier. Every bit set from here on comes with a doorbell. */
	return (shm_fetch_or(&bus->self->wake, WAKE_ASLEEP) & ~WAKE_ASLEEP) != 0;
}

void bus_serve_space(struct bell_bus *bus)
{
	struct bus_out *out, *next;
	bool served = bus->space_lost, flushed = false;

	bus->space_lost = false;
	for (out = bus->thirsty > 0 ? bus->outs : NULL; out; out = next) {
		next = out->next;
		if (wanted_len(out) > 0 && bus_space_or_gone(out, wanted_len(out))) {
			out->wanted = 0;
			bus->thirsty--;
			served = out->writable = true;
		}
		/* May drop it. */
		if (kept_len(out) > 0) {
			(void)frame_flush(bus, out);
			flushed = true;
		}
	}
	if (flushed || served)
		call_flush(bus);
	if (!served)
		return;
	topic_flush(bus);
	stream_flush(bus);
	if (bus->on_writable)
		bus_pend(bus);
}

/* Wishes for space of all who want it. 1: somebody has it. */
static int arm_space(struct bell_bus *bus)
{
	if (bus->thirsty == 0)
		return bus->space_lost;
	for (struct bus_out *out = bus->outs; out; out = out->next) {
		uint32_t len = wanted_len(out);

		if (len < kept_len(out))
			len = kept_len(out);

		if (len > 0 && (ring_want_space(&out->w, len) != 0 || !bus_out_is_whole(out)))
			return 1;
	}
	return 0;
}

int bus_arm(struct bell_bus *bus)
{
	bus->armed = false;
	flush_space(bus);
	bus_serve_space(bus);
	if (arm_space(bus) || arm_links(bus) || announce(bus))
		return 1;
	bus->reminded = false;
	bus->armed = true;
	return 0;
}

int bus_rest(struct bell_bus *bus)
{
	if (bus->mode != BELL_POLL)
		return bus->flooded || bus_arm(bus) != 0;
	/* What arming does beside it. */
	bus->reminded = false;
	flush_space(bus);
	bus_serve_space(bus);
	return 0;
}

bool bus_is_armed(const struct bell_bus *bus)
{
	return bus->announced && bus->armed;
}

int bus_remind(struct bell_bus *bus)
{
	const struct bell_port *port = bus->peer->port;

	bus->reminded = true;
	return bell_ring(bus->peer, port->id, bus->vector);
}

void bus_thirst(struct bell_bus *bus)
{
	if (bus_is_armed(bus) && !bus->dispatching && !bus->reminded)
		(void)bus_remind(bus);
}

int bus_look_at_port(struct bell_bus *bus)
{
	struct bus_call call = bus_begin(bus);

	/* The port calls callbacks, which are not called from one. */
	bus->port_due = bus->calling ? 0 : PORT_EVERY;
	if (bus->calling)
		return 0;
	bus->looks++;
	(void)peer_wait(bus->peer, 0);
	bus_end(bus, call);
	return 0;
}

void bus_end(struct bell_bus *bus, struct bus_call call)
{
	/* It did not wait: what was readable is so still. */
	if (bus->looks == call.looks)
		return;
	if (bus->reminded || bus->pending ||
	    (call.armed && (!bus_is_armed(bus) || bus_has_news(bus))))
		(void)bus_remind(bus);
}

static int sleep_once(struct bell_bus *bus, struct bus_out *out, uint32_t len,
		      uint64_t deadline)
{
	int timeout_ms, rc;

	flush_space(bus);
	if (out && (ring_want_space(&out->w, len) != 0 || !bus_out_is_whole(out)))
		return 0;
	if (arm_space(bus) || arm_links(bus))
		return 0;
	if (announce(bus))
		return bus_collect(bus);
	timeout_ms = bus_remaining_ms(deadline);
	if (timeout_ms == 0)
		return error_plain(BELL_EAGAIN);
	bus->stats.sleeps++;
	/* A byte of the wake word may have changed for any reason: look again. */
	rc = peer_wait(bus->peer, timeout_ms);
	settle_judge(bus);
	if (rc < 0)
		return rc;
	if (rc > 0)
		bus->stats.wakes++;
	return bus_check(bus);
}

/*
 * Spins until something may be there (0), until spin_ns have passed (1), or the
 * deadline (-BELL_EAGAIN). Looks at the port now and then: other vectors and
 * the server's news want to be heard. *lasted gets about how long it took, 0 if
 * that was too short to look at the clock.
 */
static int spin(struct bell_bus *bus, struct bus_out *out, uint32_t len,
		uint64_t spin_ns, uint64_t deadline, uint64_t *lasted)
{
	uint64_t begin = 0, now;

	*lasted = 0;
	for (uint32_t n = 1;; n++) {
		if (bus_sees(bus, out, len))
			return 0;
		/* At first every nanosecond counts, then what shares this core. */
		if (n > SPIN_EAGER)
			cpu_relax();
		if (n % SPIN_CLOCK_EVERY != 0)
			continue;
		now = os_now_ns();
		if (begin == 0)
			begin = now;
		*lasted = now - begin;
		if (now >= deadline)
			return error_plain(BELL_EAGAIN);
		if (*lasted >= spin_ns)
			return 1;
		if (*lasted >= SPIN_PORT_NS) {
			int rc = peer_wait(bus->peer, 0);

			if (rc == 0)
				os_yield();
			return rc < 0 ? rc : bus_check(bus);
		}
	}
}

/* How long this wait is to spin before it sleeps. */
static uint64_t worth_spinning(struct bell_bus *bus)
{
	if (bus->waits_ns <= SPIN_WORTH_NS) {
		bus->probe = 0;
		bus->probe_gap = PROBE_SOON;
		return SPIN_WORTH_NS;
	}
	if (++bus->probe <= bus->probe_gap)
		return 0;
	if (bus->probe == bus->probe_gap + 1 && bus->converses)
		return bus->waits_ns < PROBE_NS / 2 ? PROBE_NS : 2 * bus->waits_ns;
	if (bus->probe <= bus->probe_gap + PROBE_WAITS)
		return PROBE_NS;
	bus->probe = 0;
	if (bus->probe_gap < PROBE_LATE)
		bus->probe_gap *= 2;
	return 0;
}

static int idle_adaptive(struct bell_bus *bus, struct bus_out *out, uint32_t len,
			 uint64_t deadline)
{
	uint64_t limit = worth_spinning(bus), lasted = 0;
	int rc = 1;

	if (limit > 0)
		rc = spin(bus, out, len, limit, deadline, &lasted);
	if (rc < 0)
		return rc;
	if (rc == 1) {
		uint64_t begin = os_now_ns();

		/* In vain: the rest of the probes would be so too. */
		if (limit > SPIN_WORTH_NS)
			bus->probe = bus->probe_gap + PROBE_WAITS;
		rc = sleep_once(bus, out, len, deadline);
		lasted += os_now_ns() - begin;
	}
	if (lasted > WAITS_MAX_NS)
		lasted = WAITS_MAX_NS;
	bus->waits_ns = (3 * bus->waits_ns + lasted) / 4;
	return rc;
}

int bus_idle(struct bell_bus *bus, const struct bus_remote *space_to, uint32_t len,
	     uint64_t deadline)
{
	struct bus_out *out = NULL;
	uint64_t lasted;
	int rc;

	/* News without end must not hide the deadline. */
	if ((++bus->looks % BUS_LOOKS_MAX == 0 || bus->flooded) &&
	    bus_remaining_ms(deadline) == 0)
		return error_plain(BELL_EAGAIN);
	/* More is there, though it may have been scanned, and so be armed. */
	if (bus->flooded)
		return 0;
	if (bus_has_news(bus))
		return bus_collect(bus);
	if (bus->thirsty > 0 || bus->space_lost)
		bus_serve_space(bus);
	if (space_to) {
		out = link_known(bus, space_to);
		if (!out)
			return 0; /* gone: the next try tells */
		if (settle_space(bus, out, len))
			return 0;
	} else if (settle_messages(bus)) {
		return 0;
	}
	if (bus->mode == BELL_POLL) {
		flush_space(bus);
		rc = spin(bus, out, len, 2 * SPIN_PORT_NS, deadline, &lasted);
		return rc > 0 ? 0 : rc;
	}
	if (bus->mode == BELL_ADAPTIVE)
		return idle_adaptive(bus, out, len, deadline);
	return sleep_once(bus, out, len, deadline);
}

void bus_pend(struct bell_bus *bus)
{
	if (bus->pending)
		return;
	bus->pending = true;
	if (!bus->dispatching)
		(void)bus_remind(bus);
}
