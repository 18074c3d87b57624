// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ivshmem_doorbell - QEMU's inter-VM shared memory device, for programs
 *
 * /dev/ivshmemN gives its memory, its doorbells and its interrupts to any number of
 * processes; ivshmem_doorbell.h says how.
 */

#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "device.h"

#define ID_QEMU		0x1af4
#define ID_IVSHMEM	0x1110

static DEFINE_IDA(device_numbers);

/* ---- sysfs: /sys/class/misc/ivshmemN/ ---- */

static struct ivshmem_device *shown(struct device *dev)
{
	struct miscdevice *misc = dev_get_drvdata(dev);

	return container_of(misc, struct ivshmem_device, misc);
}

static ssize_t peer_id_show(struct device *dev, struct device_attribute *attr, char *to)
{
	return sysfs_emit(to, "%u\n", READ_ONCE(shown(dev)->peer_id));
}
static DEVICE_ATTR_RO(peer_id);

static ssize_t vectors_show(struct device *dev, struct device_attribute *attr, char *to)
{
	return sysfs_emit(to, "%u\n", shown(dev)->vectors);
}
static DEVICE_ATTR_RO(vectors);

static ssize_t memory_size_show(struct device *dev, struct device_attribute *attr,
				char *to)
{
	return sysfs_emit(to, "%llu\n", shown(dev)->memory_size);
}
static DEVICE_ATTR_RO(memory_size);

static ssize_t mapping_show(struct device *dev, struct device_attribute *attr, char *to)
{
	return sysfs_emit(to, "%s\n", shown(dev)->cached ? "cached" : "uncached");
}
static DEVICE_ATTR_RO(mapping);

static ssize_t clients_show(struct device *dev, struct device_attribute *attr, char *to)
{
	return sysfs_emit(to, "%u\n", READ_ONCE(shown(dev)->client_count));
}
static DEVICE_ATTR_RO(clients);

static struct attribute *ivshmem_attrs[] = {
	&dev_attr_peer_id.attr,
	&dev_attr_vectors.attr,
	&dev_attr_memory_size.attr,
	&dev_attr_mapping.attr,
	&dev_attr_clients.attr,
	NULL
};
ATTRIBUTE_GROUPS(ivshmem);

/* ---- life ---- */

static void free_device(struct kref *kref)
{
	struct ivshmem_device *device = container_of(kref, struct ivshmem_device, kref);

	ida_destroy(&device->numbers);
	kfree(device->vector);
	kfree(device);
}

void ivshmem_device_get(struct ivshmem_device *device)
{
	kref_get(&device->kref);
}

void ivshmem_device_put(struct ivshmem_device *device)
{
	kref_put(&device->kref, free_device);
}

static struct ivshmem_device *new_device(struct pci_dev *pdev)
{
	struct ivshmem_device *device = kzalloc(sizeof(*device), GFP_KERNEL);

	if (!device)
		return NULL;
	kref_init(&device->kref);
	init_rwsem(&device->sem);
	mutex_init(&device->lock);
	INIT_LIST_HEAD(&device->clients);
	ida_init(&device->numbers);
	device->pdev = pdev;
	strscpy(device->address, pci_name(pdev), sizeof(device->address));
	device->number = ida_alloc(&device_numbers, GFP_KERNEL);
	if (device->number < 0) {
		ivshmem_device_put(device);
		return NULL;
	}
	snprintf(device->name, sizeof(device->name), "ivshmem%d", device->number);
	return device;
}

/* Opens at once, so all else is ready by now. */
static int publish(struct ivshmem_device *device)
{
	device->misc.minor = MISC_DYNAMIC_MINOR;
	device->misc.name = device->name;
	device->misc.fops = &ivshmem_fops;
	device->misc.parent = &device->pdev->dev;
	device->misc.groups = ivshmem_groups;
	return misc_register(&device->misc);
}

/* ---- the PCI driver ---- */

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ivshmem_device *device = new_device(pdev);
	int ret;

	if (!device)
		return -ENOMEM;
	ret = ivshmem_hardware_start(device);
	if (ret)
		goto put;
	ret = ivshmem_interrupts_start(device);
	if (ret)
		goto stop_hardware;
	pci_set_drvdata(pdev, device);
	ret = publish(device);
	if (ret)
		goto stop_interrupts;
	pci_info(pdev, "/dev/%s: peer %u, %u vectors, %llu bytes %scached\n",
		 device->name, device->peer_id, device->vectors, device->memory_size,
		 device->cached ? "" : "un");
	return 0;
stop_interrupts:
	ivshmem_interrupts_stop(device);
stop_hardware:
	ivshmem_hardware_stop(device);
put:
	ida_free(&device_numbers, device->number);
	ivshmem_device_put(device);
	return ret;
}

static void remove(struct pci_dev *pdev)
{
	struct ivshmem_device *device = pci_get_drvdata(pdev);

	misc_deregister(&device->misc);
	ivshmem_clients_leave(device, pci_device_is_present(pdev));
	ivshmem_interrupts_stop(device);
	ivshmem_hardware_stop(device);
	ida_free(&device_numbers, device->number);
	ivshmem_device_put(device);
}

/* Programs may still run: to them the device is gone, as they are to the others. */
static void shutdown(struct pci_dev *pdev)
{
	struct ivshmem_device *device = pci_get_drvdata(pdev);

	ivshmem_clients_leave(device, pci_device_is_present(pdev));
	ivshmem_interrupts_stop(device);
}

/* What was rung in the meantime is lost: everybody looks at the memory. */
static int __maybe_unused resume(struct device *dev)
{
	struct ivshmem_device *device = dev_get_drvdata(dev);
	int ret = ivshmem_read_peer_id(device);

	ivshmem_tell_all(device);
	return ret;
}

static void reset_done(struct pci_dev *pdev)
{
	resume(&pdev->dev);
}

static const struct dev_pm_ops pm_ops = {
	SET_SYSTEM_SLEEP_PM_OPS(NULL, resume)
};

static const struct pci_error_handlers error_handlers = {
	.reset_done = reset_done,
};

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(ID_QEMU, ID_IVSHMEM) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver ivshmem_driver = {
	.name = KBUILD_MODNAME,
	.id_table = ids,
	.probe = probe,
	.remove = remove,
	.shutdown = shutdown,
	.err_handler = &error_handlers,
	.driver.pm = &pm_ops,
};
module_pci_driver(ivshmem_driver);

MODULE_DESCRIPTION("QEMU inter-VM shared memory with doorbells, for programs");
MODULE_AUTHOR("The Bellring authors");
MODULE_LICENSE("Dual BSD/GPL");
MODULE_VERSION("1");
