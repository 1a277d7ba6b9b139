/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notation of tables.c, and of nothing else. T is the struct of the object at hand; the last
 * arguments of a line may be further members of struct oci_field.
 */
#ifndef OCI_SPEC_TABLES_MACROS_H
#define OCI_SPEC_TABLES_MACROS_H

#define OPTIONAL	     OCI_OPTIONAL
#define REQUIRED	     OCI_REQUIRED
#define DEFAULTED	     OCI_DEFAULTED
#define REQUIRED_UNLESS_FIFO OCI_REQUIRED_UNLESS_FIFO

/* The offset of a member, for which the compiler was made to check the type. */
#define OFFSET(member, type)                                                                  \
	(offsetof(T, member) +                                                                \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((T *)0)->member), type) ? 1 \
											  : -1]))
/* For words the type may be any integer or enum; what counts is the size. */
#define WIDTH(member)                                                                       \
	(sizeof(((T *)0)->member) +                                                         \
	 0 * sizeof(char[sizeof(((T *)0)->member) == 4 || sizeof(((T *)0)->member) == 8 ? 1 \
											: -1]))
/* The same for the items of a list. */
#define LIST_OFFSET(member, type)                                                               \
	(offsetof(T, member) +                                                                  \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(*((T *)0)->member.items),      \
						      type) &&                                  \
					 sizeof(((T *)0)->member) == sizeof(struct oci_strings) \
				 ? 1                                                            \
				 : -1]))

#define FIELD(json, need_, kind_, offset_, ...)                                              \
	{                                                                                    \
		.name = json, .name_length = sizeof(json) - 1, .need = need_, .kind = kind_, \
		.offset = offset_, __VA_ARGS__                                               \
	}
#define SCALAR(json, m, need, kind, type, ...) \
	FIELD(json, need, kind, OFFSET(m, type), .size = sizeof(type), __VA_ARGS__)

#define STRING(json, m, need, ...)   SCALAR(json, m, need, OCI_KIND_STRING, char *, __VA_ARGS__)
#define BOOL(json, m, need, ...)     SCALAR(json, m, need, OCI_KIND_BOOL, bool, __VA_ARGS__)
#define I32(json, m, need, ...)	     SCALAR(json, m, need, OCI_KIND_I32, int32_t, __VA_ARGS__)
#define I64(json, m, need, ...)	     SCALAR(json, m, need, OCI_KIND_I64, int64_t, __VA_ARGS__)
#define U32(json, m, need, ...)	     SCALAR(json, m, need, OCI_KIND_U32, uint32_t, __VA_ARGS__)
#define U64(json, m, need, ...)	     SCALAR(json, m, need, OCI_KIND_U64, uint64_t, __VA_ARGS__)
#define OPT_BOOL(json, m, need, ...) SCALAR(json, m, need, OCI_KIND_OPT_BOOL, struct oci_opt_bool)
#define OPT_I32(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_OPT_I32, struct oci_opt_i32, __VA_ARGS__)
#define OPT_I64(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_OPT_I64, struct oci_opt_i64, __VA_ARGS__)
#define OPT_U16(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_OPT_U16, struct oci_opt_u16, __VA_ARGS__)
#define OPT_U32(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_OPT_U32, struct oci_opt_u32, __VA_ARGS__)
#define OPT_U64(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_OPT_U64, struct oci_opt_u64, __VA_ARGS__)
#define LETTER(json, m, letters_, noun_, need, ...)                                      \
	SCALAR(json, m, need, OCI_KIND_LETTER, char, .letters = letters_, .noun = noun_, \
	       __VA_ARGS__)
#define WORD(json, m, words_, noun_, need, ...)                                             \
	FIELD(json, need, OCI_KIND_WORD, offsetof(T, m), .size = WIDTH(m), .words = words_, \
	      .noun = noun_, __VA_ARGS__)
#define FLAGS(json, m, words_, noun_, need, ...)                                             \
	FIELD(json, need, OCI_KIND_FLAGS, offsetof(T, m), .size = WIDTH(m), .words = words_, \
	      .noun = noun_, __VA_ARGS__)
#define OPT_FLAGS(json, m, words_, noun_, need, ...)                                         \
	SCALAR(json, m, need, OCI_KIND_OPT_FLAGS, struct oci_seccomp_flags, .words = words_, \
	       .noun = noun_, __VA_ARGS__)

#define STRINGS(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_STRINGS, struct oci_strings, __VA_ARGS__)
#define U32S(json, m, need, ...) SCALAR(json, m, need, OCI_KIND_U32S, struct oci_u32s, __VA_ARGS__)
#define STRING_MAP(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_STRING_MAP, struct oci_string_map, __VA_ARGS__)
#define WORDS(json, m, words_, noun_, need, ...)                                               \
	FIELD(json, need, OCI_KIND_WORDS, LIST_OFFSET(m, int), .words = words_, .noun = noun_, \
	      __VA_ARGS__)
#define OBJECTS(json, m, what, need, ...)                                      \
	FIELD(json, need, OCI_KIND_OBJECTS, LIST_OFFSET(m, struct oci_##what), \
	      .object = &what##_object, __VA_ARGS__)
#define OBJECT_MAP(json, m, what, need, ...)                                      \
	FIELD(json, need, OCI_KIND_OBJECT_MAP, LIST_OFFSET(m, struct oci_##what), \
	      .object = &what##_object, __VA_ARGS__)
#define OBJECT(json, m, what, need, ...)                                                      \
	SCALAR(json, m, need, OCI_KIND_OBJECT, struct oci_##what *, .object = &what##_object, \
	       __VA_ARGS__)
/* An object that is a document of its own too, so that its table has a name outside. */
#define DOCUMENT(json, m, what, need, ...)                          \
	SCALAR(json, m, need, OCI_KIND_OBJECT, struct oci_##what *, \
	       .object = &oci_##what##_object, __VA_ARGS__)
#define EMBEDDED(json, m, what, need, ...)                                 \
	FIELD(json, need, OCI_KIND_EMBEDDED, OFFSET(m, struct oci_##what), \
	      .object = &what##_object, __VA_ARGS__)
#define IGNORED(json, ...) FIELD(json, OPTIONAL, OCI_KIND_IGNORED, 0, __VA_ARGS__)

#define AT(section_)	  .section = section_
#define IN_CONFIG(anchor) AT("config.md#" anchor)
#define IN_LINUX(anchor)  AT("config-linux.md#" anchor)
#define USER_ID		  .noun = "user id"
#define GROUP_ID	  .noun = "group id"

/* Ends a table: the object itself, with the number of fields checked against the decoder's bits. */
#define DEFINE(linkage, what, section_)                                                            \
	_Static_assert(sizeof(what##_fields) / sizeof(what##_fields[0]) <= 64, "too many fields"); \
	linkage const struct oci_object what##_object = {                                          \
		.section = section_,                                                               \
		.fields = what##_fields,                                                           \
		.count = sizeof(what##_fields) / sizeof(what##_fields[0]),                         \
		.size = sizeof(T),                                                                 \
	}

#endif
