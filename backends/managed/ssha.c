/* SPDX-License-Identifier: MIT */
#include "backends/managed/ssha.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

int mc_ssha(const char *secret, char hash[64])
{
	unsigned char bytes[20 + 8], text[48];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int done;

	/* {SSHA}: base64 of SHA-1(password, salt) and the salt (slappasswd(8)) */
	done = context && RAND_bytes(bytes + 20, 8) == 1 && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
	       EVP_DigestUpdate(context, secret, strlen(secret)) == 1 &&
	       EVP_DigestUpdate(context, bytes + 20, 8) == 1 && EVP_DigestFinal_ex(context, bytes, NULL) == 1;
	EVP_MD_CTX_free(context);
	if (!done)
		return -EIO;
	EVP_EncodeBlock(text, bytes, sizeof(bytes));
	snprintf(hash, 64, "{SSHA}%s", (const char *)text);
	return 0;
}
