-- Names are as many as their makers think: what differs in an accent, a width, a ligature, a blank at its end or a character that can't be
-- seen is another name, here as in the directory. Only what differs in nothing but case can't be side by side. A line a statement, each
-- of which may have been run before; the daemon runs them in databases of earlier versions. What tells whether it has to comes last.
ALTER TABLE local_user MODIFY name varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, ADD COLUMN IF NOT EXISTS mcloud_folded varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin AS (LOWER(name)) STORED INVISIBLE, ADD UNIQUE KEY IF NOT EXISTS mcloud_folded (domain_id, mcloud_folded);
ALTER TABLE project MODIFY name varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, ADD COLUMN IF NOT EXISTS mcloud_folded varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin AS (LOWER(name)) STORED INVISIBLE, ADD UNIQUE KEY IF NOT EXISTS mcloud_folded (domain_id, mcloud_folded);
ALTER TABLE `group` MODIFY name varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, ADD COLUMN IF NOT EXISTS mcloud_folded varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin AS (LOWER(name)) STORED INVISIBLE, ADD UNIQUE KEY IF NOT EXISTS mcloud_folded (domain_id, mcloud_folded);
ALTER TABLE role MODIFY name varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, ADD COLUMN IF NOT EXISTS mcloud_folded varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin AS (LOWER(name)) STORED INVISIBLE, ADD UNIQUE KEY IF NOT EXISTS mcloud_folded (domain_id, mcloud_folded);
ALTER TABLE project_tag MODIFY name varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL;
ALTER TABLE application_credential MODIFY name varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL;
ALTER TABLE federated_user MODIFY unique_id varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL;
ALTER TABLE nonlocal_user MODIFY name varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL;
ALTER TABLE id_mapping MODIFY local_id varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL;
