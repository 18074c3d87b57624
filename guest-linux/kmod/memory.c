// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Mappings: the shared memory at 0, the page of the registers behind it.
 *
 * Pages come by faults, not in mmap(): the kernel finds a mapping to take it away
 * only after mmap() has returned.
 */

#include <linux/pfn.h>
#include <linux/slab.h>

#include "compat.h"
#include "device.h"

#define BATCH PMD_SIZE	/* bytes that one fault brings in */

static unsigned long memory_pages(const struct ivshmem_device *device)
{
	return device->memory_size >> PAGE_SHIFT;
}

u64 ivshmem_registers_offset(const struct ivshmem_device *device)
{
	return device->registers_mappable ? device->memory_size : 0;
}

static unsigned long pfn_of(const struct ivshmem_device *device, pgoff_t page)
{
	if (page < memory_pages(device))
		return PHYS_PFN(device->memory_at) + page;
	return PHYS_PFN(pci_resource_start(device->pdev, 0));
}

/* The page itself, and those around it that are in this mapping. */
static vm_fault_t insert(struct ivshmem_device *device, struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long at = max(vma->vm_start, vmf->address & ~(BATCH - 1));
	unsigned long end = min(vma->vm_end - 1, vmf->address | (BATCH - 1));
	unsigned long pfn = pfn_of(device, vmf->pgoff);
	vm_fault_t ret = vmf_insert_pfn(vma, vmf->address & PAGE_MASK, pfn);

	if (ret & VM_FAULT_ERROR)
		return ret;
	pfn -= ((vmf->address & PAGE_MASK) - at) >> PAGE_SHIFT;
	for (; at < end; at += PAGE_SIZE, pfn++)
		if (vmf_insert_pfn(vma, at, pfn) & VM_FAULT_ERROR)
			break;	/* that page can still come by itself */
	return ret;
}

static struct page *blank_page(struct ivshmem_client *client)
{
	struct page *page = READ_ONCE(client->blank);
	struct page *first;

	if (page)
		return page;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return NULL;
	first = cmpxchg(&client->blank, NULL, page);
	if (!first)
		return page;
	__free_page(page);
	return first;
}

/*
 * A program must not die of a device that went. It gets memory of its own instead,
 * one page for all; the file holds that, and each mapping holds the file.
 */
static vm_fault_t insert_blank(struct ivshmem_client *client, struct vm_fault *vmf)
{
	struct page *page = blank_page(client);

	if (!page)
		return VM_FAULT_OOM;
	return vmf_insert_pfn_prot(vmf->vma, vmf->address & PAGE_MASK, page_to_pfn(page),
				   vm_get_page_prot(vmf->vma->vm_flags));
}

static vm_fault_t fault(struct vm_fault *vmf)
{
	struct ivshmem_client *client = vmf->vma->vm_private_data;
	struct ivshmem_device *device = client->device;
	vm_fault_t ret;

	down_read(&device->sem);
	ret = device->gone ? insert_blank(client, vmf) : insert(device, vmf);
	up_read(&device->sem);
	return ret;
}

static const struct vm_operations_struct vm_ops = {
	.fault = fault,
};

static bool is_memory(const struct ivshmem_device *device, unsigned long first,
		      unsigned long count)
{
	unsigned long pages = memory_pages(device);

	return first < pages && count <= pages - first;
}

static bool is_registers(const struct ivshmem_device *device, unsigned long first,
			 unsigned long count)
{
	return device->registers_mappable && first == memory_pages(device) && count == 1;
}

int ivshmem_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ivshmem_client *client = file->private_data;
	struct ivshmem_device *device = client->device;

	if (READ_ONCE(device->gone))
		return -ENODEV;
	/* A private copy of a page without a struct page is not to be had. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (is_registers(device, vma->vm_pgoff, vma_pages(vma)))
		vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	else if (!is_memory(device, vma->vm_pgoff, vma_pages(vma)))
		return -EINVAL;
	vma->vm_page_prot = pgprot_decrypted(vma->vm_page_prot);
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = client;
	vma->vm_ops = &vm_ops;
	return 0;
}
