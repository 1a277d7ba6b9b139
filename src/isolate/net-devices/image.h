/* SPDX-License-Identifier: Apache-2.0 */
/* The program knarr-net, as the linker put it there (net-devices/image.S). */
#ifndef ISOLATE_NET_DEVICES_IMAGE_H
#define ISOLATE_NET_DEVICES_IMAGE_H

extern const unsigned char net_devices_image[], net_devices_image_end[];

#endif
