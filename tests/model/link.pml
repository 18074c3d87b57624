/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.pml - a link has one owner, and comes back whoever dies
 *
 * One link, the whole pool. Slot A: a sender and its next incarnation; slot B:
 * another sender; slot C: a receiver and its next incarnation. Any of them may
 * leave, or die at any step; a steward marks slots of the dead. A sender may
 * write garbage instead of a record. Steps are atomic accesses in one order: all
 * that hands a link over is a compare-and-swap, which no store overtakes.
 *
 * The wake word is that of wake.pml without ASLEEP: a set bit is seen some time.
 */
#ifndef ENDS
#define ENDS 2 /* who leaves or dies, at most */
#endif
#ifndef SENDS
#define SENDS 2 /* attempts of each sender to send */
#endif
#define RECORDS SENDS
#define GARBAGE 255

/* Processes, their slots and incarnations. */
#define A1 0
#define A2 1
#define B1 2
#define C1 3
#define C2 4
#define PROCESSES 5
#define A 0
#define B 1
#define C 2
#define SLOTS 3

/* The slot's word: a peer's id is its slot's number here. */
#define FREE 0
#define JOINING 1
#define LIVE 2
#define DEAD 3
#define SLOT(state, inc) ((state) | (inc) << 2)
#define slot_state(w) ((w) & 3)
#define slot_inc(w) ((w) >> 2)

/* The link's word; the receiver's slot is always C. */
#define CLAIMED 1
#define OPEN 2
#define BROKEN 3
#define LINK(state, from, from_inc, to_inc) \
	((state) | (from) << 2 | (from_inc) << 4 | (to_inc) << 6)
#define link_state(w) ((w) & 3)
#define link_from(w) ((w) >> 2 & 3)
#define link_from_inc(w) ((w) >> 4 & 3)
#define link_to_inc(w) ((w) >> 6 & 3)
#define with_state(w, state) (((w) & ~3) | (state))

#define NEWS_LINK 1
#define NEWS_DIRECTORY 2

byte slot[SLOTS];
byte wake[SLOTS];
byte link;
byte header[RECORDS + 1];

/* Ghosts: what no process looks at, for the checks. */
hidden byte two_owners, reader_disturbed, foreign_record, link_leaked, held_in_vain;
byte ends;
bit begun[PROCESSES];
bit over[PROCESSES];   /* left, or dead */
bit dead[PROCESSES];
bit told[PROCESSES];   /* a steward did its work */
bit owns[PROCESSES];   /* a sender between its claim and giving it up */
bit attached[PROCESSES]; /* a receiver that holds a place in the ring */

/* Two reads of the same word compare as one: each slot is loaded once. */
#ifdef NO_INCARNATION
#define is_alive(w, inc) \
	(slot_state(w) == LIVE || slot_state(w) == JOINING)
#else
#define is_alive(w, inc) \
	((slot_state(w) == LIVE || slot_state(w) == JOINING) && slot_inc(w) == (inc))
#endif

/* ---- what all do ---- */

/*
 * steward_tell_all(), in one step: a steward that dies on the way is part of
 * wake.pml.
 */
#ifdef NO_TELL
#define tell(i) skip
#else
#define tell(i) \
	wake[i] = (slot_state(slot[i]) == LIVE -> wake[i] | NEWS_DIRECTORY : 0)
#endif
inline tell_all()
{
	d_step { tell(A); tell(B); tell(C) }
}

/* directory_enter(), as slot.pml has it; bell_join() tells all. */
inline join(before)
{
	atomic { over[before] -> begun[me] = 1;
		 slot[at] = SLOT(JOINING, slot_inc(slot[at]) + 1) };
	d_step {
		wake[at] = 0;
		inc = slot_inc(slot[at]);
		slot[at] = SLOT(LIVE, inc)
	};
	tell_all()
}

/* bell_leave(): links are left as they are. */
inline leave()
{
	atomic {
		slot[at] = SLOT(FREE, inc);
		owns[me] = 0;
		attached[me] = 0
	};
	tell_all();
	over[me] = 1
}

/* ---- the sender ---- */

/* link_drop_out() */
inline link_drop_out()
{
	d_step {
		if
		:: link == word -> link = FREE
#ifndef BROKEN_STAYS
		:: link == with_state(word, BROKEN) -> link = FREE
#endif
		:: else
		fi;
		owns[me] = 0;
		word = 0;
		pos = 0;
		to_word = 0
	}
}

#ifdef PLAIN_CAS
/* What a compare-and-swap is not: a look, and later a store. */
#define MAYBE_LATER }; atomic {
#else
#define MAYBE_LATER
#endif

/*
 * claim(), take() and ends_are_gone(): the link's word, then the sender's slot, then
 * the receiver's, each loaded once; then the compare-and-swap. That take() looks
 * twice is another attempt here.
 */
inline claim()
{
	atomic {
		seen = link;
		if
		:: link_state(seen) == FREE -> goto claim_it
		:: else
		fi;
		if
		:: is_alive(slot[link_from(seen)], link_from_inc(seen)) -> goto no_link
#ifdef CLAIMED_STAYS
		:: link_state(seen) == CLAIMED -> goto no_link
#endif
		:: else
		fi;
		if
#ifndef NO_RECEIVER_CHECK
		:: link_state(seen) == OPEN
#endif
		:: else -> goto claim_it
		fi
	};
	atomic {
		if
		:: is_alive(slot[C], link_to_inc(seen)) -> goto no_link
		:: else
		fi
	};
claim_it: atomic {
		if
		:: link == seen
		:: else -> goto no_link
		fi;
		MAYBE_LATER
		link = LINK(CLAIMED, at, inc, slot_inc(to_word));
		assert((!owns[A1] && !owns[A2] && !owns[B1]) || two_owners);
		assert((!attached[C1] && !attached[C2]) || reader_disturbed);
		owns[me] = 1;
		seen = 0
	};
	atomic {
		/* ring_reset() */
		header[0] = 0;
		if
		:: link == LINK(CLAIMED, at, inc, slot_inc(to_word))
		:: else -> assert(two_owners)
		fi;
		MAYBE_LATER
		word = LINK(OPEN, at, inc, slot_inc(to_word));
		link = word
	}
}

/* What a record tells of itself: the sender, and its number in the ring. */
#define RECORD(slot, inc, pos) (1 + (pos) | (slot) << 3 | (inc) << 5)

proctype sender(byte me; byte at; byte before)
{
	byte inc = 1, sends = 0, pos = 0, word = 0, to_word = 0, seen = 0;

	{
		if
		:: before != me -> join(before)
		:: else
		fi;
idle:		atomic {
			if
			:: wake[at] != 0 -> goto news
			:: sends < SENDS -> sends++; goto send
			:: ends < ENDS -> ends++; goto left
			fi
		};

news:		/* bus_take_news(), review_outs() */
		atomic {
			if
			:: (wake[at] & NEWS_DIRECTORY) && word != 0 && slot[C] != to_word ->
				wake[at] = 0
			:: else -> wake[at] = 0; goto idle
			fi
		};
		link_drop_out();
		goto idle;

send:		/* link_to_peer(), try_send() */
		atomic {
			if
			:: word == 0 -> goto open
			:: word != 0 && slot[C] == to_word && link == word -> goto write
			:: else
			fi
		};

		link_drop_out();
		goto idle;

open:		/* new_out(), directory_lookup() */
		atomic {
			if
			:: slot_state(slot[C]) == LIVE -> to_word = slot[C]
			:: else -> goto idle
			fi
		};
		claim();
		goto write;
no_link:	atomic { seen = 0; to_word = 0; goto idle };

write:		/* ring_write(), bus_wake(): as if the receiver always had armed it */
		atomic {
			header[pos + 1] = 0;
			if
			:: header[pos] = RECORD(at, inc, pos)
			:: header[pos] = GARBAGE
			fi;
			pos++
		};
		atomic { wake[C] = (slot_state(slot[C]) == LIVE -> wake[C] | NEWS_LINK : 0); goto idle };

left:		leave();
		false
	} unless {
		d_step { dead[me] -> owns[me] = 0; over[me] = 1; pos = 0; word = 0;
			 to_word = 0; seen = 0; sends = 0 }
	}
}

/* ---- the receiver ---- */

/* link_from_peer(), attach() */
inline link_from_peer()
{
	if
	:: in != 0 && link != in -> in = 0; hot = 0; gone = 0; pos = 0; attached[me] = 0
	:: else
	fi;
	if
	:: in == 0 && link_state(link) == OPEN && link_to_inc(link) == inc ->
		in = link;
		attached[me] = 1
	:: else
	fi
}

/* link_drop_in() */
inline link_drop_in(state)
{
	if
	:: link == in -> link = (state == FREE -> FREE : with_state(in, state))
	:: else
	fi;
	in = 0;
	hot = 0;
	gone = 0;
	pos = 0;
	attached[me] = 0
}

proctype receiver(byte me; byte at; byte before)
{
	byte inc = 1, pos = 0, in = 0, to = 0;
	bit hot = 0, gone = 0;

	{
		if
		:: before != me -> join(before)
		:: else
		fi;
idle:		atomic {
			if
			:: wake[at] != 0 -> goto news
			:: hot -> goto read
			:: ends < ENDS -> ends++; goto left
			fi
		};

news:		/* bus_take_news(); link_review() for DIRECTORY */
		atomic {
			link_from_peer();
			if
			:: in != 0 && (wake[at] & NEWS_DIRECTORY) &&
			   slot[link_from(in)] != SLOT(LIVE, link_from_inc(in)) ->
#ifndef NO_REVIEW
				gone = 1
#endif
			:: else
			fi;
			/* More often than in the C: no event index, no look. */
			hot = (in != 0);
			wake[at] = 0;
			goto idle
		};

read:		/* bus_next(), ring_read(), empty() */
		atomic {
			if
			:: header[pos] == GARBAGE -> goto corrupt
			:: header[pos] != 0 && header[pos] != GARBAGE ->
				assert(header[pos] == RECORD(link_from(in), link_from_inc(in), pos) ||
				       foreign_record);
				pos++;
				goto idle
			:: header[pos] == 0 && !gone -> hot = 0; goto idle
			:: header[pos] == 0 && gone
			fi
		};
		atomic { link_drop_in(FREE); goto idle };

corrupt:	atomic {
			to = link_from(in);
			if
			:: gone -> to = SLOTS
			:: else
			fi;
			link_drop_in(BROKEN)
		};
		atomic {
			if
			:: to < SLOTS && slot_state(slot[to]) == LIVE ->
				wake[to] = wake[to] | NEWS_LINK
			:: else
			fi;
			to = 0;
			goto idle
		};

left:		atomic { in = 0; hot = 0; gone = 0; pos = 0 };
		leave();
		false
	} unless {
		d_step { dead[me] -> attached[me] = 0; over[me] = 1; pos = 0; in = 0;
			 to = 0; hot = 0; gone = 0 }
	}
}

/* ---- deaths, and the steward ---- */

#define may_die(i) (begun[i] && !over[i] && !dead[i])
#define die(i) d_step { ends < ENDS && may_die(i) -> dead[i] = 1; ends++ }
proctype fate()
{
#ifdef EVICT
	bit evicted = 0;
#endif
end:	do
#ifdef EVICT
	/* Marked dead, and runs on. */
	:: d_step { !evicted && may_die(A1) && !begun[A2] && slot_state(slot[A]) == LIVE ->
			evicted = 1;
			slot[A] = SLOT(DEAD, 1);
			tell(A); tell(B); tell(C) }
#endif
	:: die(A1)
	:: die(A2)
	:: die(B1)
	:: die(C1)
	:: die(C2)
	od
}

/*
 * steward_mark_dead(): of who died, and whose next incarnation has not come
 * meanwhile; that one tells all instead.
 */
#define mark_dead(who, at, next) \
	d_step { dead[who] && over[who] && !told[who] && (next == who || !begun[next]) -> \
		told[who] = 1; \
		if \
		:: slot_state(slot[at]) == LIVE || slot_state(slot[at]) == JOINING -> \
			slot[at] = SLOT(DEAD, slot_inc(slot[at])) \
		:: else \
		fi; \
		tell(A); tell(B); tell(C) }
proctype steward()
{
end:	do
	:: mark_dead(A1, A, A2)
	:: mark_dead(A2, A, A2)
	:: mark_dead(B1, B, B1)
	:: mark_dead(C1, C, C2)
	:: mark_dead(C2, C, C2)
	od
}

#ifdef SWEEP
/* sweep_link(), again and again, as claim() without the claiming. */
proctype sweeper()
{
	byte seen = 0;

end:	do
	:: atomic {
		link_state(link) != FREE &&
		!is_alive(slot[link_from(link)], link_from_inc(link)) -> seen = link
	   };
	   atomic {
		if
#ifndef SWEEP_UNREAD
		:: link_state(seen) == OPEN && is_alive(slot[C], link_to_inc(seen)) ->
			seen = 0
#endif
		:: else
		fi
	   };
	   atomic {
		if
		:: seen != 0 && link == seen
#ifdef PLAIN_SWEEP
		:: seen != 0 && link != seen
#endif
			-> link = FREE;
			assert((!owns[A1] && !owns[A2] && !owns[B1]) || two_owners);
			assert((!attached[C1] && !attached[C2]) || reader_disturbed)
		:: else
		fi;
		seen = 0
	   }
	od
}
#endif

/* When nothing can happen any more. */
#ifdef CLAIMED_STAYS
#define stays(w) (link_state(w) == CLAIMED)
#else
#define stays(w) false
#endif
#define gone_for_ever(w) \
	(!stays(w) && !is_alive(slot[link_from(w)], link_from_inc(w)) && \
	 (link_state(w) != OPEN || !is_alive(slot[C], link_to_inc(w))))
#define owned (owns[A1] || owns[A2] || owns[B1])
#define leaked (link_state(link) != FREE && !owned && !gone_for_ever(link))
#define held_for_nothing \
	(owned && link_state(link) == OPEN && !is_alive(slot[C], link_to_inc(link)))

init {
	atomic {
		slot[A] = SLOT(LIVE, 1);
		slot[B] = SLOT(LIVE, 1);
		slot[C] = SLOT(LIVE, 1);
		begun[A1] = 1;
		begun[B1] = 1;
		begun[C1] = 1;
		run sender(A1, A, A1);
		run sender(B1, B, B1);
		run receiver(C1, C, C1);
#ifndef ONE_SENDER_LIFE
		run sender(A2, A, A1);
#endif
#ifndef ONE_RECEIVER_LIFE
		run receiver(C2, C, C1);
#endif
		run steward();
#ifdef SWEEP
		run sweeper();
#endif
		run fate()
	};
	timeout;
	assert(!leaked || link_leaked);
#ifndef EVICT /* nobody tells such a one */
	assert(!held_for_nothing || held_in_vain)
#endif
}
