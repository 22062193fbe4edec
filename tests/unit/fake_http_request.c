/* SPDX-License-Identifier: MIT */
#include "fake_http_request.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define MAX_LINE 65536

static bool read_all(int fd, void *to, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = recv(fd, (char *)to + done, size - done, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* A line with its end. Byte by byte, so that nothing behind it is taken. */
static bool read_line(int fd, struct mc_buffer *line)
{
	char c;

	do {
		if (line->size > MAX_LINE || !read_all(fd, &c, 1))
			return false;
		mc_buffer_add(line, &c, 1);
	} while (c != '\n');
	return true;
}

void fake_request_free(struct fake_request *request)
{
	free((void *)(uintptr_t)request->method);
	free((void *)(uintptr_t)request->target);
	free((void *)(uintptr_t)request->headers);
	free((void *)(uintptr_t)request->body);
	free(request);
}

static bool read_headers(int fd, struct mc_buffer *headers)
{
	for (;;) {
		size_t before = headers->size;
		if (!read_line(fd, headers))
			return false;
		if (strcmp(headers->data + before, "\r\n") == 0) {
			headers->size = before;
			headers->data[before] = '\0';
			return true;
		}
	}
}

struct fake_request *fake_request_read_head(int fd)
{
	struct fake_request *request = calloc(1, sizeof *request);
	struct mc_buffer line = {0}, headers = {0};

	if (request && read_line(fd, &line) && read_headers(fd, &headers)) {
		char *rest = line.data, *method = strsep(&rest, " "), *target = strsep(&rest, " ");
		request->method = strdup(method);
		request->target = strdup(target ? target : "");
		request->headers = mc_buffer_steal(&headers, NULL);
		request->body = strdup("");
	} else {
		free(request);
		request = NULL;
	}
	mc_buffer_free(&line);
	mc_buffer_free(&headers);
	return request;
}

static const char *find_header(const struct fake_request *request, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = request->headers; *at; at = strchr(at, '\n') + 1)
		if (strncasecmp(at, name, length) == 0 && at[length] == ':')
			return at + length + 1 + strspn(at + length + 1, " ");
	return NULL;
}

static bool read_piece(int fd, struct mc_buffer *body, size_t size)
{
	char *bytes = malloc(size + 1);
	bool got = bytes && read_all(fd, bytes, size);

	if (got)
		mc_buffer_add(body, bytes, size);
	free(bytes);
	return got;
}

static bool read_chunks(int fd, struct mc_buffer *body)
{
	for (;;) {
		struct mc_buffer line = {0};
		char end[2];
		bool got = read_line(fd, &line);
		size_t size = got ? strtoul(line.data, NULL, 16) : 0;
		mc_buffer_free(&line);
		if (!got || !read_piece(fd, body, size) || !read_all(fd, end, 2))
			return false;
		if (size == 0)
			return true;
	}
}

bool fake_request_read_body(int fd, struct fake_request *request)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const char *length = find_header(request, "Content-Length"),
		   *coding = find_header(request, "Transfer-Encoding");
	struct mc_buffer body = {0};
	bool got = true;

	if (find_header(request, "Expect"))
		send(fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL);
	if (coding)
		got = read_chunks(fd, &body);
	else if (length)
		got = read_piece(fd, &body, strtoul(length, NULL, 10));
	if (!got) {
		mc_buffer_free(&body);
		return false;
	}
	free((void *)(uintptr_t)request->body);
	request->body = mc_buffer_steal(&body, &request->body_size);
	return true;
}

/* The case of an escape's digits doesn't matter: RFC 3986, section 6.2.2.1. */
bool fake_request_is_target(const struct fake_request *request, const char *expected)
{
	const char *got = request->target;

	for (; *expected || *got; expected++, got++) {
		if (*expected != *got)
			return false;
		if (*got != '%' || strlen(expected) < 3 || strlen(got) < 3)
			continue;
		if (strncasecmp(expected + 1, got + 1, 2) != 0)
			return false;
		expected += 2;
		got += 2;
	}
	return true;
}

bool fake_request_is_json(const struct fake_request *request, const char *expected)
{
	cJSON *left = cJSON_Parse(expected), *right = cJSON_Parse(request->body);
	bool same = left && right && cJSON_Compare(left, right, true);

	cJSON_Delete(left);
	cJSON_Delete(right);
	return same;
}

bool fake_request_has_line(const struct fake_request *request, const char *line)
{
	size_t length = strlen(line);

	for (const char *at = request->headers; *at; at = strchr(at, '\n') + 1)
		if (strncasecmp(at, line, length) == 0 && at[length] == '\r')
			return true;
	return false;
}

bool fake_send(int fd, const void *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = send(fd, (const char *)bytes + done, size - done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

bool fake_send_chunk(int fd, const void *bytes, size_t size)
{
	char line[32];

	snprintf(line, sizeof line, "%zx\r\n", size);
	return fake_send(fd, line, strlen(line)) && fake_send(fd, bytes, size) && fake_send(fd, "\r\n", 2);
}

bool fake_send_body(const struct fake_step *step, int fd)
{
	size_t size = step->answer_size ? step->answer_size : step->answer ? strlen(step->answer) : 0;
	size_t total = step->answer_total ? step->answer_total : size;
	size_t end = step->cut && step->cut < total ? step->cut : total;

	for (size_t done = 0; done < end;) {
		size_t n = size < end - done ? size : end - done;
		if (!(step->how == FAKE_CHUNKED ? fake_send_chunk(fd, step->answer, n)
						: fake_send(fd, step->answer, n)))
			return false;
		done += n;
	}
	if (end < total)
		return false;
	return step->how != FAKE_CHUNKED || fake_send(fd, "0\r\n\r\n", 5);
}

bool fake_send_head(const struct fake_step *step, int fd)
{
	struct mc_buffer head = {0};
	size_t size = step->answer_size ? step->answer_size : step->answer ? strlen(step->answer) : 0;
	int status = step->status ? step->status : 200;

	mc_buffer_printf(&head, "HTTP/1.1 %d Fake\r\n%s", status, step->headers ? step->headers : "");
	if (step->how == FAKE_CHUNKED || step->how == FAKE_STREAM)
		mc_buffer_text(&head, "Transfer-Encoding: chunked\r\n");
	else if (step->how == FAKE_LENGTH && status != 204)
		mc_buffer_printf(&head, "Content-Length: %zu\r\n", step->answer_total ? step->answer_total : size);
	if (step->closes || step->early)
		mc_buffer_text(&head, "Connection: close\r\n");
	mc_buffer_text(&head, "\r\n");
	bool sent = fake_send(fd, head.data, head.size);
	mc_buffer_free(&head);
	return sent;
}
