/* SPDX-License-Identifier: Apache-2.0 */
/* Broken rules of config-linux.md, but for control groups. */
#include "oci-check-cases.h"

/* clang-format off */
#define NAMESPACES_MD "config-linux.md#namespaces"
#define MAPPINGS_MD   "config-linux.md#user-namespace-mappings"
#define TIME_MD	      "config-linux.md#offset-for-time-namespace"
#define DEVICES_MD    "config-linux.md#devices"
#define NETDEV_MD     "config-linux.md#network-devices"
#define RDT_MD	      "config-linux.md#intelrdt"
#define MPOL_MD	      "config-linux.md#memory-policy"
#define SYSCTL_MD     "config-linux.md#sysctl"

const struct rule_case linux_cases[] = {
	{CONFIG_JSON, LINUX("\"namespaces\": [{\"type\": \"time\"}, {\"type\": @\"time\"}]"),
	 OCI_ERROR, "linux.namespaces[1].type", NAMESPACES_MD, "\"time\" is there more than once"},
	{CONFIG_JSON, LINUX("\"namespaces\": [{\"type\": \"pid\", \"path\": @\"proc/1/ns/pid\"}]"),
	 OCI_ERROR, "linux.namespaces[0].path", NAMESPACES_MD,
	 "must be an absolute path, not \"proc/1/ns/pid\""},
	{CONFIG_JSON, LINUX("\"maskedPaths\": @[\"/proc/keys\"]"), OCI_ERROR, "linux.maskedPaths",
	 NAMESPACES_MD, "needs a namespace of type \"mount\" in linux.namespaces"},
	{CONFIG_JSON, LINUX("\"readonlyPaths\": @[\"/proc/sys\"]"), OCI_ERROR, "linux.readonlyPaths",
	 NAMESPACES_MD, "needs a namespace of type \"mount\" in linux.namespaces"},
	{CONFIG_JSON, CONFIG("\"mounts\": [{\"destination\": \"/a\", \"type\": \"tmpfs\"}],\n"
	 "\"linux\": {\"namespaces\": @[]}"), OCI_WARNING, "linux.namespaces", NAMESPACES_MD,
	 "without a namespace of type \"mount\" the container's mounts are made in the runtime's"},

	{CONFIG_JSON, LINUX("\"namespaces\": [@{\"type\": \"user\"}]"), OCI_WARNING,
	 "linux.namespaces[0]", MAPPINGS_MD,
	 "a new user namespace without linux.uidMappings and linux.gidMappings: process.user will "
	 "be the caller himself"},
	{CONFIG_JSON, LINUX("\"gidMappings\": @[" MAP(0, 0, 1) "]"), OCI_ERROR, "linux.gidMappings",
	 MAPPINGS_MD, "needs a namespace of type \"user\" in linux.namespaces"},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": @[" MAP(0, 0, 1) "]"), OCI_ERROR,
	 "linux.uidMappings", MAPPINGS_MD, "must be given along with gidMappings"},
	{CONFIG_JSON, SPACES(USER, "\"gidMappings\": @[" MAP(0, 0, 1) "], \"uidMappings\": []"),
	 OCI_ERROR, "linux.gidMappings", MAPPINGS_MD, "must be given along with uidMappings"},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": [" MAP(0, 0, @0) "], \"gidMappings\": ["
	 MAP(0, 0, 1) "]"), OCI_ERROR, "linux.uidMappings[0].size", MAPPINGS_MD,
	 "must be greater than zero"},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": [" MAP(1, 0, @4294967295) "], \"gidMappings\": ["
	 MAP(0, 0, 4294967295) "]"), OCI_ERROR, "linux.uidMappings[0].size", MAPPINGS_MD,
	 "containerID and size go beyond the last ID, 4294967294"},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": [" MAP(0, 0, 4294967295) "], \"gidMappings\": ["
	 MAP(0, 4294967294, @2) "]"), OCI_ERROR, "linux.gidMappings[0].size", MAPPINGS_MD,
	 "hostID and size go beyond the last ID, 4294967294"},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": [" MAP(0, 0, 10) ", @" MAP(9, 100, 1)
	 "], \"gidMappings\": [" MAP(0, 0, 1) "]"), OCI_ERROR, "linux.uidMappings[1]", MAPPINGS_MD,
	 "its IDs in the container overlap those of entry 0"},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": [" MAP(0, 0, 10) ", " MAP(10, 10, 5) ", @"
	 MAP(20, 14, 2) "], \"gidMappings\": [" MAP(0, 0, 1) "]"), OCI_ERROR,
	 "linux.uidMappings[2]", MAPPINGS_MD, "its IDs outside the container overlap those of entry 1"},

	{CONFIG_JSON, LINUX("\"timeOffsets\": @{\"monotonic\": {\"secs\": 1}}"), OCI_ERROR,
	 "linux.timeOffsets", TIME_MD, "needs a namespace of type \"time\" in linux.namespaces"},
	{CONFIG_JSON, SPACES(", {\"type\": \"time\", \"path\": \"/x\"}",
	 "\"timeOffsets\": @{\"monotonic\": {\"secs\": 1}}"), OCI_ERROR, "linux.timeOffsets", TIME_MD,
	 "needs a new time namespace, and linux.namespaces[1] joins one"},
	{CONFIG_JSON, SPACES(", {\"type\": \"time\"}", "\"timeOffsets\": {\"realtime\": @{}}"), OCI_ERROR,
	 "linux.timeOffsets.realtime", TIME_MD,
	 "only the clocks \"monotonic\" and \"boottime\" have offsets"},
	{CONFIG_JSON, SPACES(", {\"type\": \"time\"}",
	 "\"timeOffsets\": {\"boottime\": {\"secs\": @9223372037}}"), OCI_ERROR,
	 "linux.timeOffsets.boottime.secs", TIME_MD,
	 "is more than the 9223372036 seconds that the kernel takes"},
	{CONFIG_JSON, SPACES(", {\"type\": \"time\"}",
	 "\"timeOffsets\": {\"boottime\": {\"secs\": @-9223372037}}"), OCI_ERROR,
	 "linux.timeOffsets.boottime.secs", TIME_MD,
	 "is more than the 9223372036 seconds that the kernel takes"},
	{CONFIG_JSON, SPACES(", {\"type\": \"time\"}",
	 "\"timeOffsets\": {\"monotonic\": {\"nanosecs\": @1000000000}}"), OCI_ERROR,
	 "linux.timeOffsets.monotonic.nanosecs", TIME_MD,
	 "1000000000 is not between 0 and 999999999"},

	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": @\"dev/a\", \"type\": \"p\"}]"), OCI_ERROR,
	 "linux.devices[0].path", DEVICES_MD, "must be an absolute path, not \"dev/a\""},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/a\", \"type\": \"c\", \"major\": @-1, "
	 "\"minor\": 0}]"), OCI_ERROR, "linux.devices[0].major", DEVICES_MD,
	 "-1 is not between 0 and 4095"},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/a\", \"type\": \"b\", \"major\": 0, "
	 "\"minor\": @1048576}]"), OCI_ERROR, "linux.devices[0].minor", DEVICES_MD,
	 "1048576 is not between 0 and 1048575"},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/a\", \"type\": \"p\", \"fileMode\": @65536}]"),
	 OCI_ERROR, "linux.devices[0].fileMode", DEVICES_MD,
	 "65536 (octal 200000) is not a file mode"},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/a\", \"type\": \"c\", \"major\": 1, \"minor\": 3},"
	 "{\"path\": @\"/a\", \"type\": \"b\", \"major\": 1, \"minor\": 3}]"), OCI_ERROR,
	 "linux.devices[1].path", DEVICES_MD, "is already another device, that of entry 0"},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/a\", \"type\": \"c\", \"major\": 1, \"minor\": 3},"
	 "{\"path\": @\"/a\", \"type\": \"u\", \"major\": 1, \"minor\": 3}]"), OCI_ADVICE,
	 "linux.devices[1].path", DEVICES_MD, "is already there, in entry 0"},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/b\", \"type\": \"c\", \"major\": 1, \"minor\": 3},"
	 "@{\"path\": \"/a\", \"type\": \"c\", \"major\": 1, \"minor\": 3}]"), OCI_ADVICE,
	 "linux.devices[1]", DEVICES_MD, "c 1:3 is already used by entry 0"},

	{CONFIG_JSON, LINUX("\"netDevices\": @{\"eth0\": {}}"), OCI_ERROR, "linux.netDevices", NETDEV_MD,
	 "needs a namespace of type \"network\" in linux.namespaces"},
	{CONFIG_JSON, SPACES(", {\"type\": \"network\"}", "\"netDevices\": {\"et/h0\": @{}}"), OCI_ERROR,
	 "linux.netDevices[\"et/h0\"]", NETDEV_MD,
	 "\"et/h0\" cannot be the name of a network interface"},
	{CONFIG_JSON, SPACES(", {\"type\": \"network\"}",
	 "\"netDevices\": {\"eth0\": {\"name\": @\"1234567890123456\"}}"), OCI_ERROR,
	 "linux.netDevices.eth0.name", NETDEV_MD,
	 "\"1234567890123456\" cannot be the name of a network interface"},
	{CONFIG_JSON, SPACES(", {\"type\": \"network\"}", "\"netDevices\": {\"eth0\": {\"name\": @\"..\"}}"),
	 OCI_ERROR, "linux.netDevices.eth0.name", NETDEV_MD,
	 "\"..\" cannot be the name of a network interface"},
	{CONFIG_JSON, SPACES(", {\"type\": \"network\"}", "\"netDevices\": {\"eth0\": {\"name\": @\"a b\"}}"),
	 OCI_ERROR, "linux.netDevices.eth0.name", NETDEV_MD,
	 "\"a b\" cannot be the name of a network interface"},

	{CONFIG_JSON, LINUX("\"cgroupsPath\": @\"/a/../../b\""), OCI_ERROR, "linux.cgroupsPath",
	 "config-linux.md#cgroups-path", "must not have \"..\" in it"},
	{CONFIG_JSON, LINUX("\"cgroupsPath\": @\"..\""), OCI_ERROR, "linux.cgroupsPath",
	 "config-linux.md#cgroups-path", "must not have \"..\" in it"},
	{CONFIG_JSON, LINUX("\"cgroupsPath\": @\"/a\\nb\""), OCI_ERROR, "linux.cgroupsPath",
	 "config-linux.md#cgroups-path", "must not contain a newline"},
	{CONFIG_JSON, CONFIG("\"domainname\": \"a\", \"linux\": {\"namespaces\": [{\"type\": \"uts\"}],"
	 " \"sysctl\": {\"kernel/domainname\": @\"b\"}}"), OCI_ERROR,
	 "linux.sysctl[\"kernel/domainname\"]", "config-linux.md#sysctl",
	 "contradicts domainname, which is \"a\""},
	{CONFIG_JSON, LINUX("\"sysctl\": {\"\": @\"1\"}"), OCI_ERROR, "linux.sysctl[\"\"]", SYSCTL_MD,
	 "a key must not be empty"},
	{CONFIG_JSON, LINUX("\"sysctl\": {\"net/../kernel/x\": @\"1\"}"), OCI_ERROR,
	 "linux.sysctl[\"net/../kernel/x\"]", SYSCTL_MD, "a key must not contain \"..\""},
	{CONFIG_JSON, LINUX("\"sysctl\": {\"net.ipv4.ip_forward\": @\"1\\n0\"}"), OCI_ERROR,
	 "linux.sysctl[\"net.ipv4.ip_forward\"]", SYSCTL_MD, "a value must not contain a newline"},
	{CONFIG_JSON, SPACES("", "\"maskedPaths\": [\"/a\", @\"proc\"]"), OCI_ERROR,
	 "linux.maskedPaths[1]", "config-linux.md#masked-paths",
	 "must be an absolute path, not \"proc\""},
	{CONFIG_JSON, SPACES("", "\"readonlyPaths\": [@\"\"]"), OCI_ERROR, "linux.readonlyPaths[0]",
	 "config-linux.md#readonly-paths", "must be an absolute path, not \"\""},
	{CONFIG_JSON, LINUX("\"mountLabel\": @\"a\\\",suid\""), OCI_ERROR, "linux.mountLabel",
	 "config-linux.md#mount-label", "must not contain a quotation mark or a newline"},

	{CONFIG_JSON, LINUX("\"intelRdt\": {\"closID\": @\"..\"}"), OCI_ERROR, "linux.intelRdt.closID",
	 RDT_MD, "\"..\" cannot be the name of a directory"},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"closID\": @\".\"}"), OCI_ERROR, "linux.intelRdt.closID",
	 RDT_MD, "\".\" cannot be the name of a directory"},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"closID\": @\"a/b\"}"), OCI_ERROR, "linux.intelRdt.closID",
	 RDT_MD, "\"a/b\" cannot be the name of a directory"},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"closID\": @\"a\\n\"}"), OCI_ERROR, "linux.intelRdt.closID",
	 RDT_MD, "\"a\\u000a\" cannot be the name of a directory"},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"l3CacheSchema\": @\"L2:0=f\"}"), OCI_WARNING,
	 "linux.intelRdt.l3CacheSchema", RDT_MD, "should start with \"L3:\""},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"l3CacheSchema\": @\"L3:0=f\\n\"}"), OCI_WARNING,
	 "linux.intelRdt.l3CacheSchema", RDT_MD, "should not contain a newline"},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"memBwSchema\": @\"MBA:0=f\"}"), OCI_ERROR,
	 "linux.intelRdt.memBwSchema", RDT_MD, "must start with \"MB:\""},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"memBwSchema\": @\"MB:0=f\\nL3:0=f\"}"), OCI_ERROR,
	 "linux.intelRdt.memBwSchema", RDT_MD, "must not contain a newline"},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"schemata\": [\"L3:0=f\", @\"L2:0=f\\n\"]}"), OCI_ERROR,
	 "linux.intelRdt.schemata[1]", RDT_MD, "must not contain a newline"},

	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_DEFAULT\", \"nodes\": @\"0\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "MPOL_DEFAULT takes no nodes"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_LOCAL\", \"nodes\": @\"0-1\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "MPOL_LOCAL takes no nodes"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": @{\"mode\": \"MPOL_BIND\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "MPOL_BIND needs at least one node"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_INTERLEAVE\", \"nodes\": @\"\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "MPOL_INTERLEAVE needs at least one node"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": @{\"mode\": \"MPOL_WEIGHTED_INTERLEAVE\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "MPOL_WEIGHTED_INTERLEAVE needs at least one node"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": @{\"mode\": \"MPOL_PREFERRED_MANY\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "MPOL_PREFERRED_MANY needs at least one node"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_BIND\", \"nodes\": @\"a\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "\"a\" is not a list of nodes like \"0-3,7\""},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_BIND\", \"nodes\": \"0\", \"flags\": "
	 "@[\"MPOL_F_STATIC_NODES\", \"MPOL_F_RELATIVE_NODES\"]}"), OCI_ERROR,
	 "linux.memoryPolicy.flags", MPOL_MD,
	 "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_PREFERRED\", \"flags\": "
	 "@[\"MPOL_F_STATIC_NODES\"]}"), OCI_ERROR, "linux.memoryPolicy.flags", MPOL_MD,
	 "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES need nodes"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_INTERLEAVE\", \"nodes\": \"0\", \"flags\": "
	 "@[\"MPOL_F_NUMA_BALANCING\"]}"), OCI_ERROR, "linux.memoryPolicy.flags", MPOL_MD,
	 "MPOL_F_NUMA_BALANCING needs MPOL_BIND or MPOL_PREFERRED_MANY"},
	{CONFIG_JSON, LINUX("\"personality\": {\"domain\": \"LINUX\", \"flags\": [@\"X\"]}"), OCI_WARNING,
	 "linux.personality.flags[0]", "config-linux.md#personality",
	 "\"X\" is ignored: the specification has no flags yet"},
	{0},
};

#define SECCOMP_MD "config-linux.md#seccomp"

const struct rule_case seccomp_cases[] = {
	{CONFIG_JSON, SECCOMP("\"defaultAction\": \"SCMP_ACT_KILL\", \"defaultErrnoRet\": @1"), OCI_ERROR,
	 "linux.seccomp.defaultErrnoRet", SECCOMP_MD, "SCMP_ACT_KILL takes no errno"},
	{CONFIG_JSON, SECCOMP("\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": @4096"),
	 OCI_ERROR, "linux.seccomp.defaultErrnoRet", SECCOMP_MD, "4096 is more than 4095"},
	{CONFIG_JSON, SECCOMP("\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerMetadata\": @\"x\""),
	 OCI_ERROR, "linux.seccomp.listenerMetadata", SECCOMP_MD,
	 "must not be set without listenerPath"},
	{CONFIG_JSON, RULE("\"names\": @[], \"action\": \"SCMP_ACT_LOG\""), OCI_ERROR,
	 "linux.seccomp.syscalls[0].names", SECCOMP_MD, "at least one entry is required"},
	{CONFIG_JSON, RULE("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"errnoRet\": @1"),
	 OCI_ERROR, "linux.seccomp.syscalls[0].errnoRet", SECCOMP_MD,
	 "SCMP_ACT_ALLOW takes no errno"},
	{CONFIG_JSON, RULE("\"names\": [\"read\"], \"action\": \"SCMP_ACT_TRACE\", \"errnoRet\": @65536"),
	 OCI_ERROR, "linux.seccomp.syscalls[0].errnoRet", SECCOMP_MD, "65536 is more than 65535"},
	{CONFIG_JSON, RULE("\"names\": [\"read\"], \"action\": \"SCMP_ACT_LOG\", \"args\": "
	 "[{\"index\": @6, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}]"), OCI_ERROR,
	 "linux.seccomp.syscalls[0].args[0].index", SECCOMP_MD, "6 is not between 0 and 5"},
	{CONFIG_JSON, RULE("\"names\": [\"read\"], \"action\": \"SCMP_ACT_LOG\", \"args\": "
	 "[{\"index\": 5, \"value\": 1, \"valueTwo\": @1, \"op\": \"SCMP_CMP_EQ\"}]"), OCI_WARNING,
	 "linux.seccomp.syscalls[0].args[0].valueTwo", SECCOMP_MD,
	 "only SCMP_CMP_MASKED_EQ looks at it"},
	{CONFIG_JSON, SECCOMP("\"defaultAction\": @\"SCMP_ACT_NOTIFY\", \"listenerPath\": \"/s\""), OCI_ERROR,
	 "linux.seccomp.defaultAction", SECCOMP_MD, "SCMP_ACT_NOTIFY cannot be the default action"},
	{CONFIG_JSON, SECCOMP("\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/s\", "
	 "\"syscalls\": [{\"names\": [\"mknod\", @\"write\"], \"action\": \"SCMP_ACT_NOTIFY\"}]"),
	 OCI_ERROR, "linux.seccomp.syscalls[0].names[1]", SECCOMP_MD,
	 "SCMP_ACT_NOTIFY cannot be used for write"},
	{CONFIG_JSON, RULE("\"names\": [\"mknod\"], \"action\": @\"SCMP_ACT_NOTIFY\"}, "
	 "{\"names\": [\"mount\"], \"action\": \"SCMP_ACT_NOTIFY\""), OCI_ERROR,
	 "linux.seccomp.syscalls[0].action", SECCOMP_MD, "SCMP_ACT_NOTIFY needs a listenerPath"},
	{0},
};
/* clang-format on */
