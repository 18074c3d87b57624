/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slot.pml - a slot has one owner, and comes back whoever dies
 *
 * SLOTS slots. A process joins under one id, after it its next incarnation (with
 * TOGETHER: at once with it, as two programs on one device would), and a third
 * process under another id. Each may sleep, leave, or die at any step, also while
 * it joins; a steward marks the slots of an id when nobody of that id runs any
 * more (with EVICT: also of one who still runs). Inside a machine nobody tells of
 * a process that died: its slot waits for the next of its id.
 *
 * Steps are atomic accesses in one order: words of slots change by
 * compare-and-swap, which no store overtakes.
 */
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif

#define FREE 0
#define JOINING 1
#define LIVE 2
#define DEAD 3
#define WORD(state, id, inc) ((state) | (id) << 2 | (inc) << 3)
#define slot_state(w) ((w) & 3)
#define slot_id(w) ((w) >> 2 & 1)
#define slot_inc(w) ((w) >> 3)
#define with_state(w, state) (((w) & ~3) | (state))

/* Processes and the ids they join under. */
#define J1 0
#define J2 1
#define OTHER 2
#define PROCESSES 3
#define id_of(p) ((p) == OTHER)
#define NOWHERE SLOTS

#define DIRECTORY 1
#define ASLEEP 2

byte slot[SLOTS];
byte wake[SLOTS];
byte field[SLOTS]; /* name and all else that the owner writes */
/* Doorbells go to an id; all processes of a machine may share it. */
bit doorbell[PROCESSES];

/* Ghosts. */
bit dead[PROCESSES];
bit over[PROCESSES];
byte at[PROCESSES]; /* the slot that the process took */
byte mine[PROCESSES]; /* and the word it stored there */
bit asleep[PROCESSES];
bit marked[2];
hidden byte two_owners, incarnation_stands, slot_leaked, wake_up_lost, two_slots_of_one_id,
	foreign_fields;

#define ring(id) \
	if \
	:: (id) == 0 -> doorbell[J1] = 1; doorbell[J2] = 1 \
	:: else -> doorbell[OTHER] = 1 \
	fi

/* steward_tell_all(), a step for each slot: the bit, then the doorbell. */
inline tell_all(self)
{
	i = 0;
	do
	:: i < SLOTS && slot_state(slot[i]) == LIVE && slot_id(slot[i]) != self ->
		atomic {
			/* The word as it is now: who took the slot meanwhile is told too. */
			to = slot_id(slot[i]);
			rings = (wake[i] & ASLEEP) != 0;
			wake[i] = wake[i] | DIRECTORY
		};
		if
		:: d_step { rings -> rings = 0; ring(to) }
		:: !rings
		fi;
		i++
	:: i < SLOTS && !(slot_state(slot[i]) == LIVE && slot_id(slot[i]) != self) -> i++
	:: i == SLOTS -> i = 0; to = 0; break
	od
}

/* may_take() */
#define may_take(w) \
	((pass == 0 && slot_state(w) != FREE && slot_id(w) == id_of(me)) || \
	 (pass == 1 && slot_state(w) == FREE) || (pass == 2 && slot_state(w) == DEAD))

#ifdef PLAIN_CAS
#define MAYBE_LATER }; atomic {
#else
#define MAYBE_LATER
#endif

#define same_hold(p, q) \
	(!over[p] && !over[q] && at[p] != NOWHERE && at[p] == at[q] && \
	 slot_inc(mine[p]) == slot_inc(mine[q]))
#define owner(p) \
	(!over[p] && at[p] != NOWHERE && slot[at[p]] == mine[p])

proctype peer(byte me)
{
	byte pass = 0, i = 0, seen = 0, to = 0;
	bit rings = 0;

	{
#ifdef TOGETHER
		skip;
#else
		me != J2 || over[J1];
#endif
		/* claim_slot() */
next:		atomic {
			if
			:: i == SLOTS && pass == 2 -> goto left
			:: i == SLOTS && pass < 2 -> pass++; i = 0
			:: else
			fi;
			seen = slot[i];
			if
			:: may_take(seen)
			:: else -> i++; goto next
			fi
		};
		atomic {
			if
			:: slot[i] == seen
			:: else -> i++; goto next
			fi;
			MAYBE_LATER
			assert(slot_inc(slot[i]) <= slot_inc(seen) || incarnation_stands);
#ifdef SAME_INCARNATION
			slot[i] = WORD(JOINING, id_of(me), slot_inc(seen));
#else
			slot[i] = WORD(JOINING, id_of(me), slot_inc(seen) + 1);
#endif
			at[me] = i;
			mine[me] = slot[i];
			seen = 0; pass = 0; i = 0;
			assert((!same_hold(J1, J2) && !same_hold(J1, OTHER) &&
				!same_hold(J2, OTHER)) || two_owners)
		};
		/* directory_enter() */
		field[at[me]] = me;
#ifdef CLEAR_AT_JOIN
		wake[at[me]] = 0;
#endif
		atomic {
			if
			:: slot[at[me]] == mine[me]
			:: else -> goto left /* -BELL_EBUSY */
			fi;
			MAYBE_LATER
			slot[at[me]] = with_state(mine[me], LIVE);
			mine[me] = slot[at[me]]
		};
		tell_all(id_of(me));

awake:		atomic {
			if
			:: slot[at[me]] != mine[me] -> goto left /* -BELL_ERESET */
			:: slot[at[me]] == mine[me] && wake[at[me]] != 0 -> goto news
			:: slot[at[me]] == mine[me] && wake[at[me]] == 0
			:: goto leave
			fi
		};
		/* announce() */
		atomic {
			if
			:: wake[at[me]] != 0 -> wake[at[me]] = wake[at[me]] | ASLEEP; goto news
			:: else -> wake[at[me]] = ASLEEP; asleep[me] = 1
			fi
		};
		atomic { doorbell[me] -> doorbell[me] = 0; asleep[me] = 0 };
		goto awake;

news:		/* bus_take_news(), give_back() */
		atomic { seen = wake[at[me]]; wake[at[me]] = 0 };
		atomic {
			if
			:: slot[at[me]] == mine[me] -> seen = 0; goto awake
			:: else
			fi
		};
		atomic {
			wake[at[me]] = wake[at[me]] | seen;
			seen = slot_id(slot[at[me]])
		};
		d_step { ring(seen); seen = 0 };
		goto left;

leave:		/* directory_exit() */
		atomic {
			if
			:: slot[at[me]] == mine[me] ->
				slot[at[me]] = with_state(mine[me], FREE)
			:: else
			fi;
			at[me] = NOWHERE;
			mine[me] = 0
		};
		tell_all(id_of(me));
left:		atomic { over[me] = 1; at[me] = NOWHERE; mine[me] = 0; pass = 0; i = 0; seen = 0 }
	} unless {
		d_step { dead[me] -> over[me] = 1; at[me] = NOWHERE; mine[me] = 0; pass = 0; i = 0;
			 seen = 0; to = 0; rings = 0; asleep[me] = 0 }
	}
}

proctype fate()
{
	byte deaths = 0;
	bit evicted = 0;

end:	do
#ifdef EVICT
	/* As of a client that was too slow, or a machine that was paused. */
	:: d_step { !evicted && !over[J1] && at[J1] != NOWHERE && slot[at[J1]] == mine[J1] ->
			evicted = 1;
			slot[at[J1]] = with_state(mine[J1], DEAD) }
#endif
	:: d_step { deaths < DEATHS && !over[J1] && !dead[J1] -> dead[J1] = 1; deaths++ }
	:: d_step { deaths < DEATHS && !over[J2] && !dead[J2] -> dead[J2] = 1; deaths++ }
	:: d_step { deaths < DEATHS && !over[OTHER] && !dead[OTHER] -> dead[OTHER] = 1; deaths++ }
	od
}

/* steward_mark_dead(), when the machine of that id is gone. */
proctype steward(byte id)
{
	byte i = 0, to = 0, seen = 0;
	bit rings = 0;

end:	(id == 0 && over[J1] && over[J2] && (dead[J1] || dead[J2])) ||
		(id == 1 && over[OTHER] && dead[OTHER]);
	do
	:: i < SLOTS ->
		seen = slot[i];
		atomic {
			if
			:: slot[i] == seen && slot_id(seen) == id && slot_inc(seen) != 0 &&
			   (slot_state(seen) == LIVE || slot_state(seen) == JOINING)
			:: else -> goto one
			fi;
			MAYBE_LATER
			slot[i] = with_state(seen, DEAD)
		};
one:		atomic { i++; seen = 0 }
	:: i == SLOTS -> break
	od;
	tell_all(id);
	marked[id] = 1
}

/* When nothing can happen any more. */
#define busy(s) (slot_state(slot[s]) == LIVE || slot_state(slot[s]) == JOINING)
#define nobody_of(id) ((id) == 0 -> over[J1] && over[J2] : over[OTHER])
/* A slot whose id runs on is taken by its next incarnation. */
#define leaked(s) (busy(s) && nobody_of(slot_id(slot[s])))
#define sleeps_on(p) \
	(owner(p) && asleep[p] && (wake[at[p]] & ~ASLEEP) != 0 && !doorbell[p])
#define deaf(p) (owner(p) && asleep[p] && !(wake[at[p]] & ASLEEP))
#define written_by_another(p) (owner(p) && field[at[p]] != p)

init {
	atomic {
		at[J1] = NOWHERE;
		at[J2] = NOWHERE;
		at[OTHER] = NOWHERE;
		run peer(J1);
		run peer(J2);
		run peer(OTHER);
#ifndef NO_STEWARD
		run steward(0);
		run steward(1);
#endif
		run fate()
	};
	timeout;
#ifndef FIELDS_ANYHOW
	assert((!written_by_another(J1) && !written_by_another(J2) &&
		!written_by_another(OTHER)) || foreign_fields);
#endif
#ifndef SLOTS_ANYHOW
	assert(!(owner(J1) && owner(J2)) || two_slots_of_one_id);
#endif
	assert(!leaked(0) || slot_leaked);
#if SLOTS > 1
	assert(!leaked(1) || slot_leaked);
#endif
	assert((!sleeps_on(J1) && !sleeps_on(J2) && !sleeps_on(OTHER)) || wake_up_lost);
	assert((!deaf(J1) && !deaf(J2) && !deaf(OTHER)) || wake_up_lost)
}
