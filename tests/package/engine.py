#!/usr/bin/env python3
"""engine.py SOCKET: answers at SOCKET as a Docker Engine that has nothing, until it is killed."""

import http.server
import json
import os
import socketserver
import sys
import threading

VERSION = {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Os": "linux", "Components": [{"Name": "Engine", "Version": "20.10.24"}]}
ANSWERS = {"version": VERSION, "_ping": "OK", "info": {"SecurityOptions": [], "OperatingSystem": "none"}, "volumes": {"Volumes": []}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = self.path.split("?")[0].strip("/").split("/")[-1]
        if name == "events":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            threading.Event().wait()
        body = json.dumps(ANSWERS.get(name, [])).encode()
        self.send_response(200)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


if os.path.exists(sys.argv[1]):
    os.unlink(sys.argv[1])
Server(sys.argv[1], Handler).serve_forever()
