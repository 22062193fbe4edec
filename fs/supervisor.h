/* SPDX-License-Identifier: MIT */
#ifndef FS_SUPERVISOR_H
#define FS_SUPERVISOR_H

#include "mcloud/error.h"

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The service manager that has started this process and wants to be told how it is: sd_notify(3), whose section "Notes"
 * calls this protocol stable, and made for programs that don't link libsystemd: a datagram of a few words. */
struct mc_supervisor {
	int socket; /* -1: nobody wants to be told */
	struct sockaddr_un address;
	socklen_t length;
	int64_t watchdog_ms; /* how often it wants to hear that all is well; 0: it doesn't */
};

#define MC_SUPERVISOR_NONE ((struct mc_supervisor){.socket = -1})

/* By the environment ($NOTIFY_SOCKET, $WATCHDOG_USEC, $WATCHDOG_PID). What is wrong with it is as none. */
void mc_supervisor_open(struct mc_supervisor *supervisor);
void mc_supervisor_close(struct mc_supervisor *supervisor);

/* Sends assignments, a line each: "READY=1", "WATCHDOG=1". Never waits; what can't be sent is not said. */
void mc_supervisor_tell(const struct mc_supervisor *supervisor, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* STATUS: one line for `systemctl status`. */
void mc_supervisor_status(const struct mc_supervisor *supervisor, const char *sentence);

/* Why the process ends. */
void mc_supervisor_failed(const struct mc_supervisor *supervisor, int code, const char *sentence);

#endif
