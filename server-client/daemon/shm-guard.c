/* SPDX-License-Identifier: BSD-2-Clause */
#include "shm-guard.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

static struct {
	void *memory; /* NULL: none */
	size_t size;
	volatile sig_atomic_t hit;
} guarded;

/* Returning runs the instruction that failed again: with zeroes, or to its end. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;
	uintptr_t start = (uintptr_t)guarded.memory;
	int err = errno;

	(void)context;
	if (guarded.memory && at - start < guarded.size &&
	    mmap(guarded.memory, guarded.size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		 0) != MAP_FAILED)
		guarded.hit = 1;
	else
		signal(number, SIG_DFL);
	errno = err;
}

int shm_guard(void *memory, size_t size)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO };

	guarded.memory = memory;
	guarded.size = size;
	guarded.hit = 0;
	action.sa_sigaction = on_bus_error;
	if (sigaction(SIGBUS, &action, NULL) < 0)
		return error_detail(from_errno(errno), "memory: SIGBUS: %s",
				    strerror(errno));
	return 0;
}

void shm_unguard(void)
{
	guarded.memory = NULL;
}

bool shm_guard_hit(void)
{
	return guarded.hit != 0;
}
