/* SPDX-License-Identifier: BSD-2-Clause */
/* Each call ends with 0, or -1 and errno. */
#include "config.h" /* _GNU_SOURCE, too: unshare, process_vm_readv */

#include "sandbox-rows.h"

#include "accounts.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

int row_ok(bool condition)
{
	if (!condition && errno == 0)
		errno = EIO;
	return condition ? 0 : -1;
}

/* ---- what a server does --------------------------------------------------------- */

static int finish(pid_t child)
{
	int status;

	return row_ok(child > 0 && waitpid(child, &status, 0) == child &&
		     WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int use_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int loop = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(1, EFD_NONBLOCK);

	return row_ok(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) == 0 &&
		     epoll_wait(loop, &event, 1, 1000) == 1);
}

static int use_timer(void)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1 };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return row_ok(timerfd_settime(fd, 0, &soon, NULL) == 0 &&
		     poll(&p, 1, 1000) == 1);
}

static int use_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return row_ok(sigprocmask(SIG_BLOCK, &set, NULL) == 0 &&
		     signalfd(-1, &set, SFD_CLOEXEC) >= 0 &&
		     raise(SIGUSR1) == 0 && kill(getpid(), 0) == 0);
}

static int use_socketpair(void)
{
	int s[2];
	char c;

	return row_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 &&
		     send(s[0], "x", 1, 0) == 1 && recv(s[1], &c, 1, 0) == 1);
}

static int use_unix_socket(void)
{
	return row_ok(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
}

static int use_memory(void)
{
	int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *at;

	if (fd < 0 || ftruncate(fd, 65536) < 0 || fallocate(fd, 0, 0, 4096) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		return -1;
	at = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return row_ok(at != MAP_FAILED && munmap(at, 65536) == 0);
}

static int use_files(void)
{
	char name[] = "/tmp/bellring-sandbox-XXXXXX";
	int fd = mkstemp(name);
	struct stat st;

	return row_ok(fd >= 0 && lstat(name, &st) == 0 && unlink(name) == 0 &&
		     open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0);
}

static int use_users(void)
{
	uid_t uid = 1;

	return row_ok(accounts_user("root", &uid) == 0 && uid == 0);
}

static int use_fionread(void)
{
	int s[2], n = -1;

	return row_ok(pipe2(s, O_CLOEXEC) == 0 && ioctl(s[0], FIONREAD, &n) == 0 &&
		     n == 0);
}

static int use_fork(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return finish(child);
}

static int use_spawn(void)
{
	char program[] = "/bin/sh", option[] = "-c", text[] = "exec /bin/true";
	char *args[] = { program, option, text, NULL };
	pid_t child = 0;
	int err = posix_spawn(&child, program, NULL, NULL, args, environ);

	errno = err;
	return err ? -1 : finish(child);
}

static int use_abort(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	waitpid(child, &status, 0);
	return row_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* With all that was registered for it; a leak checker stops its threads then. */
static int use_exit(void)
{
	pid_t child = fork();

	if (child == 0)
		exit(0);
	return finish(child);
}

static int use_itself(void)
{
	struct sandbox_wish wish = { .user = NULL };

	return row_ok(sandbox_enter(&wish) == 0);
}

const struct row rows_allowed[] = {
	{ "epoll, eventfd", use_epoll, false },
	{ "timerfd, poll", use_timer, false },
	{ "signals, signalfd", use_signals, false },
	{ "socketpair, send, recv", use_socketpair, false },
	{ "UNIX socket", use_unix_socket, false },
	{ "memfd, seals, mmap", use_memory, false },
	{ "files", use_files, false },
	{ "names of users", use_users, false },
	{ "FIONREAD", use_fionread, false },
	{ "fork and wait", use_fork, false },
	{ "posix_spawn of a shell that executes", use_spawn, false },
	{ "abort", use_abort, false },
	{ "exit", use_exit, false },
	{ "the sandbox again", use_itself, false },
	{ NULL, NULL, false },
};

/* ---- what it does not ----------------------------------------------------------- */

static int do_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? -1 : 0;
}

static int do_read_process(void)
{
	return process_vm_readv(getpid(), NULL, 0, NULL, 0, 0) < 0 ? -1 : 0;
}

static int do_personality(void)
{
	return (int)syscall(SYS_personality, 0xffffffffL) < 0 ? -1 : 0;
}

static int do_mount(void)
{
	return mount("none", "/nonexistent", "tmpfs", 0, NULL);
}

static int do_bpf(void)
{
	return (int)syscall(SYS_bpf, 9999L, NULL, 0L);
}

static int do_module(void)
{
	return (int)syscall(SYS_init_module, NULL, 0L, "");
}

static int do_perf(void)
{
	return (int)syscall(SYS_perf_event_open, NULL, 0L, -1L, -1L, 0L);
}

static int do_userfaultfd(void)
{
	return (int)syscall(SYS_userfaultfd, 0xffffffL);
}

static int do_io_uring(void)
{
	return (int)syscall(SYS_io_uring_setup, 0L, NULL);
}

static int do_keys(void)
{
	return (int)syscall(SYS_keyctl, 9999L, 0L, 0L, 0L, 0L);
}

static int do_kexec(void)
{
	return (int)syscall(SYS_kexec_load, 0L, 99L, NULL, 0L);
}

static int do_reboot(void)
{
	return (int)syscall(SYS_reboot, 0L, 0L, 0L, NULL);
}

static int do_unshare(void)
{
	return unshare(0);
}

static int do_setns(void)
{
	return setns(-1, 0);
}

static int do_clone(void)
{
	/* To share a file system that is to be a new one: no such process. */
	return (int)syscall(SYS_clone, (long)(CLONE_NEWNS | CLONE_FS), NULL, NULL,
			    NULL, NULL);
}

static int do_chroot(void)
{
	return chroot("/nonexistent");
}

static int do_setuid(void)
{
	return setuid(getuid());
}

static int do_setgroups(void)
{
	return setgroups(0, NULL);
}

static int do_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int do_internet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int do_internet_6(void)
{
	return socket(AF_INET6, SOCK_DGRAM, 0);
}

static int do_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static int do_letter(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return ioctl(fd, TIOCSTI, "x");
}

static int do_mknod(void)
{
	return mknod("/nonexistent/x", S_IFIFO | 0600, 0);
}

static int do_link(void)
{
	return link("/nonexistent/x", "/nonexistent/y");
}

const struct row rows_refused[] = {
	{ "ptrace", do_ptrace, true },
	{ "personality", do_personality, true },
	{ "process_vm_readv", do_read_process, false },
	{ "mount", do_mount, false },
	{ "bpf", do_bpf, false },
	{ "init_module", do_module, false },
	{ "perf_event_open", do_perf, false },
	{ "userfaultfd", do_userfaultfd, false },
	{ "io_uring_setup", do_io_uring, false },
	{ "keyctl", do_keys, false },
	{ "kexec_load", do_kexec, false },
	{ "reboot", do_reboot, false },
	{ "unshare", do_unshare, false },
	{ "setns", do_setns, false },
	{ "clone into a namespace", do_clone, false },
	{ "chroot", do_chroot, false },
	{ "setuid", do_setuid, false },
	{ "setgroups", do_setgroups, false },
	{ "AF_NETLINK", do_netlink, false },
	{ "AF_INET", do_internet, false },
	{ "AF_INET6", do_internet_6, false },
	{ "AF_PACKET", do_packet, false },
	{ "TIOCSTI", do_letter, false },
	{ "mknod", do_mknod, false },
	{ "link", do_link, false },
	{ NULL, NULL, false },
};

int row_clone3(void)
{
	return (int)syscall(SYS_clone3, NULL, 0L);
}
