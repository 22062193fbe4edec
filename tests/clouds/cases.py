# SPDX-License-Identifier: MIT
"""Files and environments, and who takes them."""

from dataclasses import dataclass, field
from typing import Optional

SECRET = "s3cr3t"

HOME = "home/.config/openstack/"
FULL = f"{{auth_url: 'https://k/v3', username: u, password: {SECRET}, user_domain_name: D, project_name: p, project_domain_name: D}}"
ONE = f"clouds: {{one: {{auth: {FULL}}}}}\n"
ENV = {
    "OS_AUTH_URL": "https://env/v3", "OS_USERNAME": "eve", "OS_PASSWORD": SECRET, "OS_PROJECT_NAME": "p",
    "OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_ID": "default",
}


@dataclass
class Case:
    name: str
    files: dict
    environment: dict = field(default_factory=dict)
    cloud: Optional[str] = None
    region: Optional[str] = None
    refused: str = ""  # a word of the sentence with which mcloudfs refuses it
    differs: bool = False  # only one of the two refuses it, on purpose; where mcloudfs takes it, some release of openstacksdk may, too


CASES = []


def case(name, clouds=None, files=None, environment=None, **others):
    """clouds: the text of a clouds.yaml in the working directory."""
    files = dict(files or {})
    if clouds is not None:
        files["work/clouds.yaml"] = clouds
    CASES.append(Case(name, files, dict(environment or {}), **others))


def settings(name, text, auth="", **others):
    """One cloud, with TEXT as its further settings and AUTH as further keys of its auth."""
    inside = FULL[:-1] + (", " + auth if auth else "") + "}"
    case(name, f"clouds:\n  one:\n    auth: {inside}\n" + "".join(f"    {line}\n" for line in text.splitlines()), **others)


def login(name, text, **others):
    """One cloud that is all of TEXT."""
    case(name, "clouds:\n  one:\n" + "".join(f"    {line}\n" for line in text.splitlines()), **others)


# Where it is searched.
case("a file in the working directory", ONE)
case("clouds.yml", files={"work/clouds.yml": ONE})
case("clouds.json", files={"work/clouds.json": '{"clouds": {"one": {"auth": {"auth_url": "https://k/v3", "username": 7, '
     f'"password": "{SECRET}", "project_id": 1e5}}, "identity_api_version": 3.0, "verify": false}}}}}}\n'})
case("yaml before json", ONE, files={"work/clouds.json": "{}"})
case("the user's folder", files={HOME + "clouds.yaml": ONE})
case("XDG_CONFIG_HOME", files={"xdg/openstack/clouds.yaml": ONE}, environment={"XDG_CONFIG_HOME": "ROOT/xdg"})
case("XDG_CONFIG_HOME is empty", files={"work/openstack/clouds.yaml": ONE}, environment={"XDG_CONFIG_HOME": ""})
case("XDG_CONFIG_HOME, then ~/.config", files={HOME + "clouds.yaml": ONE}, environment={"XDG_CONFIG_HOME": "ROOT/xdg"})
case("SNAP_REAL_HOME", files={"real/.config/openstack/clouds.yaml": ONE}, environment={
    "XDG_CONFIG_HOME": "ROOT/xdg", "SNAP_REAL_HOME": "ROOT/real"})
case("the site's folder", files={"site/openstack/clouds.yaml": ONE})
case("two folders of the site are none", files={"site/openstack/clouds.yaml": ONE},
     environment={"XDG_CONFIG_DIRS": "ROOT/site:ROOT/xdg"}, refused="no cloud is configured")
case("a slash behind the site's folder", files={"site/openstack/clouds.yaml": ONE}, environment={"XDG_CONFIG_DIRS": "ROOT/site/"})
case("OS_CLIENT_CONFIG_FILE", "clouds: {other: {}}", files={"my/file": ONE}, environment={"OS_CLIENT_CONFIG_FILE": "ROOT/my/file"})
case("OS_CLIENT_CONFIG_FILE is not there", ONE, environment={"OS_CLIENT_CONFIG_FILE": "ROOT/none"})
case("OS_CLIENT_CONFIG_FILE is empty", ONE, environment={"OS_CLIENT_CONFIG_FILE": ""})
case("a folder is passed over", files={"work/clouds.yaml": None, HOME + "clouds.yaml": ONE})
case("a file that is no YAML", "clouds: [", refused="clouds.yaml, line")
case("a file that is no UTF-8", b"clouds: {\xff: {}}", refused="UTF-8")
case("two documents", "clouds: {}\n---\nclouds: {}\n", refused="second document")
case("an empty file", "# nothing\n", refused="no cloud is configured")
case("an empty file and a secure one", "", files={"work/secure.yaml": ONE}, differs=True)
case("nothing at all", refused="no cloud is configured")
case("a file of a list", "[]\n", refused="is a list", )
case("a byte order mark", "\ufeff" + ONE)
case("a carriage return at each end of a line", ONE.replace("\n", "\r\n"))

# Which cloud.
TWO = f"clouds: {{one: {{auth: {FULL}}}, two: {{auth: {FULL}, region_name: Two}}}}\n"
case("two clouds and no choice", TWO, refused="one, two")
case("a cloud by its name", TWO, cloud="two")
case("OS_CLOUD", TWO, environment={"OS_CLOUD": "two"})
case("a name wins over OS_CLOUD", TWO, environment={"OS_CLOUD": "two"}, cloud="one")
case("OS_CLOUD is empty", ONE, environment={"OS_CLOUD": ""})
case("no such cloud", TWO, cloud="three", refused="no cloud three")
case("no such OS_CLOUD", TWO, environment={"OS_CLOUD": "three"}, refused="no cloud three")
case("a cloud that is null", "clouds: {one: }\n", refused="cloud one is null")
case("clouds is null", "clouds:\n", refused="clouds is null")
case("a number for a cloud's name", f"clouds: {{7: {{auth: {FULL}}}}}\n", refused="no cloud 7", differs=True)

# The environment's cloud.
case("the environment alone", environment=ENV)
case("the environment wins over a file", ONE, environment=ENV)
case("OS_CLOUD wins over the environment", ONE, environment={**ENV, "OS_CLOUD": "one"})
case("envvars by its name", ONE, environment=ENV, cloud="envvars")
case("envvars by its name, with OS_CLOUD as its profile", ONE, environment={**ENV, "OS_CLOUD": "one"}, cloud="envvars")
case("OS_CLOUD_NAME", environment={**ENV, "OS_CLOUD_NAME": "mine"}, cloud="mine")
case("OS_CLOUD_NAME is in the file, too", ONE, environment={**ENV, "OS_CLOUD_NAME": "one"}, refused="OS_CLOUD_NAME")
case("envvars is in the file, too", ONE.replace("one", "envvars"), refused='a cloud "envvars"')
case("OS_REGION_NAME alone makes no cloud", ONE, environment={"OS_REGION_NAME": "x"})
case("OS_REGION_NAME in the environment's cloud", environment={**ENV, "OS_REGION_NAME": "Kista"})
case("several regions in OS_REGION_NAME", environment={**ENV, "OS_REGION_NAME": "a,b"}, region="b")
case("OS_TEST*, OS_STD* and OS_LOG* make no cloud", ONE, environment={"OS_TEST_X": "1", "OS_STDOUT": "1", "OS_LOG_X": "1"})
case("any other variable makes one", ONE, environment={"OS_FOO": "1"}, refused="auth_url")
case("OS_TENANT_NAME and OS_ENDPOINT_TYPE", environment={**ENV, "OS_PROJECT_NAME": "UNSET", "OS_TENANT_NAME": "t",
     "OS_ENDPOINT_TYPE": "internalURL"})
case("OS_INSECURE=true", environment={**ENV, "OS_INSECURE": "true", "OS_CACERT": "/ca.pem"})
case("OS_INSECURE=yes is false", environment={**ENV, "OS_INSECURE": "yes", "OS_CACERT": "/ca.pem"})
case("OS_VERIFY=false is a path", environment={**ENV, "OS_VERIFY": "false"})
case("OS_VERIFY is empty", environment={**ENV, "OS_VERIFY": ""}, refused="verify is empty", differs=True)
case("empty variables", environment={**ENV, "OS_PROJECT_ID": "", "OS_DOMAIN_ID": "", "OS_REGION_NAME": "", "OS_CERT": ""})
case("OS_IMAGE_ENDPOINT_OVERRIDE", environment={**ENV, "OS_IMAGE_ENDPOINT_OVERRIDE": "http://i:{image_api_version}",
     "OS_IMAGE_API_VERSION": "2"})
case("a token in the environment", environment={"OS_AUTH_TYPE": "v3token", "OS_AUTH_URL": "x", "OS_AUTH_TOKEN": SECRET})
case("an application credential in the environment", environment={
    "OS_AUTH_TYPE": "v3applicationcredential", "OS_AUTH_URL": "x", "OS_APPLICATION_CREDENTIAL_ID": "i",
    "OS_APPLICATION_CREDENTIAL_SECRET": SECRET})
case("braces in a password of the environment", environment={**ENV, "OS_PASSWORD": "{" + SECRET})
case("braces in another variable", environment={**ENV, "OS_FOO": "{"}, refused="foo")
case("a variable in small letters", environment={**ENV, "OS_region_name": "small"})
case("a default domain", environment={**ENV, "OS_USER_DOMAIN_NAME": "UNSET", "OS_DEFAULT_DOMAIN_ID": "dd"})
case("OS_DEFAULT_DOMAIN is of another program", environment={**ENV, "OS_USER_DOMAIN_NAME": "UNSET", "OS_DEFAULT_DOMAIN": "d"},
     refused="default_domain", differs=True)

# secure.yaml.
OPEN = "clouds: {one: {auth: {auth_url: 'https://k', username: u, user_domain_name: D, project_name: p}, region_name: R}}\n"
HIDDEN = f"clouds: {{one: {{auth: {{password: {SECRET}, username: other}}, cacert: /c}}}}\n"
case("secure.yaml beside it", OPEN, files={"work/secure.yaml": HIDDEN})
case("secure.yaml elsewhere", OPEN, files={HOME + "secure.yaml": HIDDEN})
case("secure.json", OPEN, files={"work/secure.json": '{"clouds": {"one": {"auth": {"password": 5}}}}'})
case("OS_CLIENT_SECURE_FILE", OPEN, files={"x/y": HIDDEN, "work/secure.yaml": "[]"}, environment={"OS_CLIENT_SECURE_FILE": "ROOT/x/y"})
case("a cloud that only secure.yaml has", OPEN, files={"work/secure.yaml": ONE.replace("one", "more")}, cloud="more")
case("a mapping where there was none", "clouds: {one: {auth: 7}}", files={"work/secure.yaml": HIDDEN}, refused="clouds.one.auth")
case("a list instead of a mapping", OPEN, files={"work/secure.yaml": "clouds: {one: {auth: []}}"}, refused="auth is a list")
case("secure.yaml alone", files={"work/secure.yaml": ONE})

# Profiles.
PUBLIC = """public-clouds:
  acme:
    auth: {auth_url: "https://{region_name}.acme/v3", project_domain_name: P}
    region_name: North
    identity_api_version: '3'
    image-api-version: 2
  many: {auth: {auth_url: 'https://many'}, regions: [x, {name: y, values: {interface: admin}}]}
"""
USER = f"auth: {{username: u, password: {SECRET}, user_domain_name: D, project_name: p}}\n"
WITH = {"files": {"work/clouds-public.yaml": PUBLIC}}
login("a profile of clouds-public.yaml", USER + "profile: acme", **WITH)
login("its old name", USER + "cloud: acme", **WITH)
login("a region of one's own with a profile", USER + "profile: acme\nregion_name: South", **WITH)
login("regions of a profile", USER + "profile: many", region="y", **WITH)
login("no such region of a profile", USER + "profile: many", region="z", refused="no region z", **WITH)
login("a profile that nobody knows", USER.replace("{u", "{auth_url: x, u") + "profile: nobody", **WITH)
login("a profile of openstacksdk's own", USER + "profile: citycloud", region="Sto2")
login("a profile of openstacksdk's own, and a name in it", USER + "profile: elastx\nimage_service_name: '{identity_api_version}'")
login("openstacksdk's own in YAML, with regions that have values", USER + "profile: limestonenetworks", region="us-slc")
login("a profile to be fetched", USER + "profile: https://127.0.0.1:1", refused="profile is a URL", **WITH)
login("a profile of a profile to be fetched", USER + "profile: vexxhost", refused="profile is a URL", **WITH)
login("a profile that is null", USER.replace("{u", "{auth_url: x, u") + "profile: null\ncloud: acme", **WITH)
login("a profile that is a number", USER + "profile: 7", refused="profile is a number", **WITH)

from cases_settings import *  # noqa: E402,F401,F403 the second half of the table
