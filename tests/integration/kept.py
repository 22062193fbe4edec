#!/usr/bin/env python3
"""kept.py keystone|glance URL TOKEN WORD: a client that keeps its connection, and is strict about what comes over it (RFC 9112).

Each request of the service's script is sent over one connection, and its answer must be what the script says, framed as HTTP wants
it, with nothing behind it: whoever keeps a connection reads the rest of one answer as the beginning of the next. Then the script is
sent again with a GET between any two requests, whose answer must be the same each time. WORD makes the names of what is made unique.
"""

import json
import re
import socket
import sys
import urllib.parse

PATIENCE = 60
LARGE = 1 << 20


class Broken(Exception):
    pass


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Connection:
    def __init__(self, url):
        self.url = urllib.parse.urlsplit(url)
        self.opened = 0
        self.stream = None

    def open(self):
        self.opened += 1
        self.socket = socket.create_connection((self.url.hostname, self.url.port), PATIENCE)
        self.stream = self.socket.makefile("rb")

    def send(self, data):
        if not self.stream:
            self.open()
        self.socket.sendall(data)

    def line(self):
        line = self.stream.readline(65536)
        if not line.endswith(b"\r\n"):
            raise Broken(f"a line that does not end: {line!r}")
        return line[:-2].decode("latin-1")

    def exactly(self, size):
        data = self.stream.read(size)
        if len(data) != size:
            raise Broken(f"{len(data)} of {size} bytes")
        return data

    def chunks(self):
        while True:
            size = self.line()
            if not re.fullmatch(r"[0-9A-Fa-f]+", size):
                raise Broken(f"no chunk's size: {size!r}")
            data = self.exactly(int(size, 16))
            if self.line():
                raise Broken("no end of a chunk, or a trailer")
            if not data:
                return
            yield data

    def head(self):
        line = self.line()
        found = re.fullmatch(r"HTTP/1\.1 (\d\d\d) .*", line)
        if not found:
            raise Broken(f"no status line: {line!r}")
        headers = {}
        while field := self.line():
            name, colon, value = field.partition(":")
            if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
                raise Broken(f"no header: {field!r}")
            if name.lower() in ("content-length", "transfer-encoding") and name.lower() in headers:
                raise Broken(f"{name} twice")
            headers[name.lower()] = value.strip()
        return int(found[1]), headers

    def answer(self, method):
        status, headers = self.head()
        length, coding = headers.get("content-length"), headers.get("transfer-encoding")
        if length is not None and coding is not None:
            raise Broken("a length and a transfer coding")
        if status < 200 or status == 204:
            # Glance says 0, which RFC 9110, 8.6, forbids, but nobody reads anything for it.
            if coding is not None or length not in (None, "0"):
                raise Broken(f"{status} with a body's header: {headers}")
            body = b""
        elif method == "HEAD" or status == 304:
            body = b""
        elif coding is not None:
            if coding.lower() != "chunked":
                raise Broken(f"transfer coding {coding!r}")
            body = b"".join(self.chunks())
        elif length is not None:
            body = self.exactly(int(length))
        elif headers.get("connection", "").lower() == "close":
            body = self.stream.read()
        else:
            raise Broken("a body of which nobody knows the end")
        if headers.get("connection", "").lower() == "close":
            if self.stream.read():
                raise Broken("something behind the last answer")
            self.close()
        return Answer(status, headers, body)

    def close(self):
        if self.stream:
            self.stream.close()
            self.socket.close()
            self.stream = None

    def ask(self, method, path, body=None, headers=(), how="length"):
        """HOW the body is sent: with its `length`, in `chunks`, or when it was asked to `continue`."""
        fields = {"Host": self.url.netloc, **dict(headers)}
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            fields = {"Content-Type": "application/json", **fields}
        if how == "chunks":
            fields["Transfer-Encoding"] = "chunked"
            parts = [body[i:i + 50000] for i in range(0, len(body), 50000)]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        elif body is not None or method in ("POST", "PUT", "PATCH"):
            fields["Content-Length"] = str(len(body or b""))
        if how == "continue":
            fields["Expect"] = "100-continue"
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
        if how != "continue":
            self.send(head.encode() + (body or b""))
            return self.answer(method)
        self.send(head.encode())
        first = self.answer(method)
        if first.status != 100:
            return first
        self.send(body)
        return self.answer(method)


class Script:
    """Sends each request, and says which one broke the rules. Where it is told to look between, a GET follows each."""

    def __init__(self, connection, token, between=None):
        self.connection, self.token, self.between = connection, token, between
        self.asked, self.wrong, self.statuses = 0, [], set()
        self.usual = self.look() if between else None

    def look(self):
        answer = self.connection.ask("GET", self.between, headers={"X-Auth-Token": self.token})
        return answer.status, answer.body

    def __call__(self, status, method, path, body=None, headers=None, how="length", token=True):
        fields = {**({"X-Auth-Token": self.token if token is True else token} if token else {}), **(headers or {})}
        self.asked += 1
        what = f"{method} {path[:60]} ({how})"
        try:
            answer = self.connection.ask(method, path, body, fields, how)
            self.statuses.add(answer.status)
            if answer.status != status:
                self.wrong.append(f"{what}: {answer.status} instead of {status}: {answer.body[:200]!r}")
            elif status >= 400 and method != "HEAD" and "json" in answer.headers.get("content-type", ""):
                answer.json()
            if self.between and self.look() != self.usual:
                self.wrong.append(f"the GET behind {what} has another answer")
            return answer
        except (Broken, OSError, ValueError) as error:
            self.wrong.append(f"{what}: {error!r}")
            self.connection.close()
            return None


def keystone(ask, word):
    """Every method and every status that Keystone's front and Keystone itself give to a client that does something wrong, or right."""
    ask(300, "GET", "/", token=False)
    ask(300, "HEAD", "/", token=False)
    ask(200, "GET", "/v3", token=False)
    ask(200, "HEAD", "/v3", token=False)
    ask(200, "GET", "/healthcheck", token=False)
    ask(401, "GET", "/v3/users", token=False)
    ask(401, "HEAD", "/v3/users", token="wrong")
    ask(404, "GET", "/v3/nothing")
    ask(404, "HEAD", "/v3/projects/nothing")
    ask(404, "DELETE", "/v3/users/nothing")
    ask(405, "DELETE", "/v3/auth/catalog")
    ask(405, "TRACE", "/v3")
    ask(400, "POST", "/v3/users", b"{", {"Content-Type": "application/json"})
    ask(400, "POST", "/v3/users", {"user": {"name": 1}})
    ask(401, "POST", "/v3/auth/tokens", {"auth": {"identity": {"methods": ["password"], "password": {
        "user": {"name": "nobody", "domain": {"id": "default"}, "password": "x"}}}}}, token=False)
    made = {}
    for kind, how in (("user", "length"), ("role", "length"), ("project", "continue")):
        # not changed later: Keystone takes no token of the second in which a password was changed
        secret = {"password": "secret-" + word} if kind == "user" else {}
        body = json.dumps({kind: {"name": f"kept-{word}", **secret}}).encode()
        answer = ask(201, "POST", f"/v3/{kind}s", body, {"Content-Type": "application/json"}, how)
        made[kind] = answer.json()[kind]["id"]
    ask(409, "POST", "/v3/users", {"user": {"name": f"kept-{word}"}})
    ask(409, "POST", "/v3/roles", {"role": {"name": f"kept-{word}"}})
    body = json.dumps({"user": {"description": "kept", "default_project_id": made["project"]}}).encode()
    ask(200, "PATCH", f"/v3/users/{made['user']}", body, {"Content-Type": "application/json"}, "chunks")
    grant = f"/v3/projects/{made['project']}/users/{made['user']}/roles/{made['role']}"
    ask(404, "HEAD", grant)
    ask(204, "PUT", grant)
    ask(204, "HEAD", grant)
    ask(204, "PUT", grant)
    mine = ask(201, "POST", "/v3/auth/tokens", {"auth": {"identity": {"methods": ["password"], "password": {
        "user": {"id": made["user"], "password": "secret-" + word}}}}}, token=False).headers["x-subject-token"]
    ask(403, "GET", "/v3/users", token=mine)
    ask(403, "POST", "/v3/users", {"user": {"name": "x", "description": "y" * 200000}}, token=mine)
    ask(200, "GET", "/v3/auth/tokens", headers={"X-Subject-Token": mine})
    ask(200, "HEAD", "/v3/auth/tokens", headers={"X-Subject-Token": mine})
    ask(204, "DELETE", "/v3/auth/tokens", headers={"X-Subject-Token": mine})
    ask(404, "HEAD", "/v3/auth/tokens", headers={"X-Subject-Token": mine})
    ask(204, "DELETE", grant)
    ask(404, "DELETE", grant)
    ask(413, "POST", "/v3/users", b"x" * (LARGE + 1))
    ask(413, "POST", "/v3/users", b"x" * (LARGE + 1), how="chunks")
    ask(413, "POST", "/v3/users", b"x" * (LARGE + 1), how="continue")
    ask(414, "GET", "/v3/users?name=" + "x" * 9000)
    ask(431, "GET", "/v3/users", headers={"X-Long": "x" * 9000})
    ask(200, "GET", f"/v3/users?name=kept-{word}", headers={"X-Long": "x" * 8000})
    ask(501, "POST", "/v3/users", headers={"Transfer-Encoding": "gzip"})
    ask(200, "OPTIONS", "/v3/users")
    for kind, identity in made.items():
        ask(204, "DELETE", f"/v3/{kind}s/{identity}")
    return {200, 201, 204, 300, 400, 401, 403, 404, 405, 409, 413, 414, 431}


def glance(ask, word):
    octets = {"Content-Type": "application/octet-stream"}
    data = bytes(range(256)) * 1024
    ask(300, "GET", "/", token=False)
    ask(200, "GET", "/versions", token=False)
    ask(200, "GET", "/v2/images")
    ask(401, "GET", "/v2/images", token="wrong")
    ask(404, "GET", "/v2/images/nothing")
    ask(300, "GET", "/nothing")
    ask(204, "HEAD", "/healthcheck", token=False)
    ask(405, "HEAD", "/v2/images/nothing/file")
    ask(405, "DELETE", "/v2/images")
    ask(400, "POST", "/v2/images", b"{", {"Content-Type": "application/json"})
    ask(400, "POST", "/v2/images", {"name": "x", "min_disk": "many"})
    ask(415, "PUT", "/v2/images/nothing/file", data, {"Content-Type": "text/plain"})
    for how in ("length", "chunks", "continue"):
        made = ask(201, "POST", "/v2/images", {"name": f"kept-{word}", "disk_format": "raw", "container_format": "bare"}).json()["id"]
        image = f"/v2/images/{made}"
        ask(204, "GET", image + "/file")
        ask(204, "PUT", image + "/file", data, octets, how)
        ask(409, "PUT", image + "/file", data * 16, octets, how)
        ask(401, "PUT", image + "/file", data * 16, octets, how, token="wrong")
        ask(404, "PUT", "/v2/images/nothing/file", data * 16, octets, how)
        answer = ask(200, "GET", image + "/file")
        if not answer or answer.body != data:
            ask.wrong.append("the image is another one")
        answer = ask(206, "GET", image + "/file", headers={"Range": "bytes=1000-1999"})
        if not answer or answer.body != data[1000:2000]:
            ask.wrong.append("a range of the image is another one")
        ask(416, "GET", image + "/file", headers={"Range": f"bytes={len(data)}-"})
        ask(200, "PATCH", image, json.dumps([{"op": "add", "path": "/kept", "value": word}]).encode(),
            {"Content-Type": "application/openstack-images-v2.1-json-patch"})
        ask(409, "PATCH", image, json.dumps([{"op": "remove", "path": "/nothing"}]).encode(),
            {"Content-Type": "application/openstack-images-v2.1-json-patch"})
        ask(415, "PATCH", image, b"[]", {"Content-Type": "text/plain"})
        ask(204, "PUT", image + "/tags/kept")
        ask(204, "DELETE", image + "/tags/kept")
        ask(404, "DELETE", image + "/tags/kept")
        ask(204, "DELETE", image)
        ask(404, "GET", image)
    ask(200, "OPTIONS", "/v2/images")
    return {200, 201, 204, 206, 300, 400, 401, 404, 405, 409, 415, 416}


def main():
    service, url, token, word = sys.argv[1:]
    script, between = {"keystone": (keystone, "/v3"), "glance": (glance, "/versions")}[service]
    wrong = []
    for number, look in enumerate((None, between)):
        connection = Connection(url)
        ask = Script(connection, token, look)
        try:
            wanted = script(ask, f"{word}{number}")
            if missing := wanted - ask.statuses:
                ask.wrong.append(f"never seen: {missing}")
        except (AttributeError, KeyError, TypeError) as error:
            ask.wrong.append(f"broken off: {error!r}")
        print(f"{service}: {ask.asked} requests over {connection.opened} connections, {len(ask.wrong)} answers wrong")
        connection.close()
        wrong += ask.wrong
    print("\n".join(wrong))
    return bool(wrong)


sys.exit(main())
