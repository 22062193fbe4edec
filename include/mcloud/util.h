/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_UTIL_H
#define MCLOUD_UTIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Frees when the variable leaves its scope: MC_CLEANUP(free_pointer) char *name = NULL; cleaners keep errno. */
#define MC_CLEANUP(cleaner) __attribute__((cleanup(mc_cleanup_##cleaner)))

/* Hands a pointer over: gives it and leaves NULL behind. */
#define mc_steal(pointer)                                                                                              \
	(__extension__({                                                                                               \
		__typeof__(*(pointer)) mc_stolen_ = *(pointer);                                                        \
		*(pointer) = NULL;                                                                                     \
		mc_stolen_;                                                                                            \
	}))

#define MC_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* For a type with a free function that takes NULL: MC_DEFINE_CLEANUP(buffer, struct mc_buffer *, mc_buffer_unref). */
#define MC_DEFINE_CLEANUP(name, type, function)                                                                        \
	static inline void mc_cleanup_##name(type *pointer)                                                            \
	{                                                                                                              \
		int mc_saved_ = errno;                                                                                 \
		function(*pointer);                                                                                    \
		errno = mc_saved_;                                                                                     \
	}                                                                                                              \
	struct mc_cleanup_##name##_needs_a_semicolon

void mc_cleanup_free_pointer(void *pointer_to_pointer);
void mc_cleanup_json(void *pointer_to_cjson);

/* A copy of TEXT, malloc'd; NULL of NULL. *FAILED is set when memory is out, and left alone otherwise. */
char *mc_copy_text(const char *text, bool *failed);

/* A file that holds TEXT and is on no disk, for libraries that want the path of one: RET_PATH names it within this
 * process, for as long as the descriptor that is given is open. The text is no secret. -errno. */
#define MC_TEXT_FILE_PATH 32
int mc_text_file(const char *text, char ret_path[MC_TEXT_FILE_PATH]);

/* Wipes VALUE, a cJSON, and all that is in it, of its strings; names stay. Takes NULL. */
void mc_wipe_json(void *value);

/* Frees a string, which is wiped first. Takes NULL. */
void mc_free_secret(char *secret);
MC_DEFINE_CLEANUP(secret, char *, mc_free_secret);

/* FNV-1a of 64 bits (draft-eastlake-fnv), for tables: of SIZE bytes, going on from VALUE, which is MC_HASH_START at
 * first. Whoever chooses the bytes can choose collisions. */
#define MC_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t mc_hash(uint64_t value, const void *bytes, size_t size);
/* The same of a string, folded so that its low bits know of all. */
uint64_t mc_hash_text(const char *text);

/* CLOCK_MONOTONIC in milliseconds and CLOCK_REALTIME in seconds. */
int64_t mc_now_ms(void);
double mc_wall_clock(void);
/* CLOCK_BOOTTIME in milliseconds: as CLOCK_MONOTONIC, but it goes on while the machine sleeps. */
int64_t mc_boot_ms(void);

/* WHEN as "2026-11-23T01:02:03.456Z"; SIZE of TEXT is 25 at least. */
void mc_format_time(double when, char *text, size_t size);

/* Seconds since 1970 of an RFC 3339 time ("2026-11-23T01:02:03.456789012Z", offset, or no zone = UTC); 0 for none or a
 * bad one. */
double mc_parse_time(const char *text);

/* Length of the UTF-8 sequence (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF) that TEXT begins with; 0:
 * none. */
size_t mc_utf8_sequence(const char *text);

/* Takes out of TEXT what isn't UTF-8, as what was cut in the middle of a character. */
void mc_utf8_tidy(char *text);

/* BYTES of randomness as 2 * BYTES hex digits in TEXT (which holds one more). 0 or -errno. */
int mc_random_hex(char *text, size_t bytes);

/* A random UUID (RFC 4122, version 4) as text. 0 or -errno. */
#define MC_UUID_SIZE 37
int mc_random_uuid(char text[MC_UUID_SIZE]);

#endif
