"""ask_ldap.py HOST BASE: what an LDAP server tells of BASE to who has not bound, or has bound anonymously: "nothing", or what it is.

By the bytes of RFC 4511, as no client library need be there."""

import socket
import sys


def element(tag, content):
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82, size >> 8, size & 255])
    return bytes([tag]) + length + content


def text(value):
    return element(0x04, value.encode())


def search(message, base):
    present = element(0x87, b"objectClass")
    request = text(base) + b"\x0a\x01\x02" + b"\x0a\x01\x00" + b"\x02\x01\x00" * 2 + b"\x01\x01\x00" + present
    request += element(0x30, text("*") + text("+"))
    return element(0x30, bytes([2, 1, message]) + element(0x63, request))


BIND = element(0x30, b"\x02\x01\x01" + element(0x60, b"\x02\x01\x03" + text("") + element(0x80, b"")))


def ask(host, *requests):
    with socket.create_connection((host, 389), 10) as connection:
        for request in requests:
            connection.sendall(request)
        answer = b""
        # until the search is done, or the server has hung up
        while not any(bytes([2, 1, message, 0x65]) in answer for message in (1, 2)):
            piece = connection.recv(65536)
            if not piece:
                break
            answer += piece
    return answer


def main():
    host, base = sys.argv[1:]
    for requests in ((search(1, base),), (BIND, search(2, base))):
        answer = ask(host, *requests)
        # an entry
        if any(bytes([2, 1, message, 0x64]) in answer for message in (1, 2)):
            print(answer)
            return
    print("nothing")


main()
