/* SPDX-License-Identifier: BSD-2-Clause */
#include "process.h"

#include "command-line.h"
#include "net-windows.h"

#include <stdlib.h>
#include <string.h>

#define PIPE_SIZE 65536u

/* What a struct process has as its id. */
struct child {
	HANDLE process, job; /* owned */
};

static void close_handle(HANDLE *handle)
{
	if (*handle)
		CloseHandle(*handle);
	*handle = NULL;
}

/* ---- starting ---- */

/* The command's ends of its pipes, and ours; NULL: none. */
struct ends {
	HANDLE theirs[3], ours[3];
};

static void close_ends(struct ends *ends)
{
	int i;

	for (i = 0; i < 3; i++) {
		close_handle(&ends->theirs[i]);
		close_handle(&ends->ours[i]);
	}
}

/* Only the command's ends can be inherited. */
static bool make_pipes(struct ends *ends)
{
	HANDLE *from, *to;
	int i;

	for (i = 0; i < 3; i++) {
		from = i == 0 ? &ends->theirs[i] : &ends->ours[i];
		to = i == 0 ? &ends->ours[i] : &ends->theirs[i];
		if (!CreatePipe(from, to, NULL, PIPE_SIZE) ||
		    !SetHandleInformation(ends->theirs[i], HANDLE_FLAG_INHERIT,
					  HANDLE_FLAG_INHERIT))
			return false;
	}
	return true;
}

/* Into our own environment, which a command gets: nobody else reads these. */
static bool set_environment(char *const env[])
{
	wchar_t *entry, *value;
	bool done = true;

	for (; done && *env; env++) {
		entry = win_wide(*env);
		value = entry ? wcschr(entry, L'=') : NULL;
		done = value != NULL;
		if (done) {
			*value++ = L'\0';
			done = SetEnvironmentVariableW(entry, value);
		}
		free(entry);
	}
	return done;
}

/* Those three handles, and none that somebody else made to be inherited. */
static LPPROC_THREAD_ATTRIBUTE_LIST new_attributes(struct ends *ends)
{
	LPPROC_THREAD_ATTRIBUTE_LIST list;
	SIZE_T size = 0;

	InitializeProcThreadAttributeList(NULL, 1, 0, &size);
	list = malloc(size);
	if (!list)
		return NULL;
	if (InitializeProcThreadAttributeList(list, 1, 0, &size)) {
		if (UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
					      ends->theirs, sizeof(ends->theirs), NULL,
					      NULL))
			return list;
		DeleteProcThreadAttributeList(list);
	}
	free(list);
	return NULL;
}

/* All that it starts is in the job, which is killed with our last handle of it. */
static HANDLE new_job(void)
{
	JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { 0 };
	HANDLE job = CreateJobObjectW(NULL, NULL);

	limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
	if (job && !SetInformationJobObject(job, JobObjectExtendedLimitInformation,
					    &limits, sizeof(limits)))
		close_handle(&job);
	return job;
}

/* It begins only in its job: what it starts before would get away. */
static bool enter_job(struct child *c, const PROCESS_INFORMATION *info)
{
	c->process = info->hProcess;
	if (AssignProcessToJobObject(c->job, c->process) &&
	    ResumeThread(info->hThread) != (DWORD)-1)
		return true;
	TerminateProcess(c->process, 1);
	return false;
}

static bool create(struct child *c, wchar_t *line, struct ends *ends)
{
	STARTUPINFOEXW start = { .StartupInfo.cb = sizeof(start) };
	PROCESS_INFORMATION info;
	bool done;

	start.lpAttributeList = new_attributes(ends);
	if (!start.lpAttributeList)
		return false;
	start.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
	start.StartupInfo.hStdInput = ends->theirs[0];
	start.StartupInfo.hStdOutput = ends->theirs[1];
	start.StartupInfo.hStdError = ends->theirs[2];
	/* A group of its own: our Ctrl-C is not its. */
	done = CreateProcessW(NULL, line, NULL, NULL, TRUE,
			      CREATE_SUSPENDED | CREATE_NEW_PROCESS_GROUP |
			      EXTENDED_STARTUPINFO_PRESENT, NULL, NULL,
			      &start.StartupInfo, &info);
	DeleteProcThreadAttributeList(start.lpAttributeList);
	free(start.lpAttributeList);
	if (!done)
		return false;
	done = enter_job(c, &info);
	CloseHandle(info.hThread);
	return done;
}

static bool start_line(struct child *c, char *const argv[], struct ends *ends)
{
	char *line = command_line(argv);
	wchar_t *wide = line ? win_wide(line) : NULL;
	bool done = false;

	SetLastError(ERROR_NOT_ENOUGH_MEMORY);
	c->job = new_job();
	if (wide && c->job)
		done = create(c, wide, ends);
	free(wide);
	free(line);
	return done;
}

static void child_free(struct child *c)
{
	DWORD error = GetLastError();

	if (!c)
		return;
	close_handle(&c->job);
	close_handle(&c->process);
	free(c);
	SetLastError(error);
}

static HANDLE take(HANDLE *handle)
{
	HANDLE taken = *handle;

	*handle = NULL;
	return taken;
}

static bool add_ends(struct process *p, struct ends *ends)
{
	p->in = net_add_pump(take(&ends->ours[0]), PUMP_WRITES);
	p->out = net_add_pump(take(&ends->ours[1]), PUMP_READS);
	p->err = net_add_pump(take(&ends->ours[2]), PUMP_READS);
	return p->in >= 0 && p->out >= 0 && p->err >= 0;
}

int process_start(struct process *p, char *const argv[], char *const env[])
{
	struct process started = { NET_NONE, NET_NONE, NET_NONE, 0 };
	struct ends ends = { { NULL }, { NULL } };
	struct child *c = calloc(1, sizeof(*c));
	DWORD error;

	if (!c)
		return net_fail(ERROR_NOT_ENOUGH_MEMORY);
	if (!make_pipes(&ends) || !set_environment(env) || !start_line(c, argv, &ends)) {
		error = GetLastError();
		child_free(c);
		close_ends(&ends);
		return net_fail(error);
	}
	started.id = (intptr_t)c;
	if (!add_ends(&started, &ends)) {
		close_ends(&ends);
		process_done(&started);
		return -BELL_EIO;
	}
	close_ends(&ends);
	*p = started;
	return 0;
}

/* ---- its end ---- */

static struct child *child_of(const struct process *p)
{
	return (struct child *)p->id;
}

void process_kill(const struct process *p)
{
	if (p->id)
		TerminateJobObject(child_of(p)->job, 1);
}

static int reap(struct process *p, int *status, DWORD timeout_ms)
{
	struct child *c = child_of(p);
	DWORD code = 1;

	if (WaitForSingleObject(c->process, timeout_ms) == WAIT_TIMEOUT)
		return 0;
	(void)GetExitCodeProcess(c->process, &code);
	*status = (int)code;
	child_free(c);
	p->id = 0;
	return 1;
}

int process_ended(struct process *p, int *status)
{
	return reap(p, status, 0);
}

const char *process_status(int status, char buf[PROCESS_STATUS])
{
	/* What ended a program that crashed is known by its hexadecimal number. */
	snprintf(buf, PROCESS_STATUS, status < 0 ? "exit status 0x%08x" :
						   "exit status %u", (unsigned)status);
	return buf;
}

void process_done(struct process *p)
{
	int status;

	if (p->id) {
		process_kill(p);
		(void)reap(p, &status, INFINITE);
	}
	net_close(&p->in);
	net_close(&p->out);
	net_close(&p->err);
}
