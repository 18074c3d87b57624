/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test-doctor-qemu.c - reading QEMU's command lines, as people and libvirt write them
 */
#include "doctor-qemu.h"
#include "testing.h"

#include <string.h>

#define PLAIN "qemu-system-x86_64|-chardev|socket,path=/run/a.sock,id=b"
#define DOORBELL "|-device|ivshmem-doorbell,chardev=b"
static const struct {
	const char *line; /* words with | between them */
	bool ours;
	struct qemu_args want;
} lines[] = {
	{ PLAIN DOORBELL ",vectors=8|-smp|4|-enable-kvm", true, { 8, 4, true, false, false } },
	{ PLAIN DOORBELL, true, { 1, 1, false, false, false } },
	{ PLAIN DOORBELL "|-smp|1,maxcpus=2|-accel|tcg,thread=multi", true,
	  { 1, 2, false, false, false } },
	{ PLAIN DOORBELL "|-smp|cpus=3|-machine|q35,accel=kvm", true,
	  { 1, 3, true, false, false } },
	{ PLAIN ",reconnect=1" DOORBELL, true, { 1, 1, false, true, false } },
	{ PLAIN ",reconnect=0" DOORBELL, true, { 1, 1, false, false, false } },
	{ PLAIN ",reconnect-ms=500" DOORBELL, true, { 1, 1, false, true, false } },
	{ "/usr/libexec/qemu-kvm|-accel|kvm|-chardev|socket,id=b,path=/run/a.sock|-device|"
	  "{\"driver\":\"ivshmem-doorbell\",\"id\":\"s\",\"chardev\":\"b\",\"vectors\":16}",
	  true, { 16, 1, true, false, false } },
	{ "/usr/bin/kvm|-object|memory-backend-file,id=m,mem-path=/run/a.sock,share=on,size=1M|"
	  "-device|ivshmem-plain,memdev=m", true, { 1, 1, false, false, true } },
	{ "qemu-system-x86_64|-object|{\"qom-type\":\"memory-backend-file\",\"id\":\"m\","
	  "\"mem-path\":\"/run/a.sock\",\"share\":true}|-device|ivshmem-plain,memdev=m",
	  true, { 1, 1, false, false, true } },
	{ "qemu-system-x86_64|-object|memory-backend-file,id=m,mem-path=/run/a.sock,size=1M|"
	  "-device|ivshmem-plain,memdev=m", true, { 1, 1, false, false, false } },
	/* Not ours: another program, socket, or device. */
	{ "less|-chardev|socket,path=/run/a.sock" DOORBELL, false, { 0 } },
	{ "qemu-system-x86_64|-chardev|socket,path=/run/a.sock2" DOORBELL, false, { 0 } },
	{ "qemu-system-x86_64|-chardev|socket,path=/x/run/a.sock" DOORBELL, false, { 0 } },
	{ PLAIN "|-device|virtio-serial", false, { 0 } },
	{ "", false, { 0 } },
};

START_TEST(command_line)
{
	struct qemu_args got = { .vectors = 99 };
	const struct qemu_args *want = &lines[_i].want;
	char words[512];
	size_t len = strlen(lines[_i].line), i;

	ck_assert_uint_lt(len, sizeof(words));
	memcpy(words, lines[_i].line, len + 1);
	for (i = 0; i < len; i++)
		if (words[i] == '|')
			words[i] = '\0';
	ck_assert_msg(qemu_parse(words, len + 1, "/run/a.sock", &got) == lines[_i].ours,
		      "%s", lines[_i].line);
	if (!lines[_i].ours) {
		ck_assert_uint_eq(got.vectors, 99);
		return;
	}
	ck_assert_msg(got.vectors == want->vectors && got.cpus == want->cpus &&
		      got.kvm == want->kvm && got.reconnect == want->reconnect &&
		      got.shared == want->shared,
		      "%s: vectors %u cpus %u kvm %d reconnect %d shared %d", lines[_i].line,
		      got.vectors, got.cpus, got.kvm, got.reconnect, got.shared);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("doctor-qemu");
	TCase *tc = tcase_create("qemu_parse");

	tcase_add_loop_test(tc, command_line, 0, ARRAY_LEN(lines));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
