/* SPDX-License-Identifier: Apache-2.0 */
/* NET_DEVICES_PROGRAM is the path of the program knarr-net, which the build has just made. */
	.section .rodata
	.balign 16
	.globl net_devices_image
	.hidden net_devices_image
	.type net_devices_image, %object
net_devices_image:
	.incbin NET_DEVICES_PROGRAM
	.globl net_devices_image_end
	.hidden net_devices_image_end
	.type net_devices_image_end, %object
net_devices_image_end:
	.byte 0
	.size net_devices_image, . - net_devices_image
	.section .note.GNU-stack, "", %progbits
