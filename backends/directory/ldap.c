/* SPDX-License-Identifier: MIT */
#include "backends/directory/ldap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 500 }; /* entries; slapd's usual limit for one answer */

static void mc_cleanup_memory(char **memory)
{
	ldap_memfree(*memory);
}

static void mc_cleanup_message(LDAPMessage **message)
{
	ldap_msgfree(*message);
}

static void mc_cleanup_controls(LDAPControl ***controls)
{
	ldap_controls_free(*controls);
}

static void mc_cleanup_berval(struct berval *value)
{
	ber_memfree(value->bv_val);
}

static int send_search(LDAP *ld, const struct mc_ldap_request *request, LDAPControl **controls, int *ret_id)
{
	/* libldap only reads the names; its parameter is older than const. */
	char **attributes = (char **)(uintptr_t)request->attributes;

	return ldap_search_ext(ld, request->dn, request->scope, request->filter ? request->filter : "(objectClass=*)",
		attributes, 0, controls, NULL, NULL, LDAP_NO_LIMIT, ret_id);
}

static int send_compare(LDAP *ld, const struct mc_ldap_request *request, LDAPControl **controls, int *ret_id)
{
	struct berval value = request->value;

	return ldap_compare_ext(ld, request->dn, request->attribute, &value, controls, NULL, ret_id);
}

static int send_add(LDAP *ld, const struct mc_ldap_request *request, LDAPControl **controls, int *ret_id)
{
	return ldap_add_ext(ld, request->dn, request->mods, controls, NULL, ret_id);
}

static int send_modify(LDAP *ld, const struct mc_ldap_request *request, LDAPControl **controls, int *ret_id)
{
	return ldap_modify_ext(ld, request->dn, request->mods, controls, NULL, ret_id);
}

static int send_delete(LDAP *ld, const struct mc_ldap_request *request, LDAPControl **controls, int *ret_id)
{
	return ldap_delete_ext(ld, request->dn, controls, NULL, ret_id);
}

static int send_rename(LDAP *ld, const struct mc_ldap_request *request, LDAPControl **controls, int *ret_id)
{
	return ldap_rename(
		ld, request->dn, request->new_rdn, request->new_parent, !request->keep_old_rdn, controls, NULL, ret_id);
}

static int send_password(LDAP *ld, const struct mc_ldap_request *request, LDAPControl **controls, int *ret_id)
{
	struct berval user = {.bv_len = strlen(request->dn), .bv_val = (char *)(uintptr_t)request->dn};
	struct berval new = request->value;

	return ldap_passwd(ld, &user, NULL, &new, controls, NULL, ret_id);
}

static const struct {
	const char *name, *verb; /* for the journal, and for sentences */
	int (*send)(LDAP *ld, const struct mc_ldap_request *request, LDAPControl **controls, int *ret_id);
	bool asks; /* changes nothing, so it may be sent again */
} kinds[] = {
	[MC_LDAP_SEARCH] = {"SEARCH", "search", send_search, true},
	[MC_LDAP_COMPARE] = {"COMPARE", "compare", send_compare, true},
	[MC_LDAP_ADD] = {"ADD", "add", send_add, false},
	[MC_LDAP_MODIFY] = {"MODIFY", "change", send_modify, false},
	[MC_LDAP_DELETE] = {"DELETE", "delete", send_delete, false},
	[MC_LDAP_RENAME] = {"RENAME", "rename", send_rename, false},
	[MC_LDAP_PASSWORD] = {"PASSWORD", "set the password of", send_password, false},
};

/* One request on one connection. */
struct exchange {
	struct mc_directory *directory;
	struct mc_call *call;
	const struct mc_ldap_request *request;
	struct mc_ldap_connection *connection;
	int code;      /* resultCode, or libldap's */
	bool answered; /* nothing is outstanding on the connection: it can be kept */
	bool again;    /* the connection broke, and the request may be sent on another */
	unsigned entries;
};

/* What became of it when no answer came: RESULT of mc_ldap_receive(). */
static int unanswered(struct exchange *exchange, int result, struct mc_error *error)
{
	const struct mc_directory *directory = exchange->directory;
	const char *verb = kinds[exchange->request->kind].verb, *dn = exchange->request->dn;

	switch (result) {
	case -EINTR:
		return mc_ldap_fail(error, EINTR, "cannot %s \"%s\": interrupted", verb, dn);
	case -ETIMEDOUT:
		return mc_ldap_fail(
			error, ETIMEDOUT, "cannot %s \"%s\": %s did not answer in time", verb, dn, directory->url);
	case -ECONNREFUSED:
		exchange->code = LDAP_SERVER_DOWN;
		exchange->again = kinds[exchange->request->kind].asks && exchange->entries == 0;
		return mc_ldap_fail(error, ECONNREFUSED,
			"cannot %s \"%s\": %s broke the connection before it answered%s", verb, dn, directory->url,
			kinds[exchange->request->kind].asks ? "" : ", so it may have been done or not");
	default:
		return mc_ldap_fail(error, -result, "cannot %s \"%s\": %s", verb, dn, strerrordesc_np(-result));
	}
}

/* libldap couldn't send the request; a broken connection is known by what it says. */
static int unsent(struct exchange *exchange, struct mc_error *error)
{
	const struct mc_ldap_request *request = exchange->request;

	exchange->again = exchange->code == LDAP_SERVER_DOWN || exchange->code == LDAP_CONNECT_ERROR;
	return mc_ldap_fail(error, mc_ldap_errno(exchange->code), "cannot %s \"%s\": %s", kinds[request->kind].verb,
		request->dn, ldap_err2string(exchange->code));
}

/* The last message of an answer: resultCode, and the cookie of the next page if there is one. */
static int conclude(struct exchange *exchange, LDAPMessage *message, struct berval *ret_cookie, struct mc_error *error)
{
	MC_CLEANUP(memory) char *diagnostic = NULL;
	MC_CLEANUP(controls) LDAPControl **controls = NULL;
	const struct mc_ldap_request *request = exchange->request;
	LDAP *ld = exchange->connection->ld;

	if (ldap_parse_result(ld, message, &exchange->code, NULL, &diagnostic, NULL, &controls, 0) != LDAP_SUCCESS)
		return mc_ldap_fail(
			error, EIO, "cannot %s \"%s\": no proper LDAP answer", kinds[request->kind].verb, request->dn);
	exchange->answered = true;
	LDAPControl *page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	ber_int_t estimate;
	if (page && ldap_parse_pageresponse_control(ld, page, &estimate, ret_cookie) != LDAP_SUCCESS)
		return mc_ldap_fail(
			error, EIO, "cannot search \"%s\": no proper page control in the answer", request->dn);
	int number = mc_ldap_errno(exchange->code);
	if (number == 0)
		return 0;
	bool told = diagnostic && *diagnostic;
	return mc_ldap_fail(error, number, "cannot %s \"%s\": %s%s%s%s", kinds[request->kind].verb, request->dn,
		ldap_err2string(exchange->code), told ? " (" : "", told ? diagnostic : "", told ? ")" : "");
}

/* All messages of the answer to MESSAGE_ID. */
static int receive_results(struct exchange *exchange, int message_id, struct berval *ret_cookie, struct mc_error *error)
{
	struct mc_ldap_connection *connection = exchange->connection;

	for (;;) {
		MC_CLEANUP(message) LDAPMessage *message = NULL;
		int result = mc_ldap_receive(connection, exchange->call, message_id, &message);
		if (result < 0) {
			if (result != -ECONNREFUSED)
				ldap_abandon_ext(connection->ld, message_id, NULL, NULL);
			return unanswered(exchange, result, error);
		}
		if (result == LDAP_RES_SEARCH_REFERENCE || result == LDAP_RES_INTERMEDIATE)
			continue;
		if (result != LDAP_RES_SEARCH_ENTRY)
			return conclude(exchange, message, ret_cookie, error);
		exchange->entries++;
		const struct mc_ldap_request *request = exchange->request;
		result = request->entry ? request->entry(request->data, connection->ld, message, error) : 0;
		if (result != 0) {
			ldap_abandon_ext(connection->ld, message_id, NULL, NULL);
			return result;
		}
	}
}

/* Sends and receives, page by page in a search: the server keeps its cookie with the connection. */
static int talk(struct exchange *exchange, struct mc_error *error)
{
	const struct mc_ldap_request *request = exchange->request;
	LDAP *ld = exchange->connection->ld;
	MC_CLEANUP(berval) struct berval cookie = {0};
	bool paged = request->kind == MC_LDAP_SEARCH && request->scope != LDAP_SCOPE_BASE;

	do {
		LDAPControl *controls[] = {NULL, NULL};
		int message_id;
		exchange->answered = false;
		if (paged) {
			exchange->code = ldap_create_page_control(ld, PAGE, &cookie, 0, &controls[0]);
			if (exchange->code != LDAP_SUCCESS)
				return unsent(exchange, error);
		}
		exchange->code = kinds[request->kind].send(ld, request, paged ? controls : NULL, &message_id);
		if (controls[0])
			ldap_control_free(controls[0]);
		if (exchange->code != LDAP_SUCCESS)
			return unsent(exchange, error);
		ber_memfree(cookie.bv_val);
		cookie = (struct berval){0};
		int result = receive_results(exchange, message_id, &cookie, error);
		if (result < 0)
			return result;
	} while (cookie.bv_len > 0);
	return 0;
}

int mc_ldap_perform(struct mc_directory *directory, struct mc_call *call, const struct mc_ldap_request *request,
	int *ret_code, struct mc_error *error)
{
	struct exchange exchange = {
		.directory = directory, .call = call, .request = request, .code = LDAP_CONNECT_ERROR};
	int64_t begin = mc_now_ms();
	int result;

	for (bool fresh = false;; fresh = true) {
		MC_CLEANUP(ldap_connection) struct mc_ldap_connection *connection = NULL;
		result = mc_ldap_acquire(directory, call, fresh, &connection, error);
		if (result < 0)
			break;
		bool reused = connection->reused;
		exchange.connection = connection;
		exchange.again = false;
		result = talk(&exchange, error);
		if (exchange.answered)
			mc_ldap_release(directory, mc_steal(&connection));
		if (!exchange.again || !reused)
			break;
	}
	if (directory->journal) {
		char text[160];
		snprintf(text, sizeof text, "%s %s", kinds[request->kind].name, request->dn);
		mc_journal_add(directory->journal, "ldap", text, result, (double)(mc_now_ms() - begin));
	}
	if (ret_code)
		*ret_code = exchange.code;
	if (result == 0 && error)
		*error = (struct mc_error){0};
	return result;
}

int mc_ldap_change(struct mc_directory *directory, struct mc_call *call, enum mc_ldap_kind kind, const char *dn,
	const struct mc_ldap_change *changes, size_t n, int *ret_code, struct mc_error *error)
{
	enum { VALUES = MC_COUNT(changes->values) };
	LDAPMod mods[MC_LDAP_CHANGES], *list[MC_LDAP_CHANGES + 1] = {NULL};
	struct berval values[MC_LDAP_CHANGES][VALUES], *pointers[MC_LDAP_CHANGES][VALUES + 1];

	for (size_t i = 0; i < n && i < MC_LDAP_CHANGES; i++) {
		size_t count = 0;
		for (; count < VALUES && changes[i].values[count]; count++) {
			const char *value = changes[i].values[count];
			values[i][count] = (struct berval){.bv_len = strlen(value), .bv_val = (char *)(uintptr_t)value};
			pointers[i][count] = &values[i][count];
		}
		pointers[i][count] = NULL;
		mods[i] = (LDAPMod){
			.mod_op = changes[i].operation | LDAP_MOD_BVALUES,
			.mod_type = (char *)(uintptr_t)changes[i].attribute,
			.mod_bvalues = count > 0 ? pointers[i] : NULL,
		};
		list[i] = &mods[i];
	}
	const struct mc_ldap_request request = {.kind = kind, .dn = dn, .mods = list};
	return mc_ldap_perform(directory, call, &request, ret_code, error);
}

int mc_ldap_password(struct mc_directory *directory, struct mc_call *call, const char *dn, const char *password,
	struct mc_error *error)
{
	const struct mc_ldap_request request = {
		.kind = MC_LDAP_PASSWORD,
		.dn = dn,
		.value = {.bv_len = strlen(password), .bv_val = (char *)(uintptr_t)password},
	};

	return mc_ldap_perform(directory, call, &request, NULL, error);
}

struct mc_directory *mc_directory_new(const struct mc_directory_options *options)
{
	struct mc_directory *directory = calloc(1, sizeof *directory);
	bool failed = false;

	if (!directory)
		return NULL;
	pthread_mutex_init(&directory->lock, NULL);
	directory->journal = options->journal;
	directory->url = strdup(options->url);
	directory->suffix = strdup(options->suffix);
	directory->bind_dn = strdup(options->bind_dn);
	directory->password = strdup(options->password);
	directory->ca_pem = mc_copy_text(options->ca_pem, &failed);
	if (failed || !directory->url || !directory->suffix || !directory->bind_dn || !directory->password ||
		mc_ldap_dn(options->suffix, "ou", "Users", &directory->users_dn, NULL) < 0 ||
		mc_ldap_dn(options->suffix, "ou", "Groups", &directory->groups_dn, NULL) < 0) {
		mc_directory_free(directory);
		return NULL;
	}
	return directory;
}

void mc_directory_free(struct mc_directory *directory)
{
	if (!directory)
		return;
	while (directory->idle) {
		struct mc_ldap_connection *connection = directory->idle;
		directory->idle = connection->next;
		mc_ldap_connection_free(connection);
	}
	pthread_mutex_destroy(&directory->lock);
	mc_free_secret(directory->password);
	free(directory->bind_dn);
	free(directory->ca_pem);
	free(directory->groups_dn);
	free(directory->users_dn);
	free(directory->suffix);
	free(directory->url);
	free(directory);
}

const char *mc_directory_url(const struct mc_directory *directory)
{
	return directory->url;
}

int mc_directory_ping(struct mc_directory *directory, struct mc_call *call, struct mc_error *error)
{
	/* The root DSE, RFC 4512, section 5.1; "1.1" asks for no attributes, RFC 4511, section 4.5.1.8. */
	static const char *const nothing[] = {LDAP_NO_ATTRS, NULL};
	const struct mc_ldap_request request = {
		.kind = MC_LDAP_SEARCH, .dn = "", .scope = LDAP_SCOPE_BASE, .attributes = nothing};

	return mc_ldap_perform(directory, call, &request, NULL, error);
}
