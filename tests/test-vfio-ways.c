/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a vfio device is opened, on plain files and a scripted ioctl(): which way
 * is taken, with which calls, and what is said where one fails. Kernels without
 * an IOMMU's group (noiommu, cdev) are met here only.
 */
#define _GNU_SOURCE /* nftw(), mkdtemp() */
#include "bellring.h"
#include "testing.h"
#include "vfio-uapi.h"
#include "vfio-ways.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE "0000:00:03.0"

static char root[] = "/tmp/bellring-vfio-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void end(void)
{
	ck_assert_int_eq(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static const char *below(const char *file)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", root, file);
	return path;
}

static void make_file(const char *file)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s", below(file));
	for (char *s = path + strlen(root) + 1; (s = strchr(s, '/')); s++) {
		*s = '\0';
		mkdir(path, 0700);
		*s = '/';
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

/* ---- the kernel's part ------------------------------------------------------ */

static unsigned long calls[16];
static int call_count;
static unsigned long failing; /* this call fails */
static int failing_errno;
static int set_iommu; /* what VFIO_SET_IOMMU was told */

static void begin(void)
{
	strcpy(root + strlen(root) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	call_count = 0;
	failing = 0;
	set_iommu = -1;
}

static int answer(unsigned long request, void *arg)
{
	struct vfio_device_bind_iommufd *bind = arg;
	struct vfio_group_status *status = arg;
	struct vfio_ioas_alloc *alloc = arg;

	switch (request) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return 1;
	case VFIO_GROUP_GET_STATUS:
		status->flags = VFIO_GROUP_FLAGS_VIABLE;
		return 0;
	case VFIO_SET_IOMMU:
		set_iommu = (int)(intptr_t)arg;
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		ck_assert_str_eq(arg, DEVICE);
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case VFIO_DEVICE_BIND_IOMMUFD:
		ck_assert_uint_eq(bind->argsz, sizeof(*bind));
		ck_assert_int_ge(fcntl(bind->iommufd, F_GETFD), 0);
		return 0;
	case VFIO_IOAS_ALLOC:
		ck_assert_uint_eq(alloc->size, sizeof(*alloc));
		alloc->out_ioas_id = 77;
		return 0;
	case VFIO_DEVICE_ATTACH_IOMMUFD_PT:
		ck_assert_uint_eq(((struct vfio_device_attach_iommufd_pt *)arg)->pt_id, 77);
		return 0;
	default:
		return 0;
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	ck_assert_int_lt(call_count, ARRAY_LEN(calls));
	calls[call_count++] = request;
	if (request == failing) {
		errno = failing_errno;
		return -1;
	}
	return answer(request, arg);
}

static void expect_calls(const unsigned long *want, int count)
{
	ck_assert_int_eq(call_count, count);
	for (int i = 0; i < count; i++)
		ck_assert_msg(calls[i] == want[i], "call %d: %lx, not %lx", i, calls[i],
			      want[i]);
}

/* ---- which way ---------------------------------------------------------------- */

START_TEST(group_s_file_is_found)
{
	char path[VFIO_PATH_MAX];

	ck_assert_int_eq(vfio_group_find(root, 5, path), VFIO_GROUP_NONE);
	ck_assert_str_eq(path, below("5"));
	ck_assert_int_eq(vfio_group_find(root, -1, path), VFIO_GROUP_NONE);
	make_file("5");
	ck_assert_int_eq(vfio_group_find(root, 5, path), VFIO_GROUP_IOMMU);
	ck_assert_str_eq(path, below("5"));
	make_file("noiommu-6");
	ck_assert_int_eq(vfio_group_find(root, 6, path), VFIO_GROUP_NOIOMMU);
	ck_assert_str_eq(path, below("noiommu-6"));
}
END_TEST

START_TEST(device_s_own_file_is_found)
{
	char path[VFIO_PATH_MAX];

	ck_assert(!vfio_cdev_find(root, root, DEVICE, path));
	make_file("bus/pci/devices/" DEVICE "/vfio-dev/vfio3/dev");
	ck_assert(!vfio_cdev_find(root, root, DEVICE, path)); /* no node in /dev */
	make_file("devices/vfio3");
	ck_assert(vfio_cdev_find(root, root, DEVICE, path));
	ck_assert_str_eq(path, below("devices/vfio3"));
}
END_TEST

START_TEST(doing_without_an_iommu_is_told)
{
	FILE *f;

	ck_assert(!pci_without_iommu(root));
	make_file("module/vfio/parameters/enable_unsafe_noiommu_mode");
	ck_assert(!pci_without_iommu(root));
	f = fopen(below("module/vfio/parameters/enable_unsafe_noiommu_mode"), "w");
	ck_assert_ptr_nonnull(f);
	fputs("Y\n", f);
	fclose(f);
	ck_assert(pci_without_iommu(root));
}
END_TEST

/* ---- groups -------------------------------------------------------------------- */

static int open_group_5(void)
{
	struct pci_device pci = { .name = DEVICE, .iommu_group = 5 };
	struct vfio_device dev;
	int before, rc;

	make_file("vfio");
	before = open_fds();
	vfio_device_clear(&dev);
	strcpy(dev.name, DEVICE);
	rc = vfio_group_open(&dev, root, &pci);
	if (rc == 0)
		ck_assert_int_ge(dev.fd, 0);
	vfio_device_done(&dev);
	ck_assert_int_eq(open_fds(), before);
	return rc;
}

static const unsigned long group_calls[] = {
	VFIO_GET_API_VERSION,	  VFIO_CHECK_EXTENSION, VFIO_GROUP_GET_STATUS,
	VFIO_GROUP_SET_CONTAINER, VFIO_SET_IOMMU,	VFIO_GROUP_GET_DEVICE_FD,
};

START_TEST(a_group_is_put_under_its_iommu)
{
	make_file("5");
	ck_assert_int_eq(open_group_5(), 0);
	ck_assert_int_eq(set_iommu, VFIO_TYPE1_IOMMU);
	expect_calls(group_calls, ARRAY_LEN(group_calls));
}
END_TEST

START_TEST(a_group_without_iommu_is_put_under_none)
{
	make_file("noiommu-5");
	ck_assert_int_eq(open_group_5(), 0);
	ck_assert_int_eq(set_iommu, VFIO_NOIOMMU_IOMMU);
	expect_calls(group_calls, ARRAY_LEN(group_calls));
}
END_TEST

static const struct {
	unsigned long call;
	int error, want;
	const char *says;
} group_failures[] = {
	{ VFIO_CHECK_EXTENSION, EINVAL, -BELL_EUNSUP, "vfio_iommu_type1" },
	{ VFIO_GROUP_SET_CONTAINER, EBUSY, -BELL_EBUSY, "another process" },
	{ VFIO_SET_IOMMU, EPERM, -BELL_EPERM, "intremap=on" },
	{ VFIO_GROUP_GET_DEVICE_FD, EIO, -BELL_EIO, "GET_DEVICE_FD" },
};

START_TEST(what_stops_a_group_is_said)
{
	failing = group_failures[_i].call;
	failing_errno = group_failures[_i].error;
	make_file("5");
	ck_assert_int_eq(open_group_5(), group_failures[_i].want);
	ck_assert_msg(strstr(bell_detail(), group_failures[_i].says) != NULL, "%s",
		      bell_detail());
}
END_TEST

START_TEST(unsafe_mode_is_named_where_it_is_missing)
{
	failing = VFIO_CHECK_EXTENSION;
	failing_errno = EINVAL;
	make_file("noiommu-5");
	ck_assert_int_eq(open_group_5(), -BELL_EUNSUP);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "enable_unsafe_noiommu_mode"));
}
END_TEST

/* ---- the device's own file -------------------------------------------------------- */

static int open_cdev(void)
{
	char iommufd[PATH_MAX];
	struct vfio_device dev;
	int before = open_fds(), rc;

	snprintf(iommufd, sizeof(iommufd), "%s", below("iommu"));
	vfio_device_clear(&dev);
	strcpy(dev.name, DEVICE);
	rc = vfio_cdev_open(&dev, iommufd, below("vfio3"));
	if (rc == 0)
		ck_assert_int_ge(dev.fd, 0);
	vfio_device_done(&dev);
	ck_assert_int_eq(open_fds(), before);
	return rc;
}

START_TEST(a_device_is_bound_and_attached)
{
	static const unsigned long want[] = { VFIO_DEVICE_BIND_IOMMUFD, VFIO_IOAS_ALLOC,
					      VFIO_DEVICE_ATTACH_IOMMUFD_PT };

	make_file("iommu");
	make_file("vfio3");
	ck_assert_int_eq(open_cdev(), 0);
	expect_calls(want, ARRAY_LEN(want));
}
END_TEST

static const struct {
	unsigned long call;
	int error, want;
	const char *says;
} cdev_failures[] = {
	{ VFIO_DEVICE_BIND_IOMMUFD, EPERM, -BELL_EPERM, "intremap=on" },
	{ VFIO_DEVICE_BIND_IOMMUFD, EBUSY, -BELL_EBUSY, "another process" },
	{ VFIO_DEVICE_BIND_IOMMUFD, EINVAL, -BELL_EINVAL, "BIND_IOMMUFD" },
	{ VFIO_IOAS_ALLOC, ENOMEM, -BELL_ENOMEM, "IOAS_ALLOC" },
	{ VFIO_DEVICE_ATTACH_IOMMUFD_PT, ENODEV, -BELL_ENODEV, "ATTACH" },
};

START_TEST(what_stops_a_device_is_said)
{
	make_file("iommu");
	make_file("vfio3");
	failing = cdev_failures[_i].call;
	failing_errno = cdev_failures[_i].error;
	ck_assert_int_eq(open_cdev(), cdev_failures[_i].want);
	ck_assert_msg(strstr(bell_detail(), cdev_failures[_i].says) != NULL, "%s",
		      bell_detail());
}
END_TEST

START_TEST(missing_files_are_named)
{
	ck_assert_int_eq(open_cdev(), -BELL_EUNSUP);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "modprobe iommufd"));
	make_file("iommu");
	ck_assert_int_eq(open_cdev(), -BELL_EUNSUP);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "vfio3"));
}
END_TEST

/* Those of the kernel, whose numbers a wrong header would hide. */
START_TEST(numbers_are_the_kernel_s)
{
	ck_assert_uint_eq(VFIO_DEVICE_BIND_IOMMUFD, 0x3b76);
	ck_assert_uint_eq(VFIO_DEVICE_ATTACH_IOMMUFD_PT, 0x3b77);
	ck_assert_uint_eq(VFIO_IOAS_ALLOC, 0x3b81);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vfio-ways");
	TCase *tc = tcase_create("vfio-ways");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, group_s_file_is_found);
	tcase_add_test(tc, device_s_own_file_is_found);
	tcase_add_test(tc, doing_without_an_iommu_is_told);
	tcase_add_test(tc, a_group_is_put_under_its_iommu);
	tcase_add_test(tc, a_group_without_iommu_is_put_under_none);
	tcase_add_loop_test(tc, what_stops_a_group_is_said, 0, ARRAY_LEN(group_failures));
	tcase_add_test(tc, unsafe_mode_is_named_where_it_is_missing);
	tcase_add_test(tc, a_device_is_bound_and_attached);
	tcase_add_loop_test(tc, what_stops_a_device_is_said, 0, ARRAY_LEN(cdev_failures));
	tcase_add_test(tc, missing_files_are_named);
	tcase_add_test(tc, numbers_are_the_kernel_s);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
