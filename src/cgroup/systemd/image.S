/* SPDX-License-Identifier: Apache-2.0 */
/* SYSTEMD_PROGRAM is the path of the program knarr-systemd, which the build has just made. */
	.section .rodata
	.balign 16
	.globl systemd_image
	.hidden systemd_image
	.type systemd_image, %object
systemd_image:
	.incbin SYSTEMD_PROGRAM
	.globl systemd_image_end
	.hidden systemd_image_end
	.type systemd_image_end, %object
systemd_image_end:
	.byte 0
	.size systemd_image, . - systemd_image
	.section .note.GNU-stack, "", %progbits
