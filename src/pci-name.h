/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci-name.h - the address of a PCI function, as people write it
 */
#ifndef BELL_PCI_NAME_H
#define BELL_PCI_NAME_H

#define PCI_NAME_SIZE 24 /* "0000:00:03.0", longer where domains are */

/*
 * Brings "0000:00:03.0" or "00:03.0" into the spelling of Linux. 0, or -BELL_EINVAL
 * with a detail that lists the forms of an address. Pure.
 */
int pci_parse(const char *text, char name[PCI_NAME_SIZE]);

#endif
