// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The device's BARs: registers and shared memory. */

#include <linux/io.h>
#include <linux/slab.h>

#include "device.h"

#define BAR_REGISTERS	0
#define BAR_MEMORY	2

#define REG_POSITION	0x08
#define REG_DOORBELL	0x0c
#define REGISTERS_SIZE	0x10

int ivshmem_read_peer_id(struct ivshmem_device *device)
{
	u32 id = ioread32(device->registers + REG_POSITION);

	if (id > U16_MAX) {
		pci_err(device->pdev, "peer id %#x is none: is this revision 1 of the device?\n",
			id);
		return -ENODEV;
	}
	WRITE_ONCE(device->peer_id, id);
	return 0;
}

void ivshmem_ring(struct ivshmem_device *device, u32 peer, u32 vector)
{
	mb();	/* the peer looks at the memory as soon as it is rung */
	iowrite32(peer << 16 | vector, device->registers + REG_DOORBELL);
}

/*
 * The registers are 256 bytes. Their page can be given to users only if nothing else
 * is in it, now or later: the rest of it is claimed, as vfio-pci does.
 */
static bool claim_page(struct ivshmem_device *device)
{
	struct resource *registers = &device->pdev->resource[BAR_REGISTERS];
	struct resource *rest = &device->rest_of_page;

	if (!PAGE_ALIGNED(registers->start))
		return false;
	if (resource_size(registers) >= PAGE_SIZE)
		return true;
	rest->name = "ivshmem rest of the registers' page";
	rest->start = registers->end + 1;
	rest->end = registers->start + PAGE_SIZE - 1;
	rest->flags = registers->flags;
	return registers->parent && !request_resource(registers->parent, rest);
}

/*
 * x86 remembers one memory type for each physical page, and gives it to the users'
 * mappings as well: what the kernel's own mapping got is what they get.
 */
static bool is_cached(void *memory)
{
#ifdef CONFIG_X86
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)memory, &level);

	return pte && !(pte_flags(*pte) & (_PAGE_PWT | _PAGE_PCD));
#else
	return true;
#endif
}

static int map_memory(struct ivshmem_device *device)
{
	struct pci_dev *pdev = device->pdev;

	device->memory_at = pci_resource_start(pdev, BAR_MEMORY);
	device->memory_size = pci_resource_len(pdev, BAR_MEMORY);
	if (!device->memory_size || !PAGE_ALIGNED(device->memory_at) ||
	    !PAGE_ALIGNED(device->memory_size)) {
		pci_err(pdev, "the memory of %llu bytes at %pa is not made of whole pages of %lu\n",
			device->memory_size, &device->memory_at, PAGE_SIZE);
		return -ENODEV;
	}
	device->memory = memremap(device->memory_at, device->memory_size, MEMREMAP_WB);
	if (!device->memory) {
		pci_err(pdev, "no address space for the memory of %llu bytes\n",
			device->memory_size);
		return -ENOMEM;
	}
	device->cached = is_cached(device->memory);
	return 0;
}

static int map_registers(struct ivshmem_device *device)
{
	struct pci_dev *pdev = device->pdev;

	if (pci_resource_len(pdev, BAR_REGISTERS) < REGISTERS_SIZE) {
		pci_err(pdev, "BAR 0 has no registers\n");
		return -ENODEV;
	}
	device->registers = pci_iomap(pdev, BAR_REGISTERS, 0);
	if (!device->registers)
		return -ENOMEM;
	device->registers_mappable = claim_page(device);
	return ivshmem_read_peer_id(device);
}

int ivshmem_hardware_start(struct ivshmem_device *device)
{
	int ret;

	ret = pci_enable_device(device->pdev);
	if (ret)
		return ret;
	ret = pci_request_regions(device->pdev, KBUILD_MODNAME);
	if (ret)
		goto disable;
	ret = map_registers(device);
	if (!ret)
		ret = map_memory(device);
	if (ret)
		ivshmem_hardware_stop(device);
	return ret;
disable:
	pci_disable_device(device->pdev);
	return ret;
}

void ivshmem_hardware_stop(struct ivshmem_device *device)
{
	if (device->memory)
		memunmap(device->memory);
	device->memory = NULL;
	if (device->rest_of_page.parent)
		release_resource(&device->rest_of_page);
	if (device->registers)
		pci_iounmap(device->pdev, device->registers);
	device->registers = NULL;
	pci_release_regions(device->pdev);
	pci_disable_device(device->pdev);
}
