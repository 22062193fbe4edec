# SPDX-License-Identifier: MIT
"""What openstacksdk makes of a configuration, in the words of mcloudfs --print-cloud."""

import importlib
import json
import os
import warnings

import openstack.config.cloud_region
from keystoneauth1 import access
from keystoneauth1.exceptions import AuthorizationFailure
from openstack.config import loader

MASK = "********"
SECRETS = {"password", "token", "passcode", "application_credential_secret"}
KEYS = SECRETS | {
    "auth_url", "username", "user_id", "user_domain_id", "user_domain_name", "project_id", "project_name",
    "project_domain_id", "project_domain_name", "domain_id", "domain_name", "trust_id", "system_scope",
    "application_credential_id", "application_credential_name",
}
METHODS = {"PasswordMethod": 1, "TokenMethod": 2, "ApplicationCredentialMethod": 4, "TOTPMethod": 8}
GENERIC = {"Password": 1, "Token": 2}


def attribute(plugin, key):
    """A generic plugin keeps its values behind an underscore, and shows domains by a property that knows the default."""
    for thing in [plugin, *getattr(plugin, "auth_methods", [])]:
        for name in (key, "_" + key):
            if getattr(thing, name, None):
                return getattr(thing, name)
    return None


def auth(region):
    plugin = region._auth
    values = {key: attribute(plugin, key) for key in KEYS}
    values = {key: MASK if key in SECRETS else value for key, value in values.items() if value}
    methods = [METHODS.get(type(method).__name__, 0) for method in getattr(plugin, "auth_methods", [])]
    values["type"] = region.config["auth_type"]
    values["methods"] = sum(methods) or GENERIC.get(type(plugin).__name__, 0)
    values["unscoped"] = bool(getattr(plugin, "unscoped", False))
    return values


class Posted(Exception):
    """What was to be sent."""


class Wire:
    """Takes the request of a login, and sends nothing."""

    def post(self, url, json, **_):
        raise Posted(json)


def masked(body):
    hidden = {"password", "passcode", "secret"}
    if isinstance(body, dict):
        return {key: MASK if key in hidden and isinstance(value, str) and value else masked(value) for key, value in body.items()}
    return body


def login(region):
    """The body that logs in, where Keystone speaks v3 only."""
    plugin = region._auth
    if hasattr(plugin, "create_plugin"):
        plugin = plugin.create_plugin(None, (3, 0), plugin.auth_url)
    try:
        plugin.get_auth_ref(Wire())
    except Posted as posted:
        body = masked(posted.args[0])
        token = body["auth"]["identity"].get("token")
        if token and token["id"]:
            token["id"] = MASK
        return body
    except AuthorizationFailure:
        pass
    return None


def service(region, name):
    catalog = access.service_catalog.ServiceCatalogV3
    interfaces = region.get_interface(name)
    interfaces = interfaces if isinstance(interfaces, list) else [interfaces] if interfaces else []
    values = {
        "region_name": region.get_region_name(name),
        "service_type": region.get_service_type(name),
        "service_name": region.get_service_name(name),
        "endpoint": region.get_endpoint(name) or None,
        "api_version": region.get_api_version(name) or None,
    }
    values = {key: value for key, value in values.items() if value is not None}
    values["interfaces"] = [catalog.normalize_interface(interface) for interface in interfaces]
    values["disabled"] = not region.has_service(name)
    return values


def describe(config, region):
    verify, cert = region.get_requests_verify_args()
    timeout = region.config.get("api_timeout")
    known = [str(item["name"]) for item in config._get_regions(region.name)]
    values = {
        "cloud": region.name,
        "region": region.config["region_name"],
        "regions": [name for name in known if name],
        "auth": auth(region),
        "login": login(region),
        "identity": service(region, "identity"),
        "image": service(region, "image"),
        "verify": verify is None or bool(verify),
        "cacert": verify if isinstance(verify, str) else None,
        "cert": cert[0] if isinstance(cert, tuple) else cert or None,
        "key": cert[1] if isinstance(cert, tuple) else None,
        "timeout_ms": 0 if timeout is None else float(timeout) * 1000,
        "file": config.config_filename and os.path.abspath(config.config_filename),
    }
    return {key: value for key, value in values.items() if value is not None}


def answer(cloud, region):
    # What it found out of its environment when it was imported is to be found out again.
    fresh = importlib.reload(loader)
    try:
        config = fresh.OpenStackConfig()
        return {"answer": describe(config, config.get_one(cloud=cloud, region_name=region))}
    except Exception as error:  # of many kinds; AttributeError and TypeError among them
        return {"error": f"{type(error).__name__}: {error}"}


def ask(cloud, region, environment, directory):
    """In a process of its own, whose environment and directory these are."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.chdir(directory)
            os.environ.clear()
            os.environ.update(environment)
            warnings.simplefilter("ignore")
            with os.fdopen(writer, "w") as out:
                json.dump(answer(cloud, region), out, default=str)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as text:
        told = text.read()
    os.waitpid(child, 0)
    return json.loads(told)
