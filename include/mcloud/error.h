/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_ERROR_H
#define MCLOUD_ERROR_H

/* Why something failed. Functions return 0 or a negative errno and, where they take a struct mc_error, fill it:
 * the lowest layer that knows sets it, the layers above add their context in front. */
struct mc_error {
	int code;            /* errno, positive; 0: nothing failed */
	int http_status;     /* of the service's answer; 0: there was none */
	char service[24];    /* "keystone-Kista", "engine", "ldap"; empty: mcloudfs itself */
	char request_id[48]; /* X-Openstack-Request-Id; empty: none */
	char message[512];   /* a sentence without a full stop; never holds a secret */
};

/* Sets all of ERROR (may be NULL): CODE is a positive errno. Gives -CODE, so that `return mc_error_set(...)` reads
 * well. */
int mc_error_set(struct mc_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "FORMAT…: " in front of the message that is there. Gives -code of ERROR (-EIO where ERROR is NULL or empty). */
int mc_error_context(struct mc_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As mc_error_set(), with strerror(CODE) behind the sentence. */
int mc_error_errno(struct mc_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The errno's name, "ENOENT"; for one without a name "EIO". Constant storage. */
const char *mc_error_name(int code);

#endif
