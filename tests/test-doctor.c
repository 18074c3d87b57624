/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test-doctor.c - what the doctor says of made-up machines
 *
 * Checks that read /proc, /sys and /etc get a tree of the test's own. What needs
 * a server, a QEMU or a guest is in tests/cli and tests/guest.
 */
#define _GNU_SOURCE /* nftw() */
#include "doctor-parts.h"
#include "testing.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static char top[] = "/tmp/test-doctor-XXXXXX";
static char root[sizeof(top) + 16];

/* ---- trees -------------------------------------------------------------------- */

static void make_top(void)
{
	must(mkdtemp(top));
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_top(void)
{
	must(nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static void make_folders(char *path)
{
	for (char *s = path + 1; (s = strchr(s, '/')); s++) {
		*s = '\0';
		mkdir(path, 0755);
		*s = '/';
	}
}

static void put(const char *name, const char *data, size_t len)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root, name);
	make_folders(path);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}

static void put_link(const char *name, const char *target)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, name);
	make_folders(path);
	ck_assert_int_eq(symlink(target, path), 0);
}

/* "/file=text", "/link>target", or of the device: "config=msix,COUNT,COMMAND". */
static void put_word(const char *word)
{
	const char *text = strpbrk(word, "=>");
	char name[512];

	snprintf(name, sizeof(name), "%.*s", (int)(text - word), word);
	if (*text == '>')
		put_link(name, text + 1);
	else
		put(name, text + 1, strlen(text + 1));
}

/* ---- the device ------------------------------------------------------------------ */

#define PCI "/sys/bus/pci/devices/0000:00:03.0/"
#define VENDOR PCI "vendor=0x1af4\n"
#define DEVICE PCI "device=0x1110\n"
#define NVIDIA "/sys/bus/pci/devices/0000:00:04.0/"
#define GROUP PCI "iommu_group>../../../kernel/iommu_groups/7"
#define DRIVER(name) PCI "driver>../../../bus/pci/drivers/" name
#define MEMBER "/sys/kernel/iommu_groups/7/devices/0000:00:03.0="
#define DMAR "/sys/firmware/acpi/tables/DMAR=x"
#define LOCKED "/sys/kernel/security/lockdown=none [integrity] confidentiality\n"
#define EMULATED "/proc/cpuinfo=processor\t: 0\nmodel name\t: QEMU Virtual CPU version 2.5+\n"
#define CLOCKS "/sys/devices/system/clocksource/clocksource0/available_clocksource="
#define ABSTRACTION "/etc/apparmor.d/abstractions/libvirt-qemu=/dev/kvm rw,\n"
#define ARMOR "/sys/module/apparmor/parameters/enabled=Y\n"
#define SOCKET "unix:/run/bellring/a.sock"
#define SYSTEMD "/run/systemd/system/x="
#define UNIT "/usr/lib/systemd/system/bellring-server@.socket=x"

static const struct row {
	const char *name, *address, *check;
	const char *words[8];
	enum doctor_result result;
	const char *what, *remedy; /* each word of them has to be there */
} rows[] = {
	/* ---- security modules ---- */
	{ "apparmor off", SOCKET, "apparmor", { NULL }, DOCTOR_OK, "off", "" },
	{ "apparmor without libvirt", SOCKET, "apparmor", { ARMOR }, DOCTOR_OK,
	  "without libvirt's", "" },
	{ "apparmor in the way", SOCKET, "apparmor", { ARMOR, ABSTRACTION }, DOCTOR_WARNING,
	  "<qemu:commandline>", "\"/run/bellring/a.sock\" rw, | sudo tee -a "
	  "/etc/apparmor.d/local/abstractions/libvirt-qemu" },
	{ "apparmor with a local rule", SOCKET, "apparmor",
	  { ARMOR, ABSTRACTION, "/etc/apparmor.d/local/abstractions/libvirt-qemu="
	    "# ours\n\"/run/bellring/a.sock\" rw,\n" }, DOCTOR_OK, "name", "" },
	{ "apparmor with a machine's rule", SOCKET, "apparmor",
	  { ARMOR, ABSTRACTION, "/etc/apparmor.d/libvirt/libvirt-1-2.files="
	    "  \"/run/bellring/a.sock\" rw,\n" }, DOCTOR_OK, "name", "" },
	{ "selinux off", SOCKET, "selinux", { NULL }, DOCTOR_OK, "off", "" },
	{ "selinux permissive", SOCKET, "selinux", { "/sys/fs/selinux/enforce=0" },
	  DOCTOR_OK, "permissive", "" },
	{ "selinux in the way", SOCKET, "selinux", { "/sys/fs/selinux/enforce=1" },
	  DOCTOR_WARNING, "svirt_t", "ausearch audit2allow semodule" },
	{ "selinux and a file", "file:/dev/shm/a", "selinux",
	  { "/sys/fs/selinux/enforce=1" }, DOCTOR_WARNING, "svirt_t",
	  "chcon -t svirt_image_t /dev/shm/a" },
	{ "no systemd", SOCKET, "unit", { NULL }, DOCTOR_SKIPPED, "systemd", "" },
	{ "not a unit's socket", "unix:/tmp/x", "unit", { SYSTEMD, UNIT }, DOCTOR_SKIPPED,
	  "not that of", "" },
	{ "unit not enabled", SOCKET, "unit", { SYSTEMD, UNIT }, DOCTOR_WARNING,
	  "reboot", "systemctl enable --now bellring-server@a.socket" },
	{ "unit enabled", SOCKET, "unit",
	  { SYSTEMD, UNIT, "/etc/systemd/system/sockets.target.wants/"
	    "bellring-server@a.socket>x" }, DOCTOR_OK, "enabled", "" },
	{ "default unit not enabled", "unix:/run/bellring.sock", "unit",
	  { SYSTEMD, "/lib/systemd/system/bellring-server.socket=x" }, DOCTOR_WARNING,
	  "reboot", "systemctl enable --now bellring-server.socket" },
	{ "no huge pages wanted", SOCKET, "hugepages", { NULL }, DOCTOR_OK, "none", "" },
	{ "huge pages missing", SOCKET, "hugepages",
	  { "/etc/bellring/a.conf=#hugepages = 1G\nsize = 256M\nhugepages = 2M\n",
	    "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages=5\n" },
	  DOCTOR_FAILURE, "128 2048 5 cannot start",
	  "echo 128 | sudo tee /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages" },
	{ "huge pages there", SOCKET, "hugepages",
	  { "/etc/bellring/a.conf=hugepages = 2M\n",
	    "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages=32\n" },
	  DOCTOR_OK, "32", "" },
	{ "two servers", SOCKET, "listeners",
	  { "/proc/net/unix=Num RefCount Protocol Flags Type St Inode Path\n"
	    "0: 00000002 00000000 00010000 0001 01 11 /run/bellring/a.sock\n"
	    "1: 00000003 00000000 00000000 0001 03 12 /run/bellring/a.sock\n"
	    "2: 00000002 00000000 00010000 0001 01 13 /run/bellring/a.sock\n" },
	  DOCTOR_FAILURE, "2 servers", "ss -xlp /run/bellring/a.sock" },
	{ "no kvm", SOCKET, "kvm", { NULL }, DOCTOR_WARNING, "emulates", "modprobe kvm_intel" },
	{ "kvm", SOCKET, "kvm", { "/dev/kvm=" }, DOCTOR_OK, "/dev/kvm", "" },
	/* ---- a guest's device ---- */
	{ "no bus", "pci:", "device", { NULL }, DOCTOR_FAILURE, "sysfs", "mount -t sysfs" },
	{ "no device", "pci:", "device", { NVIDIA "vendor=0x10de\n" }, DOCTOR_FAILURE,
	  "no ivshmem device", "-device ivshmem-doorbell" },
	{ "a device", "pci:", "device", { VENDOR, DEVICE }, DOCTOR_OK, "0000:00:03.0", "" },
	{ "two devices", "pci:", "device",
	  { VENDOR, DEVICE, NVIDIA "vendor=0x1af4\n", NVIDIA "device=0x1110\n" },
	  DOCTOR_FAILURE, "2 0000:00:03.0 0000:00:04.0", "bellring doctor pci:0000:00:0" },
	{ "one of two devices", "pci:00:04.0", "device",
	  { VENDOR, DEVICE, NVIDIA "vendor=0x1af4\n", NVIDIA "device=0x1110\n" },
	  DOCTOR_OK, "0000:00:04.0", "" },
	{ "not bound", "pci:", "driver", { VENDOR, DEVICE, GROUP }, DOCTOR_WARNING,
	  "no driver", "bellring bind pci:0000:00:03.0" },
	{ "not bound, no iommu", "pci:", "driver", { VENDOR, DEVICE }, DOCTOR_WARNING,
	  "no driver", "dkms install ivshmem-doorbell/" },
	{ "not bound, module installed", "pci:", "driver", { VENDOR, DEVICE, "MODULES.DEP" },
	  DOCTOR_WARNING, "no driver", "modprobe ivshmem_doorbell" },
	{ "not bound, module there", "pci:", "driver",
	  { VENDOR, DEVICE, "/sys/module/ivshmem_doorbell/x=" }, DOCTOR_WARNING, "no driver",
	  "drivers/ivshmem_doorbell/bind" },
	{ "bound to vfio", "pci:", "driver", { VENDOR, DEVICE, DRIVER("vfio-pci") },
	  DOCTOR_OK, "vfio-pci", "" },
	{ "bound to uio", "pci:", "driver", { VENDOR, DEVICE, GROUP, DRIVER("uio_pci_generic") },
	  DOCTOR_WARNING, "uio_pci_generic MSI-X", "bellring bind" },
	{ "bound to another", "pci:", "driver", { VENDOR, DEVICE, GROUP, DRIVER("pci-stub") },
	  DOCTOR_FAILURE, "pci-stub ours", "bellring bind" },
	{ "module not loaded", "pci:", "module", { "MODULES.DEP" }, DOCTOR_WARNING,
	  "not loaded", "modprobe ivshmem_doorbell" },
	{ "module not built", "pci:", "module",
	  { "/usr/src/ivshmem-doorbell-0.1.0/dkms.conf=x" }, DOCTOR_WARNING, "not built",
	  "linux-headers dkms" },
	{ "module not installed", "pci:", "module", { NULL }, DOCTOR_OK, "vfio-pci", "" },
	{ "module loaded", "pci:", "module", { "/sys/module/ivshmem_doorbell/x=" },
	  DOCTOR_OK, "loaded", "" },
	/* ---- what the kernel forbids ---- */
	{ "not locked", "pci:", "lockdown",
	  { VENDOR, DEVICE, "/sys/kernel/security/lockdown=[none] integrity\n" }, DOCTOR_OK,
	  "not locked", "" },
	{ "locked, no driver", "pci:", "lockdown", { VENDOR, DEVICE, LOCKED }, DOCTOR_WARNING,
	  "secure boot signed", "mokutil --import" },
	{ "locked, vfio", "pci:", "lockdown", { VENDOR, DEVICE, LOCKED, DRIVER("vfio-pci") },
	  DOCTOR_OK, "vfio-pci", "" },
	{ "signed modules only", "pci:", "lockdown",
	  { VENDOR, DEVICE, "/sys/module/module/parameters/sig_enforce=Y\n" }, DOCTOR_WARNING,
	  "signed", "mokutil" },
	{ "no iommu", "pci:", "iommu", { VENDOR, DEVICE }, DOCTOR_WARNING, "no IOMMU",
	  "-device intel-iommu,intremap=on intel_iommu=on ivshmem_doorbell" },
	{ "iommu not used", "pci:", "iommu", { VENDOR, DEVICE, DMAR }, DOCTOR_WARNING,
	  "does not use", "intel_iommu=on update-grub" },
	{ "iommu", "pci:", "iommu", { VENDOR, DEVICE, DMAR, GROUP }, DOCTOR_OK, "group 7", "" },
	{ "vfio without iommu", "pci:", "iommu",
	  { VENDOR, DEVICE, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode=Y\n" },
	  DOCTOR_OK, "unsafe", "" },
	{ "own module needs none", "pci:", "iommu",
	  { VENDOR, DEVICE, DRIVER("ivshmem_doorbell") }, DOCTOR_OK, "not needed", "" },
	{ "no remapping", "pci:", "remapping",
	  { VENDOR, DEVICE, DMAR, GROUP, "/proc/interrupts= 24: 0 PCI-MSI 512-edge\n" },
	  DOCTOR_FAILURE, "remap", "intremap=on" },
	{ "remapping", "pci:", "remapping",
	  { VENDOR, DEVICE, DMAR, GROUP, "/proc/interrupts= 24: 0 IR-PCI-MSI 512-edge\n" },
	  DOCTOR_OK, "remaps", "" },
	{ "group shared", "pci:", "group",
	  { VENDOR, DEVICE, GROUP, MEMBER,
	    "/sys/kernel/iommu_groups/7/devices/0000:00:04.0=",
	    NVIDIA "driver>../../../bus/pci/drivers/e1000" },
	  DOCTOR_FAILURE, "0000:00:04.0 e1000 group 7", "0000:00:04.0 unbind" },
	{ "group shared with a bridge", "pci:", "group",
	  { VENDOR, DEVICE, GROUP, MEMBER,
	    "/sys/kernel/iommu_groups/7/devices/0000:00:04.0=",
	    NVIDIA "driver>../../../bus/pci/drivers/pcieport" },
	  DOCTOR_OK, "2 devices", "" },
	{ "one emulated cpu", "pci:", "cpus",
	  { EMULATED, "/sys/devices/system/cpu/possible=0\n", CLOCKS "tsc hpet\n" },
	  DOCTOR_FAILURE, "barriers wake-ups", "-smp 1,maxcpus=2" },
	{ "two emulated cpus", "pci:", "cpus",
	  { EMULATED, "/sys/devices/system/cpu/possible=0-1\n" }, DOCTOR_OK, "more than one", "" },
	{ "one cpu under kvm", "pci:", "cpus",
	  { EMULATED, "/sys/devices/system/cpu/possible=0\n", CLOCKS "kvm-clock tsc\n" },
	  DOCTOR_OK, "does not emulate", "" },
	{ "one cpu of another kind", "pci:", "cpus",
	  { "/proc/cpuinfo=CPU implementer: 0x41\n", "/sys/devices/system/cpu/possible=0\n" },
	  DOCTOR_WARNING, "if QEMU", "-smp 1,maxcpus=2" },
};

/* ---- running a check --------------------------------------------------------------- */

struct told {
	unsigned lines;
	enum doctor_result result;
	char what[DOCTOR_TEXT], remedy[DOCTOR_TEXT];
};

static void on_line(void *arg, const struct doctor_line *line)
{
	struct told *t = arg;

	t->lines++;
	t->result = line->result;
	snprintf(t->what, sizeof(t->what), "%s", line->what);
	snprintf(t->remedy, sizeof(t->remedy), "%s", line->remedy);
}

static struct doctor doctor;

static struct told ask(const char *address, const char *check)
{
	struct told t = { .lines = 0 };

	doctor.root = root;
	doctor.address = address;
	doctor.side = doctor_side_of(address);
	doctor.line = on_line;
	doctor.arg = &t;
	doctor_run(&doctor, check);
	return t;
}

static void assert_words(const char *text, const char *words, const char *whose)
{
	char copy[DOCTOR_TEXT], *word, *save = NULL;

	snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		ck_assert_msg(strstr(text, word), "%s: no '%s' in '%s'", whose, word, text);
}

/* Without running it. */
static void assert_shell_takes(const char *command)
{
	FILE *shell = popen("/bin/sh -n", "w");

	ck_assert_ptr_nonnull(shell);
	fputs(command, shell);
	ck_assert_msg(pclose(shell) == 0, "no command: %s", command);
}

static void begin(int number)
{
	snprintf(root, sizeof(root), "%s/%d", top, number);
	must(mkdir(root, 0755) == 0);
	memset(&doctor, 0, sizeof(doctor));
}

/* modules.dep is where this kernel's is. */
static void put_modules(void)
{
	char path[PATH_MAX];
	struct utsname kernel;

	must(uname(&kernel) == 0);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", kernel.release);
	put(path, "extra/ivshmem_doorbell.ko:\n", 27);
}

START_TEST(made_up_machine)
{
	const struct row *row = &rows[_i];
	struct told t;

	begin(_i);
	for (int i = 0; i < 8 && row->words[i]; i++)
		if (strcmp(row->words[i], "MODULES.DEP") == 0)
			put_modules();
		else
			put_word(row->words[i]);
	if (strcmp(row->address, "pci:") == 0 && strcmp(row->check, "device") != 0)
		ask(row->address, "device");
	t = ask(row->address, row->check);
	ck_assert_msg(t.lines == 1, "%s: %u lines", row->name, t.lines);
	ck_assert_msg(t.result == row->result, "%s: %s: %s", row->name,
		      doctor_result_name(t.result), t.what);
	assert_words(t.what, row->what, row->name);
	assert_words(t.remedy, row->remedy, row->name);
	assert_shell_takes(t.remedy);
	ck_assert_msg(!!*t.remedy == (t.result == DOCTOR_WARNING ||
				      t.result == DOCTOR_FAILURE),
		      "%s: remedy '%s'", row->name, t.remedy);
}
END_TEST

/* ---- libvirt's user ------------------------------------------------------------------ */

static const struct {
	const char *name, *address, *passwd, *members;
	unsigned mode;
	enum doctor_result result;
	const char *remedy; /* GROUP is that of the file */
} users[] = {
	{ "no libvirt", SOCKET, "root:x:0:0:root:/:/bin/sh\n", "", 0600, DOCTOR_OK, "" },
	{ "a name that begins alike", SOCKET, "qemu-other:x:64055:994::/:/bin/false\n", "", 0600,
	  DOCTOR_OK, "" },
	{ "no group", SOCKET, "libvirt-qemu:x:64055:994::/:/bin/false\n", "", 0600,
	  DOCTOR_WARNING, "bellring-server -S /run/bellring/a.sock --mode 0660 --group kvm" },
	{ "not in the group", SOCKET, "libvirt-qemu:x:64055:994::/:/bin/false\n", "web,qemu", 0660,
	  DOCTOR_WARNING, "usermod -aG bells libvirt-qemu" },
	{ "in the group", SOCKET, "libvirt-qemu:x:64055:994::/:/bin/false\n",
	  "web,libvirt-qemu", 0660, DOCTOR_OK, "" },
	{ "Fedora's, in the group", SOCKET, "qemu:x:107:994::/:/sbin/nologin\n", "web,qemu", 0660,
	  DOCTOR_OK, "" },
	{ "for all", SOCKET, "qemu:x:107:994::/:/sbin/nologin\n", "", 0666, DOCTOR_OK, "" },
	{ "a file that is only for writing", "file:/run/bellring/a.sock",
	  "qemu:x:107:994::/:/sbin/nologin\n", "", 0602, DOCTOR_WARNING,
	  "chgrp kvm /run/bellring/a.sock" },
};

START_TEST(user_of_libvirt)
{
	char path[PATH_MAX], text[256];
	struct told t;
	int len;

	begin(2000 + _i);
	put("/run/bellring/a.sock", "", 0);
	snprintf(path, sizeof(path), "%s/run/bellring/a.sock", root);
	/* Only root can give a file away; for others it is in a group of theirs. */
	if (geteuid() == 0)
		ck_assert_int_eq(chown(path, 0, 4711), 0);
	ck_assert_int_eq(chmod(path, users[_i].mode), 0);
	len = snprintf(text, sizeof(text), "kvm:x:994:\nbells:x:%u:%s\n",
		       geteuid() == 0 ? 4711u : (unsigned)getegid(), users[_i].members);
	put("/etc/group", text, (size_t)len);
	put("/etc/passwd", users[_i].passwd, strlen(users[_i].passwd));
	t = ask(users[_i].address, "libvirt");
	ck_assert_msg(t.result == users[_i].result, "%s: %s", users[_i].name, t.what);
	assert_words(t.remedy, users[_i].remedy, users[_i].name);
	assert_shell_takes(t.remedy);
}
END_TEST

/* ---- configuration space -------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned size, capability, count; /* of vectors */
	enum doctor_result result;
	const char *what;
} spaces[] = {
	{ "16 vectors", 256, 0x11, 16, DOCTOR_OK, "16 vectors" },
	{ "2048 vectors", 256, 0x11, 2048, DOCTOR_OK, "2048 vectors" },
	{ "1 vector", 256, 0x11, 1, DOCTOR_WARNING, "1 vector" },
	{ "no msi-x", 256, 0x05, 16, DOCTOR_WARNING, "no MSI-X" },
	{ "not root", 64, 0x11, 16, DOCTOR_SKIPPED, "only root" },
	{ "unreadable", 0, 0x11, 16, DOCTOR_SKIPPED, "cannot be read" },
};

START_TEST(configuration_space)
{
	unsigned char config[256] = { 0 };
	unsigned control = spaces[_i].count - 1;
	struct told t;

	begin(1000 + _i);
	config[0x06] = 0x10; /* there is a list of capabilities */
	config[0x34] = 0x40;
	config[0x40] = (unsigned char)spaces[_i].capability;
	config[0x41] = 0x40; /* a loop, which has to end */
	config[0x42] = (unsigned char)control;
	config[0x43] = (unsigned char)(control >> 8 | 0x80); /* enabled */
	put_word(VENDOR);
	put_word(DEVICE);
	put(PCI "config", (const char *)config, spaces[_i].size);
	ask("pci:", "device");
	t = ask("pci:", "msi-x");
	ck_assert_msg(t.result == spaces[_i].result, "%s: %s", spaces[_i].name, t.what);
	ck_assert_msg(strstr(t.what, spaces[_i].what), "%s: %s", spaces[_i].name, t.what);
}
END_TEST

/* ---- speed ------------------------------------------------------------------------------ */

START_TEST(speed)
{
	struct told t = { .lines = 0 };

	memset(&doctor, 0, sizeof(doctor));
	doctor.line = on_line;
	doctor.arg = &t;
	doctor.side = DOCTOR_GUEST;
	doctor.check = "speed";
	doctor_tell_speed(&doctor, 0.1, 10.0);
	ck_assert_int_eq(t.result, DOCTOR_WARNING);
	assert_words(t.what, "0.01 cache", "uncached");
	assert_words(t.remedy, "modprobe ivshmem_doorbell", "uncached");
	doctor_tell_speed(&doctor, 5.0, 10.0);
	ck_assert_int_eq(t.result, DOCTOR_OK);
}
END_TEST

/* ---- addresses, sides -------------------------------------------------------------------- */

START_TEST(sides)
{
	ck_assert_int_eq(doctor_side_of("unix:/x"), DOCTOR_HOST);
	ck_assert_int_eq(doctor_side_of("pci:"), DOCTOR_GUEST);
	ck_assert_int_eq(doctor_side_of("file:/x"), DOCTOR_FILE);
	ck_assert_int_eq(doctor_side_of("tcp:1"), 0);
	ck_assert_int_eq(doctor_side_of(""), 0);
	ck_assert_uint_eq(doctor_power_of_two(0), 4096);
	ck_assert_uint_eq(doctor_power_of_two(65536), 65536);
	ck_assert_uint_eq(doctor_power_of_two(65537), 131072);
}
END_TEST

/* What others chose cannot drive a terminal. */
START_TEST(text_is_printable)
{
	struct told t = { .lines = 0 };

	memset(&doctor, 0, sizeof(doctor));
	doctor.line = on_line;
	doctor.arg = &t;
	doctor_try(&doctor, "ls \033[2J");
	doctor_tell(&doctor, DOCTOR_FAILURE, "\n%s", "\033x");
	ck_assert_str_eq(t.what, "??x");
	ck_assert_str_eq(t.remedy, "ls ?[2J");
	doctor_tell(&doctor, DOCTOR_OK, "next");
	ck_assert_str_eq(t.remedy, "");
	ck_assert_uint_eq(doctor.count[DOCTOR_FAILURE], 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("doctor");
	TCase *tc = tcase_create("trees");

	tcase_add_unchecked_fixture(tc, make_top, remove_top);
	tcase_add_loop_test(tc, made_up_machine, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, user_of_libvirt, 0, ARRAY_LEN(users));
	tcase_add_loop_test(tc, configuration_space, 0, ARRAY_LEN(spaces));
	suite_add_tcase(suite, tc);
	tc = tcase_create("pure");
	tcase_add_test(tc, speed);
	tcase_add_test(tc, sides);
	tcase_add_test(tc, text_is_printable);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
