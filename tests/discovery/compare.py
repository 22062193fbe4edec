#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""compare.py: keystoneauth finds each shape of shapes.json where the table says.

What mcloudfs does otherwise is said in the shape: `keystoneauth` is the URL that keystoneauth would ask, null where it gives up.
"""

import json
import logging
import sys
from pathlib import Path
from urllib.parse import urlparse

sys.dont_write_bytecode = True

try:
    import requests
    from keystoneauth1 import access, exceptions, session
    from keystoneauth1.identity import base, generic, v3
except ImportError as missing:
    print(f"python3-keystoneauth1 is not installed: {missing}")
    sys.exit(77)


class Cloud(requests.Session):
    """Answers with the documents of a shape."""

    def __init__(self, shape):
        super().__init__()
        self.documents = shape.get("documents", {})

    def request(self, method, url, **_):
        document = self.documents.get(url) or self.documents.get(url + "/" if not urlparse(url).path else url)
        if document is None:
            raise requests.exceptions.ConnectionError(url)
        answer = requests.Response()
        answer.status_code, answer.url = document["status"], url
        answer._content = (json.dumps(document["json"]) if "json" in document else document["text"]).encode()
        answer.headers["Content-Type"] = "application/json"
        return answer


class Login(base.BaseIdentityPlugin):
    """Has got a token with the shape's catalog."""

    def __init__(self, shape):
        super().__init__(auth_url="https://none")
        body = {"token": {"catalog": shape.get("catalog", {}).get("catalog", []), "expires_at": "2999-01-01T00:00:00Z"}}
        if shape.get("project_id"):
            body["token"]["project"] = {"id": shape["project_id"], "name": "p", "domain": {"id": "d", "name": "d"}}
        self.auth_ref = access.AccessInfoV3(body=body, auth_token="t")

    def get_auth_ref(self, session, **_):
        return self.auth_ref

    def get_cache_id_elements(self):
        return {}


def identity(shape, asker):
    """The URL in front of /auth/tokens."""
    if shape.get("versioned"):
        plugin = v3.Password(auth_url=shape["auth_url"], user_id="u", password="p")
    else:
        plugin = generic.Password(auth_url=shape["auth_url"], user_id="u", password="p", user_domain_id="d", project_domain_id="d")
        plugin = plugin._do_create_plugin(asker)
    url = plugin.auth_url.rstrip("/")
    return url if url.endswith("v3") else url + "/v3"


def image(shape, asker):
    """An endpoint_override is asked as it is: openstacksdk knows the version by its defaults."""
    if shape.get("override"):
        return shape["override"]
    return asker.auth.get_endpoint(asker, service_type=shape.get("service_type", "image"), interface=shape.get("interfaces"),
                                   region_name=shape.get("region"), service_name=shape.get("service_name"), version="2")


def find(shape):
    asker = session.Session(session=Cloud(shape), auth=Login(shape))
    try:
        url = (identity if shape["service"] == "identity" else image)(shape, asker)
    except (exceptions.ClientException, AttributeError, TypeError) as error:
        return None, f"{type(error).__name__}: {error}"
    return url and url.rstrip("/"), ""


def main():
    logging.disable(logging.CRITICAL)
    shapes = json.loads((Path(__file__).parent / "shapes.json").read_text())
    failed = 0
    for shape in shapes:
        found, why = find(shape)
        wanted = shape["keystoneauth"] if "keystoneauth" in shape else shape.get("expect")
        if found != (wanted and wanted.rstrip("/")):
            print(f"{shape['name']}: {found} {why}, where {wanted} was said")
            failed += 1
    print(f"{len(shapes)} shapes, {failed} differ")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
