# SPDX-License-Identifier: MIT
"""The second half of the table: what is in a cloud's settings."""

from cases import ENV, FULL, SECRET, case, login, settings

# Regions.
settings("no region", "")
settings("region_name", "region_name: Kista")
settings("region_name with commas", "region_name: a,b")
settings("region_name as a list", "region_name: [a, b]", region="b")
settings("region_name as a number", "region_name: 7")
settings("regions", "regions: [a, b]")
settings("the second region", "regions: [a, b]", region="b")
settings("a region that is not there", "regions: [a, b]", region="c", refused="it has a, b")
settings("regions are case sensitive", "regions: [Kista]", region="kista", refused="no region kista")
settings("any region where none is known", "interface: public", region="x")
settings("regions with values", "regions: [a, {name: b, values: {interface: internal, region_name: c, auth: {username: v}}}]", region="b")
settings("values that are null", "interface: admin\nregions: [{name: b, values: {interface: null}}]")
settings("a region with more", "regions: [{name: b, other: 1}]", refused="regions")
settings("a region without a name", "regions: [{values: {}}]", refused="regions")
settings("an empty list of regions", "regions: []", region="x")
settings("regions and region_name", "regions: [a]\nregion_name: b")
settings("a number for a region", "regions: [1, 2]")
settings("a text for regions", "regions: abc", refused="regions is text", differs=True)
settings("regions are null", "regions:", refused="regions is null")
settings("a region with - in its name's key", "region-name: x")

# Names, old and new.
settings("an interface", "interface: internal")
settings("a list of interfaces", "interface: [internal, public]")
settings("an interface with URL", "interface: adminURL")
settings("an interface that is null", "interface: null")
settings("endpoint_type", "endpoint_type: internal")
settings("endpoint_type of a service", "image_endpoint_type: admin\nidentity_interface: [internal, admin]")
settings("- in names", "image-endpoint-override: http://i\nidentity-region-name: Z\nimage-service-name: g")
settings("services' own", "image_region_name: a\nimage_interface: internal\nimage_api_version: 2\nimage_endpoint_override: http://i\n"
         "image_service_name: n\nimage_service_type: t\nidentity_service_type: k\nidentity_api_version: 3.14")
settings("services' own that are null", "region_name: r\nimage_region_name:\nimage_interface:\nimage_service_type:")
settings("the endpoint of a service", "image_endpoint: http://i\nidentity_endpoint_override: ''")
settings("has_image is false", "has_image: false\nhas_identity: true")
settings("a version that is no number", "image_api_version: latest\nidentity_api_version: v3")
settings("version 2 of Keystone", "identity_api_version: 2.0", refused="identity_api_version is 2.0", differs=True)
settings("version 1 of Glance", "image_api_version: 1", refused="image_api_version is 1", differs=True)
settings("auth-type loses against the default", "auth-type: v3token")
settings("auth_plugin loses against the default", "auth_plugin: v3token")
settings("keys of auth beside it", "username: beside\ntrust_id: ''\nsystem_scope: all")
login("all keys of auth beside it", f"auth_url: x\nusername: u\npassword: {SECRET}\nuser-domain-name: D\nproject-name: p\nproject-domain-id: i")
login("auth is empty", f"auth: {{}}\nauth_url: x\nusername: u\npassword: {SECRET}\nuser-domain-name: D\nproject_id: p")
login("auth is null", "auth:\nauth_url: x", refused="auth is null")
settings("- in auth", "", "trust-id: null, user-id: i")
settings("tenant names", "tenant_name: beside", "tenant_id: 12")
settings("tenant-name and project-name", "", "tenant-name: a, project-name: b")
settings("null becomes a name", "", "project_id: null")
settings("a truth value becomes a name", "", "project_id: yes")
settings("a date becomes a name", "", "project_id: 2024-02-29")
settings("user_name", "user_name: old")
settings("a domain for both", "", "domain_id: both")
login("a domain as the scope", f"auth: {{auth_url: x, username: u, password: {SECRET}, user_domain_id: d}}\ndomain_name: s")
login("no scope", f"auth: {{auth_url: x, username: u, password: {SECRET}, user_domain_id: d}}")
login("the system as the scope", f"auth: {{auth_url: x, user_id: u, password: {SECRET}, system_scope: all}}")
login("a trust as the scope", f"auth: {{auth_url: x, user_id: u, password: {SECRET}, trust_id: t}}")
settings("two scopes", "", "trust_id: t", refused="two scopes", differs=True)
settings("api_timeout", "api_timeout: 12")
settings("the timeout of an old client", "api_timeout: 1\nglance_timeout: 2.5\ntimeout: 9")
settings("a timeout that is no number", "api_timeout: soon", refused="api_timeout")

# TLS.
settings("cacert", "cacert: ~/ca.pem\ncert: ~/c.pem\nkey: ~root/k.pem")
settings("cert without key", "cert: /c")
settings("key without cert", "key: /k")
settings("verify is false", "verify: false\ncacert: /ca")
settings("verify is off", "verify: off")
settings("verify is null", "verify:")
settings("verify is null, and cacert", "verify:\ncacert: /ca", refused="verify is null", differs=True)
settings("verify is a path", "verify: /ca")
settings("insecure wins over verify", "insecure: true\nverify: true\ncacert: /ca")
settings("insecure is false", "insecure: false\nverify: false")
settings("insecure is a number", "insecure: 1", refused="insecure is a number")
settings("cacert is a truth value", "cacert: true", refused="cacert is a truth value")

# Texts with names in them.
settings("a region in a text", "region_name: r\nimage_endpoint_override: 'http://{region_name}/{{x}}/{verify}'")
settings("a text in a text in a text", "aa: b\nimage_service_name: '{aa}'\nimage_service_type: '{image_service_name}{image_service_name}'")
settings("a name that nobody has", "image_service_name: '{nobody}'", refused="image_service_name")
settings("a brace alone", "image_service_name: 'a}'", refused="brace")
settings("a number in braces", "image_service_name: '{0}'", refused="brace")
settings("more of Python's notation", "image_service_name: '{auth[username]}'", refused="brace", differs=True)
login("a name in auth_url", "auth: {auth_url: 'https://{region_name}.x', user_id: u, password: x}\nregions: [q, w]", region="w")
login("a name in auth-url stays", "auth: {auth-url: 'https://{region_name}.x', user_id: u, password: x}\nregion_name: q")
settings("a name in a username stays", "", "username: '{region_name}'")

# Types of values.
settings("numbers", "image_service_name: 0o7\nimage_service_type: 017\nidentity_service_name: 0x1F\nregion_name: 1_000")
settings("more numbers", "image_service_name: 0b101\nimage_service_type: -12\nidentity_service_name: +5\nregion_name: 190:20:30")
settings("fractions", "image_service_name: 1.50\nimage_service_type: 1e3\nidentity_service_name: 1.0e+20\nregion_name: -.5")
settings("more fractions", "image_service_name: .inf\nimage_service_type: 0.00001\nidentity_service_name: 123456789012345678.0\nregion_name: 1:30.5")
settings("a long number", "image_service_name: 123456789012345678901234567890\nimage_service_type: 08\nregion_name: 0.1")
settings("a tag", "image_service_name: !!str 7\nimage_service_type: !!int 9\nregion_name: ! 12")
settings("a tag that nobody knows", "x: !mine 7", refused="tag")
settings("binary data where it doesn't matter", "x: !!binary aGVsbG8=\ny: !!set {a, b}\nz: 2001-12-14T21:59:43Z")
settings("a text block", "image_service_name: >-\n  a\n  b\nimage_service_type: |\n  c")
settings("quotes", "image_service_name: \"\\u00e9\\x41\"\nimage_service_type: 'it''s'\nregion_name: 'yes'")
settings("a truth value for a name", "image_service_name: no", refused="image_service_name is a truth value", differs=True)
settings("a truth value for a user", "", "username: yes", refused="username in auth is a truth value", differs=True)
settings("a date of no calendar", "x: 2023-02-29", refused="calendar")
settings("keys that come twice", "region_name: a\nregion_name: b")
settings("a key that is a number", "7: x", refused="the key 7")
settings("a key that is a list", "[a]: x", refused="key")
case("anchors and merges", f"""
base: &base
  auth: &auth {FULL}
  region_name: B
more: &more {{region_name: M, interface: admin}}
clouds:
  one: {{<<: [*more, *base], image_interface: internal}}
  two:
    region_name: T
    <<: *base
    auth: {{<<: *auth, username: v}}
""", cloud="two")
case("a list of merges", f"m: &m {{region_name: M}}\nb: &b {{auth: {FULL}, region_name: B}}\nclouds: {{one: {{<<: [*m, *b]}}}}\n")
case("an anchor that is used twice", f"a: &a 1\nb: &a 2\nclouds: {{one: {{auth: {FULL}}}}}\n", refused="anchor")
case("an alias of nothing", "clouds: *a\n", refused="alias")
case("<< of a text", "clouds: {<<: text}\n", refused="<<")
case("JSON that is only YAML", files={"work/clouds.json": "{clouds: {}}"}, refused="JSON")
case("JSON with a comma too many", files={"work/clouds.json": '{"clouds": {},}'}, refused="JSON")
case("JSON with escapes", files={"work/clouds.json": '{"clouds": {"one": {"auth": {"auth_url": "https:\\/\\/k", "user_id": "\\u00e9\\t", '
     f'"password": "{SECRET}"}}, "region_name": -0, "image_service_name": 1.5E3}}}}}}'})

# Ways to log in.
login("v3password", f"auth_type: v3password\nauth: {FULL}")
login("v3password without the user's domain", f"auth_type: v3password\nauth: {{auth_url: x, username: u, password: {SECRET}}}",
      refused="user_domain_id")
login("v3password without the project's domain", f"auth_type: v3password\nauth: {{auth_url: x, user_id: u, password: {SECRET}, project_name: p}}",
      refused="project_domain_id")
login("v3password knows no default domain", f"auth_type: v3password\nauth: {{auth_url: x, user_id: u, default_domain_id: d}}",
      refused="default_domain_id")
login("token", f"auth_type: token\nauth: {{auth_url: x, token: {SECRET}, project_id: p, default_domain_name: n}}")
login("a token beside auth", f"auth_type: v3token\ntoken: {SECRET}\nauth: {{auth_url: x}}")
login("auth_token and token", f"auth_type: v3token\nauth_token: {SECRET}\nauth: {{auth_url: x, token: y}}")
login("token without one", "auth_type: token\nauth: {auth_url: x}", refused="token", differs=True)
login("v3token without one", "auth_type: v3token\nauth: {auth_url: x}", refused="token")
settings("a token for a password", "", f"token: {SECRET}", refused="no key token")
login("an application credential by its id", f"auth_type: v3applicationcredential\nauth: {{auth_url: x, application_credential_id: i, "
      f"application_credential_secret: {SECRET}}}\nregion_name: R")
login("an application credential by its name", f"auth_type: v3applicationcredential\nauth: {{auth_url: x, application_credential_name: n, "
      f"application_credential_secret: {SECRET}, username: u, user_domain_name: D}}")
login("an application credential without its secret", "auth_type: v3applicationcredential\nauth: {auth_url: x, application_credential_id: i}",
      refused="application_credential_secret")
login("an application credential without its name", f"auth_type: v3applicationcredential\nauth: {{auth_url: x, application_credential_secret: {SECRET}}}",
      refused="application_credential_id")
login("another way to write it", f"auth_type: v3application_credential\nauth: {{auth_url: x, application_credential_id: i, "
      f"application_credential_secret: {SECRET}}}", differs=True)
login("totp", "auth_type: v3totp\npasscode: 123456\nauth: {auth_url: x, username: u, user_domain_id: d}")
login("totp without a code", "auth_type: v3totp\nauth: {auth_url: x, username: u, user_domain_id: d, project_id: p}")
login("several factors", f"auth_type: v3multifactor\nauth: {{auth_url: x, username: u, user_domain_id: d, password: {SECRET}, passcode: 1,\n"
      "  auth_methods: [v3password, v3totp]}\nproject_id: p")
login("several factors with one that is unknown", "auth_type: v3multifactor\nauth: {auth_url: x, auth_methods: [v3password, v3none]}", refused="v3none")
login("several factors without any", "auth_type: v3multifactor\nauth: {auth_url: x, auth_methods: []}", refused="auth_methods", )
login("unscoped", f"auth_type: v3password\nauth: {{auth_url: x, user_id: u, password: {SECRET}, unscoped: true, reauthenticate: true}}")
login("no catalog", f"auth_type: v3password\nauth: {{auth_url: x, user_id: u, include_catalog: false}}", refused="include_catalog", differs=True)
login("unscoped is of v3 only", "auth: {auth_url: x, user_id: u, unscoped: true}", refused="unscoped")
for name in ("v3oidcpassword", "v3samlpassword", "v3oauth1", "v2password", "admin_token", "none", "http_basic"):
    login(f"auth_type {name}", f"auth_type: {name}\nauth: {{}}", refused=f"auth_type {name}", differs=name in ("none", "http_basic"))
login("auth_type is null", "auth_type:\nauth: {}", refused="auth_type null", differs=True)
login("auth_type nobody knows", "auth_type: magic\nauth: {}", refused="auth_type magic")
settings("a key that nobody knows in auth", "", "magic: 1", refused="no key magic")
settings("a key that nobody knows beside auth", "magic: 1\nverbose_level: 3\nnetworks: [{name: n}]")
settings("vendor_hook", "vendor_hook: 'a:b'", refused="vendor_hook", differs=True)
login("no auth_url", f"auth: {{user_id: u, password: {SECRET}}}", refused="auth_url")
settings("auth_url is a number", "", "auth_url: 7", refused="auth_url is a number")
case("a variable for what the file has, too", f"clouds: {{envvars2: {{auth: {FULL}}}}}", environment={**ENV, "OS_IDENTITY_API_VERSION": "3"})
