"""tls_relay.py ADDRESS PORT CERTIFICATE KEY HOST PORT: takes TLS at the one, and gives what is in it to the other, until it is ended."""

import socket
import ssl
import sys
import threading

address, port, certificate, key, host, behind = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)


def relay(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(plain):
    try:
        client = context.wrap_socket(plain, server_side=True)
    except (ssl.SSLError, OSError):
        return
    server = socket.create_connection((host, int(behind)))
    threading.Thread(target=relay, args=(server, client), daemon=True).start()
    relay(client, server)


listener = socket.create_server((address, int(port)))
print('listening', flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
