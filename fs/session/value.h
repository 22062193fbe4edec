/* SPDX-License-Identifier: MIT */
#ifndef FS_SESSION_VALUE_H
#define FS_SESSION_VALUE_H

#include "fs/request/request.h"

/* Writing values and controls through open files. */

/* Whether a write of request->size bytes may be tried; else fills request->error. */
int mc_value_check(struct mc_request *request, size_t size);

/* request->run of a write. */
void mc_value_write(struct mc_request *request);

/* truncate(2), ftruncate(2): an open file is emptied at its close, if nothing is written into it until then; without
 * one it is emptied now. 0 or -errno. */
int mc_value_truncate(struct mc_request *request, int64_t size);

/* The file was opened with O_TRUNC. */
void mc_value_opened(struct mc_handle *handle);

/* Whether HANDLE was truncated and nothing has been written into it since. */
bool mc_value_is_truncated(struct mc_handle *handle);

/* request->run of the close of such a file: the last of its descriptors makes the value empty. */
void mc_value_close(struct mc_request *request);

#endif
