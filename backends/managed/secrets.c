/* SPDX-License-Identifier: MIT */
#include "backends/managed/secrets.h"

#include "backends/managed/certificates.h"
#include "backends/managed/services/fernet.h"
#include "backends/managed/services/table.h"
#include "mcloud/lock.h"
#include "mcloud/state_dir.h"
#include "mcloud/util.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The cloud's passwords and keys, in one file of its state_dir. */

#define SECRET_BYTES 24
#define SECRETS_MAX (MC_SECRETS + 2 * MC_SERVICES_MAX)
#define NAME_ROOM 64
#define FILE_LIMIT (64 * 1024)

struct mc_secrets {
	mc_mutex lock; /* guards fernet, the CA, and the file (held while that is written, so that none gets lost);
				 stands alone */
	char *directory, *name;                         /* constant */
	char values[SECRETS_MAX][2 * SECRET_BYTES + 1]; /* constant; by secret, then two a service */
	struct mc_key fernet[MC_FERNET_KEYS];
	size_t n_fernet;
	struct mc_key credential[2]; /* constant */
	size_t n_credential;
	char *ca_key, *ca_certificate; /* PEM; NULL, both: there is none */
};

static const char *const secret_names[MC_SECRETS] = {
	[MC_SECRET_ADMIN] = "admin",
	[MC_SECRET_DB_ROOT] = "db_root",
	[MC_SECRET_LDAP_ADMIN] = "ldap_admin",
	[MC_SECRET_LDAP_KEYSTONE] = "ldap_keystone",
};

static size_t index_of_schema(const struct mc_service *service)
{
	return MC_SECRETS + (size_t)2 * mc_service_index(service);
}

static size_t index_of_account(const struct mc_service *service)
{
	return index_of_schema(service) + 1;
}

/* The service that has secret I; NULL: none. */
static const struct mc_service *service_of_secret(size_t i)
{
	for (const struct mc_service *service = mc_services; service->name; service++)
		if (i == index_of_schema(service) || i == index_of_account(service))
			return service;
	return NULL;
}

/* What secret I is called in the file; false: there is no such secret. */
static bool name_of_secret(size_t i, char name[NAME_ROOM])
{
	const struct mc_service *service = service_of_secret(i);

	*name = '\0';
	if (i < MC_SECRETS)
		snprintf(name, NAME_ROOM, "%s", secret_names[i]);
	else if (service && i == index_of_schema(service) && service->schema.user)
		snprintf(name, NAME_ROOM, "db_%s", service->schema.user);
	else if (service && i == index_of_account(service) && service->account)
		snprintf(name, NAME_ROOM, "%s", service->account);
	return *name;
}

MC_DEFINE_CLEANUP(secrets, struct mc_secrets *, mc_secrets_free);

void mc_secrets_free(struct mc_secrets *secrets)
{
	if (!secrets)
		return;
	free(secrets->directory);
	free(secrets->name);
	mc_free_secret(secrets->ca_key);
	free(secrets->ca_certificate);
	pthread_mutex_destroy(&secrets->lock);
	explicit_bzero(secrets, sizeof(*secrets));
	free(secrets);
}

int mc_secrets_new_key(struct mc_key *key, unsigned index)
{
	unsigned char bytes[32], text[48];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -EIO;
	EVP_EncodeBlock(text, bytes, sizeof(bytes));
	for (unsigned char *c = text; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c; /* RFC 4648, section 5 */
	*key = (struct mc_key){.index = index, .created = mc_wall_clock()};
	memcpy(key->text, text, sizeof(key->text) - 1);
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(text, sizeof(text));
	return 0;
}

static cJSON *keys_to_json(const struct mc_key *keys, size_t n_keys)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; i < n_keys; i++) {
		cJSON *item = cJSON_CreateObject();

		cJSON_AddNumberToObject(item, "index", keys[i].index);
		cJSON_AddStringToObject(item, "key", keys[i].text);
		cJSON_AddNumberToObject(item, "created", keys[i].created);
		cJSON_AddItemToArray(array, item);
	}
	return array;
}

static size_t keys_from_json(const cJSON *array, struct mc_key *keys, size_t room)
{
	size_t n = 0;
	const cJSON *item;

	cJSON_ArrayForEach(item, array)
	{
		const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "key"));
		const cJSON *index = cJSON_GetObjectItemCaseSensitive(item, "index");
		const cJSON *created = cJSON_GetObjectItemCaseSensitive(item, "created");

		if (n == room || !text || strlen(text) != sizeof(keys->text) - 1 || !cJSON_IsNumber(index))
			return 0;
		keys[n] = (struct mc_key){.index = (unsigned)index->valueint};
		keys[n].created = cJSON_IsNumber(created) ? created->valuedouble : 0;
		memcpy(keys[n++].text, text, sizeof(keys->text));
	}
	return n;
}

static char *secrets_to_text(const struct mc_secrets *secrets)
{
	MC_CLEANUP(json) cJSON *root = cJSON_CreateObject();
	char name[NAME_ROOM];

	for (size_t i = 0; i < SECRETS_MAX; i++)
		if (name_of_secret(i, name))
			cJSON_AddStringToObject(root, name, secrets->values[i]);
	cJSON_AddItemToObject(root, "fernet", keys_to_json(secrets->fernet, secrets->n_fernet));
	cJSON_AddItemToObject(root, "credential", keys_to_json(secrets->credential, secrets->n_credential));
	if (secrets->ca_key) {
		cJSON_AddStringToObject(root, "ca_key", secrets->ca_key);
		cJSON_AddStringToObject(root, "ca_certificate", secrets->ca_certificate);
	}
	return cJSON_Print(root);
}

/* Secret I, from the file's ROOT: 1; 0: it isn't there. */
static int read_secret(struct mc_secrets *secrets, const cJSON *root, size_t i)
{
	const cJSON *item;
	const char *value;
	char name[NAME_ROOM];

	if (!name_of_secret(i, name))
		return 0;
	item = cJSON_GetObjectItemCaseSensitive(root, name);
	value = cJSON_GetStringValue(item);
	if (!item)
		return 0;
	if (!value || !*value || strlen(value) >= sizeof(secrets->values[i]))
		return -EIO;
	memcpy(secrets->values[i], value, strlen(value) + 1);
	return 1;
}

static int make_of_service(struct mc_secrets *secrets, const struct mc_service *service)
{
	int r = service->schema.user ? mc_random_hex(secrets->values[index_of_schema(service)], SECRET_BYTES) : 0;

	if (r == 0 && service->account)
		r = mc_random_hex(secrets->values[index_of_account(service)], SECRET_BYTES);
	return r;
}

/* What SERVICE has, all of it or nothing. *RET_IS_NEW: it had nothing, and was given it. */
static int read_of_service(
	struct mc_secrets *secrets, const cJSON *root, const struct mc_service *service, bool *ret_is_new)
{
	int wanted = (service->schema.user != NULL) + (service->account != NULL);
	int schema = read_secret(secrets, root, index_of_schema(service));
	int account = read_secret(secrets, root, index_of_account(service));

	if (schema < 0 || account < 0 || (schema + account > 0 && schema + account < wanted))
		return -EIO;
	if (wanted == 0 || schema + account == wanted)
		return 0;
	*ret_is_new = true;
	return make_of_service(secrets, service);
}

/* The CA, both of it or nothing. */
static int read_ca(struct mc_secrets *secrets, const cJSON *root)
{
	const char *key = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "ca_key"));
	const char *certificate = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "ca_certificate"));
	bool failed = false;

	if (!key != !certificate)
		return -EIO;
	secrets->ca_key = mc_copy_text(key, &failed);
	secrets->ca_certificate = mc_copy_text(certificate, &failed);
	return failed ? -ENOMEM : 0;
}

static int from_text(struct mc_secrets *secrets, const char *text, bool *ret_is_new)
{
	MC_CLEANUP(json) cJSON *root = cJSON_Parse(text);
	int r = 0;

	if (!cJSON_IsObject(root))
		return -EIO;
	for (size_t i = 0; i < MC_SECRETS; i++)
		if (read_secret(secrets, root, i) != 1)
			return -EIO;
	for (const struct mc_service *service = mc_services; service->name && r == 0; service++)
		r = read_of_service(secrets, root, service, ret_is_new);
	if (r == 0)
		r = read_ca(secrets, root);
	if (r < 0)
		return r;
	secrets->n_fernet =
		keys_from_json(cJSON_GetObjectItemCaseSensitive(root, "fernet"), secrets->fernet, MC_FERNET_KEYS);
	secrets->n_credential = keys_from_json(cJSON_GetObjectItemCaseSensitive(root, "credential"),
		secrets->credential, MC_COUNT(secrets->credential));
	return secrets->n_fernet >= 2 && secrets->n_credential == MC_COUNT(secrets->credential) ? 0 : -EIO;
}

/* Call with the lock, or before anybody else knows it. */
static int save(const struct mc_secrets *secrets, struct mc_error *error)
{
	char *text = secrets_to_text(secrets);
	int fd, r;

	if (!text)
		return mc_error_set(error, ENOMEM, "out of memory");
	fd = r = mc_state_open(secrets->directory, true, error);
	if (fd >= 0) {
		r = mc_state_write(fd, secrets->name, text, strlen(text));
		close(fd);
		if (r < 0)
			mc_error_errno(error, -r, "can't store the cloud's secrets in %s/%s", secrets->directory,
				secrets->name);
	}
	explicit_bzero(text, strlen(text));
	cJSON_free(text);
	return r;
}

static int make_all(struct mc_secrets *secrets)
{
	int r = 0;

	for (size_t i = 0; i < MC_SECRETS && r == 0; i++)
		r = mc_random_hex(secrets->values[i], SECRET_BYTES);
	for (const struct mc_service *service = mc_services; service->name && r == 0; service++)
		r = make_of_service(secrets, service);
	for (unsigned i = 0; i < 2 && r == 0; i++) { /* staged and primary */
		r = mc_secrets_new_key(&secrets->fernet[i], i);
		if (r == 0)
			r = mc_secrets_new_key(&secrets->credential[i], i);
	}
	secrets->n_fernet = secrets->n_credential = 2;
	return r;
}

static int load_secrets_file(struct mc_secrets *secrets, bool *ret_found, struct mc_error *error)
{
	bool is_new = false; /* some service */
	char text[FILE_LIMIT];
	int fd = mc_state_open(secrets->directory, false, error);
	ssize_t n = fd < 0 ? fd : mc_state_read(fd, secrets->name, text, sizeof(text));
	int r;

	*ret_found = n >= 0;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return n == -ENOENT ? 0
		       : fd < 0     ? fd
				: mc_error_errno(error, (int)-n, "can't read %s/%s", secrets->directory, secrets->name);
	r = from_text(secrets, text, &is_new);
	explicit_bzero(text, sizeof(text));
	if (r < 0)
		return mc_error_set(
			error, -r, "%s/%s does not hold a cloud's secrets", secrets->directory, secrets->name);
	return is_new ? save(secrets, error) : 0;
}

int mc_secrets_open(
	const char *directory, const char *cloud, bool make, struct mc_secrets **ret_secrets, struct mc_error *error)
{
	MC_CLEANUP(secrets) struct mc_secrets *secrets = calloc(1, sizeof(*secrets));
	bool found;
	int r;

	*ret_secrets = NULL;
	if (!secrets)
		return mc_error_set(error, ENOMEM, "out of memory");
	pthread_mutex_init(&secrets->lock, NULL);
	secrets->directory = strdup(directory);
	if (asprintf(&secrets->name, "%s.json", cloud) < 0)
		secrets->name = NULL;
	if (!secrets->directory || !secrets->name)
		return mc_error_set(error, ENOMEM, "out of memory");
	r = load_secrets_file(secrets, &found, error);
	if (r < 0 || (!found && !make))
		return r;
	if (!found) {
		r = make_all(secrets);
		if (r < 0)
			return mc_error_set(error, -r, "no random numbers for the cloud's secrets");
		r = save(secrets, error);
		if (r < 0)
			return r;
	}
	*ret_secrets = mc_steal(&secrets);
	return 0;
}

/* Whether the file is there: 1, 0, or -errno. */
static int is_kept(struct mc_secrets *secrets, struct mc_error *error)
{
	int fd = mc_state_open(secrets->directory, false, error), r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = faccessat(fd, secrets->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	close(fd);
	return r;
}

int mc_secrets_forget(struct mc_secrets *secrets, struct mc_error *error)
{
	int fd = mc_state_open(secrets->directory, false, error), r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = mc_state_remove(fd, secrets->name);
	close(fd);
	return r ? mc_error_errno(error, -r, "can't remove %s/%s", secrets->directory, secrets->name) : 0;
}

int mc_secrets_keep(struct mc_secrets *secrets, struct mc_error *error)
{
	int r = is_kept(secrets, error);

	if (r != 0)
		return r < 0 ? r : 0;
	MC_LOCKED(&secrets->lock)
		r = save(secrets, error);
	return r;
}

const char *mc_secrets_get(const struct mc_secrets *secrets, enum mc_secret secret)
{
	return secrets->values[secret];
}

const char *mc_secrets_schema(const struct mc_secrets *secrets, const struct mc_service *service)
{
	return secrets->values[index_of_schema(service)];
}

const char *mc_secrets_account(const struct mc_secrets *secrets, const struct mc_service *service)
{
	return secrets->values[index_of_account(service)];
}

size_t mc_secrets_fernet(struct mc_secrets *secrets, struct mc_key *keys, size_t n_keys)
{
	size_t n;

	MC_LOCKED(&secrets->lock) {
		n = secrets->n_fernet < n_keys ? secrets->n_fernet : n_keys;
		memcpy(keys, secrets->fernet, n * sizeof(*keys));
	}
	return n;
}

size_t mc_secrets_credential(struct mc_secrets *secrets, struct mc_key *keys, size_t n_keys)
{
	size_t n = secrets->n_credential < n_keys ? secrets->n_credential : n_keys;

	memcpy(keys, secrets->credential, n * sizeof(*keys));
	return n;
}

int mc_secrets_set_fernet(struct mc_secrets *secrets, const struct mc_key *keys, size_t n_keys, struct mc_error *error)
{
	struct mc_key before[MC_FERNET_KEYS];
	size_t n_before;
	int r;

	MC_LOCKED(&secrets->lock) {
		n_before = secrets->n_fernet;
		memcpy(before, secrets->fernet, sizeof(before));
		memcpy(secrets->fernet, keys, n_keys * sizeof(*keys));
		secrets->n_fernet = n_keys;
		r = save(secrets, error);
		if (r < 0) {
			memcpy(secrets->fernet, before, sizeof(before));
			secrets->n_fernet = n_before;
		}
	}
	return r;
}

char *mc_secrets_ca(struct mc_secrets *secrets)
{
	char *certificate;

	MC_LOCKED(&secrets->lock)
		certificate = secrets->ca_certificate ? strdup(secrets->ca_certificate) : NULL;
	return certificate;
}

/* Where WANTED, the CA and what *KEY and *CERTIFICATE hold change places. */
static void swap_ca(struct mc_secrets *secrets, char **key, char **certificate, bool wanted) MC_REQUIRES(secrets->lock)
{
	char *former_key = secrets->ca_key, *former = secrets->ca_certificate;

	if (!wanted)
		return;
	secrets->ca_key = *key;
	secrets->ca_certificate = *certificate;
	*key = former_key;
	*certificate = former;
}

int mc_secrets_set_ca(struct mc_secrets *secrets, const char *cloud, struct mc_error *error)
{
	MC_CLEANUP(secret) char *key = NULL;
	MC_CLEANUP(free_pointer) char *certificate = NULL;
	int r = 0;

	MC_LOCKED(&secrets->lock) {
		if (!cloud != !secrets->ca_key) {
			r = cloud ? mc_ca_make(cloud, mc_wall_clock(), &key, &certificate, error) : 0;
			swap_ca(secrets, &key, &certificate, r == 0);
			if (r == 0) {
				r = save(secrets, error);
				swap_ca(secrets, &key, &certificate, r < 0);
			}
		}
	}
	return r;
}

int mc_secrets_issue(struct mc_secrets *secrets, const struct mc_certificate_names *names, double now, char **ret_pem,
	struct mc_error *error)
{
	int r;

	MC_LOCKED(&secrets->lock)
		r = secrets->ca_key ? mc_certificate_make(&(struct mc_ca){secrets->ca_key, secrets->ca_certificate},
					      names, now, ret_pem, error)
				    : mc_error_set(error, ENOENT, "the cloud has no CA");
	return r;
}
