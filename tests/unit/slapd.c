/* SPDX-License-Identifier: MIT */
#include "slapd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/usr/sbin/slapd"

struct slapd {
	char directory[64], url[64];
	pid_t pid;
	int output;
	pthread_t drain;
};

static void give_up(const char *what)
{
	fprintf(stderr, "slapd: %s: %s\n", what, strerror(errno));
	abort();
}

static void write_tls(const struct slapd *slapd, FILE *file, const char *pem)
{
	char path[128];

	snprintf(path, sizeof path, "%s/server.pem", slapd->directory);
	FILE *own = fopen(path, "we");
	if (!own || fputs(pem, own) < 0 || fclose(own) != 0)
		give_up(path);
	fprintf(file, "TLSCertificateFile %s\nTLSCertificateKeyFile %s\nsecurity simple_bind=128\n", path, path);
}

static void write_configuration(const struct slapd *slapd, const char *pem)
{
	/* In slapd.conf a backslash in quotes stands for what follows it. */
	static const char *const suffixes[] = {SLAPD_SUFFIX, "o=Acme \\\\2b Sons,c=SE"};
	static const char *const schemas[] = {"core", "cosine", "inetorgperson", "nis"};
	char path[128];

	snprintf(path, sizeof path, "%s/slapd.conf", slapd->directory);
	FILE *file = fopen(path, "we");
	if (!file)
		give_up(path);
	for (size_t i = 0; i < 4; i++)
		fprintf(file, "include /etc/ldap/schema/%s.schema\n", schemas[i]);
	fprintf(file, "modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile %s/pid\n", slapd->directory);
	if (pem)
		write_tls(slapd, file, pem);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/db%zu", slapd->directory, i);
		if (mkdir(path, 0700) < 0)
			give_up(path);
		fprintf(file, "database mdb\nsuffix \"%s\"\nrootdn \"cn=admin,%s\"\n", suffixes[i], suffixes[i]);
		fprintf(file, "rootpw \"%s\"\ndirectory %s\nmaxsize 67108864\ndbnosync\n", SLAPD_PASSWORD, path);
	}
	if (fclose(file) != 0)
		give_up("slapd.conf");
}

static unsigned short free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		give_up("no free port");
	close(fd);
	return ntohs(address.sin_port);
}

/* Reads what it says until it listens; false when it ended instead. */
static bool await_start(const struct slapd *slapd)
{
	char text[65536];
	size_t size = 0;

	while (size < sizeof text - 1) {
		ssize_t n = read(slapd->output, text + size, sizeof text - 1 - size);
		if (n <= 0)
			break;
		size += (size_t)n;
		text[size] = '\0';
		/* It says "slapd starting" before it listens, and this behind. */
		if (strstr(text, " listener=0x"))
			return true;
	}
	fprintf(stderr, "%.*s\n", (int)size, text);
	return false;
}

/* What it says from then on is of no interest, but must not fill the pipe. */
static void *drain(void *data)
{
	char text[4096];

	while (read(*(int *)data, text, sizeof text) > 0)
		continue;
	return NULL;
}

static bool run(struct slapd *slapd)
{
	char path[128], urls[80];
	int pipes[2];

	snprintf(path, sizeof path, "%s/slapd.conf", slapd->directory);
	snprintf(urls, sizeof urls, "%s/", slapd->url);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		give_up("pipe");
	slapd->pid = fork();
	if (slapd->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(pipes[1], STDERR_FILENO);
		execl(PROGRAM, PROGRAM, "-d", "conns", "-h", urls, "-f", path, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	slapd->output = pipes[0];
	if (slapd->pid < 0)
		give_up("fork");
	bool started = await_start(slapd);
	if (pthread_create(&slapd->drain, NULL, drain, &slapd->output) != 0)
		give_up("thread");
	if (!started)
		slapd_kill(slapd);
	return started;
}

struct slapd *slapd_start(void)
{
	return slapd_start_tls(NULL);
}

struct slapd *slapd_start_tls(const char *pem)
{
	if (access(PROGRAM, X_OK) < 0)
		return NULL;
	struct slapd *slapd = calloc(1, sizeof *slapd);
	if (!slapd)
		give_up("calloc");
	snprintf(slapd->directory, sizeof slapd->directory, "/tmp/mcloudfs-slapd-XXXXXX");
	if (!mkdtemp(slapd->directory))
		give_up("mkdtemp");
	write_configuration(slapd, pem);
	/* Somebody else may take the port in between. */
	for (int attempt = 0; attempt < 5; attempt++) {
		snprintf(slapd->url, sizeof slapd->url, "ldap://127.0.0.1:%u", (unsigned)free_port());
		if (run(slapd))
			return slapd;
	}
	give_up("does not start");
	return NULL;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

void slapd_stop(struct slapd *slapd)
{
	if (!slapd)
		return;
	slapd_kill(slapd);
	nftw(slapd->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(slapd);
}

const char *slapd_url(const struct slapd *slapd)
{
	return slapd->url;
}

/* kill(2) returns before all threads have seen a signal. */
static void signal_and_wait(const struct slapd *slapd, int number, int options)
{
	int status;

	if (kill(slapd->pid, number) < 0 || waitpid(slapd->pid, &status, options) != slapd->pid)
		give_up("signal");
}

void slapd_pause(const struct slapd *slapd)
{
	signal_and_wait(slapd, SIGSTOP, WUNTRACED);
}

void slapd_resume(const struct slapd *slapd)
{
	signal_and_wait(slapd, SIGCONT, WCONTINUED);
}

void slapd_kill(struct slapd *slapd)
{
	if (slapd->pid <= 0)
		return;
	kill(slapd->pid, SIGKILL);
	while (waitpid(slapd->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	pthread_join(slapd->drain, NULL);
	close(slapd->output);
	slapd->pid = 0;
}

void slapd_again(struct slapd *slapd)
{
	if (!run(slapd))
		give_up("does not start again");
}
