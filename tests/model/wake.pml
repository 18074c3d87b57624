/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wake.pml - no wake-up is lost: rings, event indices, wake words, doorbells
 *
 * SENDERS senders and a receiver, each with a store buffer; each sender has a
 * ring of CELLS records and sends RECORDS. MORTAL may die, at any step. Every
 * run has to end (checked by `pan -l`), and at its end nobody sleeps who has
 * something to do. doc/model.md tells which C function each inline is.
 *
 * With FOR_GOOD the receiver may begin to poll for good: it tells its senders, and sleeps
 * no more. Polling is a wait for what it would see.
 *
 * WEAK lets stores leave the buffer in any order that a release store allows.
 * NO_* and the like break the protocol at one place; check-model.py lists them.
 */
#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef RECORDS
#define RECORDS 2
#endif
#ifndef CELLS
#define CELLS 3
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
/* Who may die: bit for each actor. */
#ifndef MORTAL
#define MORTAL 3
#endif
#ifndef DEPTH
#define DEPTH 4 /* of a store buffer; one that is full stalls its owner */
#endif

#define RECEIVER SENDERS
#define ACTORS (SENDERS + 1)

/* The wake word: a bit for each link, and two more. */
#define BIT(l) (1 << (l))
#define DIRECTORY 64
#define ASLEEP 128

/* Places in memory: one array, so that a store buffer can name them. */
#define PER_LINK (2 * CELLS + 3)
#define HEADER(l, p) ((l) * PER_LINK + (p) % CELLS)
#define PAYLOAD(l, p) ((l) * PER_LINK + CELLS + (p) % CELLS)
#define DATA_EVENT(l) ((l) * PER_LINK + 2 * CELLS)
#define CONSUMED(l) ((l) * PER_LINK + 2 * CELLS + 1)
#define SPACE_EVENT(l) ((l) * PER_LINK + 2 * CELLS + 2)
#define NO_EVENT 255

byte mem[SENDERS * PER_LINK];
byte wake[ACTORS];  /* written by read-modify-writes only */
bit live[ACTORS];   /* the slot's word says LIVE */
bit doorbell[ACTORS]; /* rung since the last wait: an eventfd, edge-triggered */

/* Ghosts: what no actor looks at, for the checks. */
hidden byte data_lost, space_lost, link_leaked, bad_record; /* names for spin's message */
bit dead[ACTORS];
bit finished[SENDERS]; /* has sent all, or knows that nobody receives */
byte taken[SENDERS];   /* the receiver's position */
bit freed[SENDERS];    /* the receiver gave the link back */

/* ---- memory: stores wait in a buffer, loads do not wait for them ---- */

typedef store_buffer {
	byte n;
	byte place[DEPTH];
	byte value[DEPTH];
	bit release[DEPTH];
}
store_buffer buffer[ACTORS];

/*
 * Nobody loads a place that it stores to itself, other than by
 * read-modify-writes, so that loads need not look into the own buffer.
 */
#define B buffer[self]
inline store(where, what, how)
{
	atomic {
		B.n < DEPTH;
		B.place[B.n] = where;
		B.value[B.n] = what;
		B.release[B.n] = how;
		B.n++
	}
}
#define RELAXED 0
#define RELEASE 1

#define drained (B.n == 0)
/* A full fence, and the first half of each read-modify-write. */
inline fence()
{
	drained
}

#define MOVE(from, to) \
	B.place[to] = B.place[from]; B.value[to] = B.value[from]; \
	B.release[to] = B.release[from]
inline leave(i)
{
	mem[B.place[i]] = B.value[i];
	if
	:: i < 1 && B.n > 1 -> MOVE(1, 0)
	:: else
	fi;
	if
	:: i < 2 && B.n > 2 -> MOVE(2, 1)
	:: else
	fi;
	if
	:: i < 3 && B.n > 3 -> MOVE(3, 2)
	:: else
	fi;
	B.n--;
	B.place[B.n] = 0;
	B.value[B.n] = 0;
	B.release[B.n] = 0
}

#define other(i, j) (B.place[i] != B.place[j])
proctype memory(byte self)
{
end:	do
	:: d_step { B.n > 0 -> leave(0) }
#ifdef WEAK
	/* Overtakes older stores, but not of the same place, nor a release. */
	:: d_step { B.n > 1 && !B.release[1] && other(1, 0) -> leave(1) }
	:: d_step { B.n > 2 && !B.release[2] && other(2, 0) && other(2, 1) -> leave(2) }
	:: d_step { B.n > 3 && !B.release[3] && other(3, 0) && other(3, 1) &&
		    other(3, 2) -> leave(3) }
#endif
	/* A dead machine's last stores may be lost. */
	:: d_step { dead[self] && B.n > 0 ->
			do
			:: B.n > 0 ->
				B.n--;
				B.place[B.n] = 0;
				B.value[B.n] = 0;
				B.release[B.n] = 0
			:: else -> break
			od;
			skip }
	od
}

/* ---- doorbells and wake words ---- */

/* bus_wake(): whoever finds ASLEEP rings. */
inline bus_wake(who, bits)
{
	atomic {
		drained;
		asleep = (wake[who] & ASLEEP) != 0;
#ifdef SENDER_CLEARS
		wake[who] = (wake[who] | bits) & ~ASLEEP
#else
		wake[who] = wake[who] | bits
#endif
	};
	if
	:: d_step { asleep -> doorbell[who] = 1; asleep = 0 }
	:: !asleep
	fi
}

/* announce(): goes to collect if something came before we were asleep. */
inline announce()
{
	atomic {
		if
		:: announced && wake[self] != ASLEEP -> goto collect
		:: announced && wake[self] == ASLEEP -> goto sleep
		:: !announced && drained -> announced = 1
		fi;
		news = wake[self]
#ifdef PLAIN_ASLEEP
	};
	atomic {
#else
		;
#endif
		wake[self] = news | ASLEEP;
#ifdef NO_OLD_VALUE
		news = 0;
#endif
		if
		:: (news & ~ASLEEP) != 0 -> news = 0; goto collect
		:: else -> news = 0; goto sleep
		fi
	}
}

/* peer_wait(): takes the doorbell first; what there is to see is looked at after. */
inline peer_wait()
{
	d_step { doorbell[self] -> doorbell[self] = 0 }
}

/* bus_take_news(), up to what the bits mean. */
inline take_wake_word()
{
	atomic {
		drained;
		news = wake[self];
#ifdef PLAIN_EXCHANGE
	};
	atomic {
#endif
		wake[self] = 0;
		announced = 0
	}
}
#define has_news (wake[self] != (announced -> ASLEEP : 0))

/* ---- the sender ---- */

#define FREE (CELLS - (pos - consumed))
#define ROOM 2 /* a record and the header behind it */
#if CELLS / 2 > ROOM
#define WANT (CELLS / 2)
#else
#define WANT ROOM
#endif

/* ring_write(); ring_write_straight() stores the same in the same order */
inline ring_write()
{
#ifdef WEAK
	store(PAYLOAD(self, pos), pos + 1, RELAXED);
#endif
#if !defined(NO_ZERO) && RECORDS >= CELLS
	store(HEADER(self, pos + 1), 0, RELAXED);
#endif
#ifdef NO_RELEASE
	store(HEADER(self, pos), 1, RELAXED);
#else
	store(HEADER(self, pos), 1, RELEASE);
#endif
	pos++
}

/* ring_data_wanted(), and bus_wake() if so. */
inline tell_data()
{
#ifdef FOR_GOOD
	atomic {
		if
		:: mem[DATA_EVENT(self)] == NO_EVENT -> goto send
		:: else
		fi
	};
#endif
	atomic {
#ifndef NO_F1
		drained;
#endif
		if
		:: mem[DATA_EVENT(self)] == pos - 1
		:: else -> goto send
		fi
	};
	bus_wake(RECEIVER, BIT(self))
}

proctype sender(byte self)
{
	byte pos = 0, consumed = 0, news = 0;
	bit announced = 0, asleep = 0;

	{
		skip;
send:		atomic {
			/* bus_send(), bus_try() */
			if
			:: pos == RECORDS || !live[RECEIVER] -> goto leaving
			:: else
			fi
		};
		atomic {
			if
			:: FREE >= ROOM
			:: else -> consumed = mem[CONSUMED(self)]
			fi;
			if
			:: FREE >= ROOM
			:: else -> goto idle
			fi
		};
		atomic { ring_write() };
		tell_data();
		goto send;

idle:		/* bus_idle(), sleep_once() */
#if RECORDS < CELLS
		assert(false)
#else
		atomic {
			if
			:: has_news -> goto collect
			:: else
			fi
		};
		/* ring_want_space() */
		atomic {
			if
			:: pos - consumed > CELLS - WANT ->
				store(SPACE_EVENT(self), pos - (CELLS - WANT) - 1, RELAXED)
			:: else
			fi
		};
#ifndef NO_F3
		fence();
#endif
#ifndef NO_SPACE_LOOK
		atomic {
			consumed = mem[CONSUMED(self)];
			if
			:: FREE >= ROOM -> goto send
			:: else
			fi
		};
#endif
		/* bus_out_is_whole() */
		atomic {
			if
			:: !live[RECEIVER] -> goto send
			:: else
			fi
		};
		announce();
sleep:		peer_wait();
		atomic {
			if
			:: has_news
			:: else -> goto send
			fi
		};
collect:	/* review_outs() looks at the slot's word, as `send` does. */
		take_wake_word();
		news = 0;
		goto send;
#endif

leaving:	atomic {
			finished[self] = 1;
			pos = 0;
			consumed = 0;
#ifdef LEAVE
			if
			:: goto done /* stays, and sends no more */
			:: skip
			fi
		};
		/* directory_exit(), steward_tell_all() */
		atomic { drained; live[self] = 0 };
		atomic {
			if
			:: live[RECEIVER]
			:: else -> goto done
			fi
		};
		bus_wake(RECEIVER, DIRECTORY);
#else
		};
#endif
done:		false
	} unless {
		d_step { dead[self] -> pos = 0; consumed = 0; news = 0; announced = 0;
			 asleep = 0 }
	}
}

/* ---- the receiver ---- */

/* ring_space_wanted(), and bus_wake() if so. */
inline tell_space()
{
#if RECORDS >= CELLS
	if
	:: told[link] != taken[link] ->
		atomic {
#ifndef NO_F4
			drained;
#endif
			wanted = !gone[link] &&
				 told[link] <= mem[SPACE_EVENT(link)] &&
				 mem[SPACE_EVENT(link)] < taken[link];
			told[link] = taken[link]
		};
		if
		:: wanted -> wanted = 0; bus_wake(link, BIT(link))
		:: !wanted
		fi
	:: else
	fi
#else
	skip
#endif
}

#ifdef FOR_GOOD
/* ring_poll_for_good(), by attach(), or by link_poll_only() for a link that it has. */
inline poll_for_good(l)
{
	store(DATA_EVENT(l), NO_EVENT, RELAXED);
#ifndef NO_HOT
	hot[l] = 1
#endif
}
/* bell_set_wait() */
inline begin_for_good()
{
	for_good = 1;
	link = 0;
	do
	:: link < SENDERS ->
		if
		:: attached[link] && !freed[link] -> poll_for_good(link)
		:: else
		fi;
		link++
	:: else -> break
	od
}
#define sees(l) (hot[l] && (mem[HEADER(l, taken[l])] != 0 || (gone[l] && !freed[l])))
#if SENDERS > 1
#define sees_any (sees(0) || sees(1))
#else
#define sees_any sees(0)
#endif
#endif

/* bus_take_news(): what the bits mean; link_review() for DIRECTORY. */
inline look_at_news()
{
	do
	:: atomic {
		link < SENDERS && (news & (DIRECTORY | BIT(link))) ->
		if
		:: (news & DIRECTORY) && !freed[link] ->
			gone[link] = gone[link] || !live[link];
#ifndef NO_REVIEW
			hot[link] = hot[link] || gone[link] ||
				    mem[HEADER(link, taken[link])] != 0
#endif
		:: else
		fi;
		if
		:: (news & BIT(link)) && !freed[link] -> hot[link] = 1
		:: else
		fi;
#ifdef FOR_GOOD
		if
		:: !freed[link] -> attached[link] = 1
		:: else
		fi;
		if
		:: !freed[link] && for_good -> poll_for_good(link)
		:: else
		fi;
#endif
		link++
	   }
	:: atomic {
		link < SENDERS && !(news & (DIRECTORY | BIT(link))) -> link++
	   }
	:: atomic { link == SENDERS -> link = 0; news = 0; break }
	od
}

inline next_hot()
{
	do
	:: link < SENDERS && !hot[link] -> link++
	:: else -> break
	od
}

proctype receiver(byte self)
{
	byte link = 0, news = 0;
	byte told[SENDERS];
	bit hot[SENDERS], gone[SENDERS];
	bit announced = 0, asleep = 0, wanted = 0;
#ifdef FOR_GOOD
	bit attached[SENDERS], for_good = 0;
#endif

	{
		skip;
next:		/* bus_next() */
		atomic {
			link = 0;
			if
			:: has_news -> goto collect
			:: else -> next_hot()
			fi
		};
		do
		:: link == SENDERS -> break
		:: link < SENDERS ->
			/* ring_peek(), ring_read() */
			atomic {
				if
				:: mem[HEADER(link, taken[link])] != 0 -> goto take
				:: else
				fi
			};
			/* empty() */
			tell_space();
			atomic {
				if
				:: gone[link] ->
					if
					:: mem[HEADER(link, taken[link])] != 0 -> goto next
					:: else ->
						freed[link] = 1;
						hot[link] = 0;
						told[link] = 0
					fi
				:: else
				fi;
				link++;
				next_hot()
			}
		od;
		goto idle;

take:		/* ring_release(), as ring_take_straight(); ring_space_due() may be true or not */
		atomic {
#ifdef WEAK
			assert(mem[PAYLOAD(link, taken[link])] == taken[link] + 1 || bad_record);
#endif
#if RECORDS >= CELLS
			store(CONSUMED(link), taken[link] + 1, RELEASE);
#endif
			assert(taken[link] < RECORDS || bad_record);
			taken[link]++;
#if RECORDS >= CELLS
			if
			:: skip
			:: goto next
			fi
#endif
		};
		tell_space();
		goto next;

idle:		/* bus_idle(), sleep_once() */
		atomic {
			if
			:: has_news -> goto collect
			:: else -> link = 0; next_hot()
			fi
		};
#if RECORDS >= CELLS
		/* flush_space() */
		do
		:: link == SENDERS -> break
		:: link < SENDERS ->
			tell_space();
			atomic { link++; next_hot() }
		od;
#endif
#ifdef FOR_GOOD
		/* At some time, here or armed; then spin(). */
		if
		:: !for_good -> begin_for_good()
		:: !for_good
#ifdef WAY_BACK
		:: for_good -> for_good = 0
#endif
		:: for_good
		fi;
		if
		:: for_good -> (has_news || sees_any); goto next
		:: else
		fi;
#endif
		/* arm_links(), ring_arm() */
		atomic { link = 0; next_hot() };
		do
		:: link == SENDERS -> break
		:: link < SENDERS ->
			store(DATA_EVENT(link), taken[link], RELAXED);
			atomic {
#ifndef NO_F2
				drained;
#endif
#ifndef NO_DATA_LOOK
				if
				:: mem[HEADER(link, taken[link])] != 0 -> goto next
				:: else
				fi;
#endif
				if
				:: !gone[link] -> hot[link] = 0
				:: else
				fi;
				link++;
				next_hot()
			}
		od;
		link = 0;
		announce();
sleep:
#ifdef FOR_GOOD
		if
		:: !for_good -> begin_for_good(); goto next
		:: !for_good
		fi;
#endif
		peer_wait();
		goto next;

collect:	link = 0;
		take_wake_word();
		look_at_news();
		goto next
	} unless {
		d_step { dead[self] -> link = 0; news = 0; announced = 0; asleep = 0;
			 wanted = 0 }
	}
}

/* ---- deaths, and the steward ---- */

#define mortal(i) (((MORTAL) >> (i)) & 1)
proctype fate()
{
	byte deaths = 0;

end:	do
	:: d_step { deaths < DEATHS && mortal(0) && !dead[0] -> dead[0] = 1; deaths++ }
	:: d_step { deaths < DEATHS && mortal(1) && !dead[1] -> dead[1] = 1; deaths++ }
#if ACTORS > 2
	:: d_step { deaths < DEATHS && mortal(2) && !dead[2] -> dead[2] = 1; deaths++ }
#endif
	od
}

/*
 * steward_mark_dead(): knows of a death when all stores of the dead are done or
 * lost. With RESTART the first steward may die while it tells; then another one
 * does all again.
 */
proctype steward(byte who)
{
	byte to = 0;
	bit asleep = 0, restarted = 0;
	byte self = who; /* whose buffer is empty by then */

end:	atomic { dead[who] && B.n == 0 -> live[who] = 0; to = 0 };
tell:	atomic {
		do
		:: to < ACTORS && !live[to] -> to++
		:: else -> break
		od;
		if
		:: to == ACTORS -> to = 0; goto told_all
		:: else
		fi
	};
#ifndef NO_TELL
	bus_wake(to, DIRECTORY);
#endif
	atomic {
		to++;
#ifdef RESTART
		if
		:: !restarted -> restarted = 1; to = 0
		:: skip
		fi;
#endif
		goto tell
	};
told_all: restarted = 0
}

/* When nothing can happen any more. */
#define asleep_with_data(l) \
	(!dead[RECEIVER] && mem[HEADER(l, taken[l])] != 0)
#define leaked(l) (!dead[RECEIVER] && !live[l] && !freed[l])
#define never_sent(l) (!dead[l] && !finished[l])

init {
	byte i = 0;

	atomic {
		do
		:: i == ACTORS -> break
		:: i < ACTORS ->
			live[i] = 1;
			if
			:: i < SENDERS -> mem[SPACE_EVENT(i)] = NO_EVENT; run sender(i)
			:: else
			fi;
			run memory(i);
			if
			:: mortal(i) -> run steward(i)
			:: else
			fi;
			i++
		od;
		i = 0;
		run receiver(RECEIVER);
		run fate()
	};
	timeout;
	do
	:: i == SENDERS -> break
	:: i < SENDERS ->
		assert(!asleep_with_data(i) || data_lost);
		assert(!never_sent(i) || space_lost);
		assert(!leaked(i) || link_leaked);
		i++
	od
}
