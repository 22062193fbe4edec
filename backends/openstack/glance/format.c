/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"

#include "mcloud/util.h"

#include <string.h>

/* What the formats begin with, the more telling first. A raw disk may hold anything, so it is what nothing else is; so
 * are formats that Glance has no name for (qcow version 1, qed). */
static const struct {
	size_t offset, size;
	const char *signature;
	const char *format; /* disk_format of the Image API */
} signatures[] = {
	{0, 8, "QFI\xfb\0\0\0\x02", "qcow2"}, {0, 8, "QFI\xfb\0\0\0\x03", "qcow2"}, {0, 4, "KDMV", "vmdk"},
	{0, 4, "COWD", "vmdk"}, {0, 21, "# Disk DescriptorFile", "vmdk"}, {0, 8, "vhdxfile", "vhdx"},
	{0, 8, "conectix", "vhd"}, {0, 16, "WithoutFreeSpace", "ploop"}, {0, 16, "WithouFreSpacExt", "ploop"},
	{64, 4, "\x7f\x10\xda\xbe", "vdi"},
	{32769, 5, "CD001", "iso"}, /* ECMA-119, 8.1: the first volume descriptor, in sector 16 */
	{32769, 5, "BEA01", "iso"}, /* ECMA-167, 2/9.2: the same of a disc that has UDF only */
};

const char *mc_glance_format(const void *bytes, size_t size)
{
	for (size_t i = 0; i < MC_COUNT(signatures); i++)
		if (size >= signatures[i].offset + signatures[i].size &&
			!memcmp((const char *)bytes + signatures[i].offset, signatures[i].signature,
				signatures[i].size))
			return signatures[i].format;
	return "raw";
}

const char *mc_glance_format_by_end(const void *bytes, size_t size, int64_t total)
{
	static const char cookie[] = "conectix";

	/* A fixed VHD is a raw disk with a footer behind it; those that grow have a copy of it in front, too. */
	if (size < MC_GLANCE_FOOTER_BYTES || total % MC_GLANCE_FOOTER_BYTES != 0)
		return NULL;
	const char *footer = (const char *)bytes + size - MC_GLANCE_FOOTER_BYTES;
	return memcmp(footer, cookie, strlen(cookie)) == 0 ? "vhd" : NULL;
}
