/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox-calls.c - the system calls of a server that is running
 *
 * And of one that starts: a live upgrade executes the new program within the old
 * one's filter, and first a copy of it that only checks its configuration. A
 * version that needs more calls than its predecessor has to be started anew.
 *
 * What is not here is refused: tracing and reading other processes, mounts and
 * namespaces, modules, BPF, io_uring, keys, other users, sockets of any network.
 */
#define _GNU_SOURCE /* CLONE_NEW... */

#include "sandbox-lock.h"
#include "sanitized.h"

#include "error.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>

/* Names, since not every machine and every libseccomp has all of them. */
static const char *const allowed[] = {
	/* the loop */
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old",
	"epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2",
	"pipe", "pipe2", "poll", "ppoll", "ppoll_time64", "pselect6",
	"pselect6_time64", "select", "_newselect", "signalfd", "signalfd4",
	"timerfd_create", "timerfd_gettime", "timerfd_gettime64",
	"timerfd_settime", "timerfd_settime64",
	/* descriptors */
	"close", "close_range", "dup", "dup2", "dup3", "fcntl", "fcntl64",
	"lseek", "_llseek", "pread64", "preadv", "preadv2", "pwrite64",
	"pwritev", "pwritev2", "read", "readv", "write", "writev",
	/* sockets; socket() itself is below */
	"accept", "accept4", "bind", "connect", "getpeername", "getsockname",
	"getsockopt", "listen", "recv", "recvfrom", "recvmmsg",
	"recvmmsg_time64", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto",
	"setsockopt", "shutdown", "socketpair",
	/* memory */
	"brk", "fallocate", "ftruncate", "ftruncate64", "madvise", "membarrier",
	"memfd_create", "mmap", "mmap2", "mprotect", "mremap", "mseal", "msync",
	"munmap",
	/* files: its socket, its configuration, the databases of users */
	"access", "chdir", "chmod", "chown", "chown32", "faccessat",
	"faccessat2", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown",
	"fchown32", "fchownat", "fdatasync", "flock", "fstat", "fstat64",
	"fstatat64", "fstatfs", "fstatfs64", "fsync", "getcwd", "getdents",
	"getdents64", "lchown", "lchown32", "lstat", "lstat64", "newfstatat",
	"open", "openat", "openat2", "readlink", "readlinkat", "rename",
	"renameat", "renameat2", "stat", "stat64", "statfs", "statfs64", "statx",
	"umask", "unlink", "unlinkat",
	/* time */
	"clock_getres", "clock_getres_time64", "clock_gettime",
	"clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64",
	"getitimer", "gettimeofday", "nanosleep", "setitimer", "time", "times",
	/* signals */
	"restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
	"rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "sigaction", "sigaltstack", "signal",
	"sigprocmask", "sigreturn", "sigsuspend",
	/* processes: a copy of the new program, and becoming it; clone() is below */
	"execve", "execveat", "exit", "exit_group", "fork", "kill", "pidfd_open",
	"pidfd_send_signal", "tgkill", "tkill", "vfork", "wait4", "waitid",
	"waitpid",
	/* itself */
	"getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32",
	"getgroups", "getgroups32", "getpgid", "getpgrp", "getpid", "getppid",
	"getresgid", "getresgid32", "getresuid", "getresuid32", "getrlimit",
	"getrusage", "getsid", "gettid", "getuid", "getuid32", "prlimit64",
	"setpgid", "setrlimit", "setsid", "ugetrlimit",
	/* what a program's start and its C library ask for */
	"arch_prctl", "cacheflush", "futex", "futex_time64", "futex_waitv",
	"get_robust_list", "get_thread_area", "get_tls", "getcpu", "getrandom",
	"map_shadow_stack", "riscv_flush_icache", "riscv_hwprobe", "rseq",
	"sched_getaffinity", "sched_getparam", "sched_getscheduler",
	"sched_yield", "set_robust_list", "set_thread_area", "set_tid_address",
	"set_tls", "sysinfo", "uname",
	/* a sandbox in the sandbox; prctl() is below */
	"capget", "capset", "seccomp",
#if SANITIZED
	/* a leak checker stops its own threads at the end; TSan's start */
	"ptrace", "personality",
#endif
};

/* Not those that put letters into a terminal, or set up devices. */
static const unsigned long requests[] = {
	SIOCOUTQ, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS, TIOCGWINSZ,
	0x89E0, /* SIOCUNIXFILE of linux/un.h */
};

#define NAMESPACES                                                             \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |         \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* ---- knowing it again ----------------------------------------------------------
 *
 * Filters stack, and the kernel allows for some thousand instructions of them: a
 * server that is upgraded for years must not add the same one each time. So ours
 * answers a question that no kernel knows, about this very list.
 */

#define QUESTION 0x42656c6cu /* an option that prctl(2) does not have */
#define ANSWER EALREADY

/* FNV-1a; not secret, only unlikely to be the same for two versions. */
static uint32_t list_id(void)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		for (const char *c = allowed[i]; *c; c++)
			h = (h ^ (unsigned char)*c) * 16777619u;
	return h;
}

bool sandbox_calls_filtered(void)
{
	return prctl((int)QUESTION, (unsigned long)list_id(), 0L, 0L, 0L) < 0 &&
	       errno == ANSWER;
}

/* ---- building it ------------------------------------------------------------------ */

/* Of an argument that is an int, the kernel ignores the upper half. */
#define IS(arg, value)                                                         \
	SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, UINT32_MAX, (value))

static int add_names(scmp_filter_ctx f)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		int number = seccomp_syscall_resolve_name(allowed[i]);

		if (number != __NR_SCMP_ERROR && rc == 0)
			rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, number, 0);
	}
	return rc;
}

static int add_requests(scmp_filter_ctx f)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (rc == 0)
			rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
					      IS(1, requests[i]));
	return rc;
}

/* clone3() has its flags in memory; the C library does without, if told so. */
static int add_clone(scmp_filter_ctx f)
{
#ifdef __s390__
	const unsigned flags = 1;
#else
	const unsigned flags = 0;
#endif
	int rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				  SCMP_CMP(flags, SCMP_CMP_MASKED_EQ, NAMESPACES,
					   0));

	if (rc == 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS),
				      SCMP_SYS(clone3), 0);
	return rc;
}

static int add_prctl(scmp_filter_ctx f)
{
	int rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
				  SCMP_CMP(0, SCMP_CMP_NE, QUESTION, 0));

	if (rc == 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ANSWER),
				      SCMP_SYS(prctl), 2, IS(0, QUESTION),
				      IS(1, list_id()));
	return rc;
}

static int build(scmp_filter_ctx f)
{
	/* Calls of another machine's kind, as 32-bit ones: refused, not killed. */
	int rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH,
				  SCMP_ACT_ERRNO(EPERM));

	if (rc == 0) /* for all threads, if a library has some */
		rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = add_names(f);
	if (rc == 0)
		rc = add_requests(f);
	if (rc == 0)
		rc = add_clone(f);
	if (rc == 0)
		rc = add_prctl(f);
	/* To log, to look users up, to tell the service manager. */
	if (rc == 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				      IS(0, AF_UNIX));
	return rc == 0 ? seccomp_load(f) : rc;
}

int sandbox_filter_calls(void)
{
	scmp_filter_ctx f;
	int rc;

	if (sandbox_calls_filtered())
		return 0;
	f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!f)
		return error_detail(BELL_ENOMEM, "sandbox: filter: out of memory");
	rc = build(f);
	seccomp_release(f);
	if (rc == 0)
		return 0;
	return error_detail(rc == -ENOMEM ? BELL_ENOMEM : BELL_EPERM,
			    "sandbox: filter of system calls: %s; a kernel without "
			    "seccomp needs the sandbox switched off", strerror(-rc));
}
