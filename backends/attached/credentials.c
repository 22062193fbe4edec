/* SPDX-License-Identifier: MIT */
#include "mcloud/attached.h"

struct mc_credentials mc_attached_credentials(const struct mc_attached_auth *auth)
{
	return (struct mc_credentials){
		.methods = auth->methods,
		.user = auth->username,
		.user_id = auth->user_id,
		.user_domain = auth->user_domain_name,
		.user_domain_id = auth->user_domain_id,
		.password = auth->password,
		.token = auth->token,
		.passcode = auth->passcode,
		.application_credential = auth->application_credential_name,
		.application_credential_id = auth->application_credential_id,
		.application_credential_secret = auth->application_credential_secret,
		.project = auth->project_name,
		.project_id = auth->project_id,
		.project_domain = auth->project_domain_name,
		.project_domain_id = auth->project_domain_id,
		.domain = auth->domain_name,
		.domain_id = auth->domain_id,
		.trust_id = auth->trust_id,
		.system_scope = auth->system_scope,
		.unscoped = auth->unscoped,
	};
}
