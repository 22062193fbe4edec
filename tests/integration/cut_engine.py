"""cut_engine.py SOCKET ENGINE: what stands between a daemon and its engine. The engine gets every request; of `POST /volumes/create` nobody
hears the answer, as when the connection breaks at that moment."""

import socket
import sys
import threading


def end_all(*ends):
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, path):
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(path)
    cut = threading.Event()

    def answers():
        try:
            while data := engine.recv(65536):
                if cut.is_set():
                    break
                client.sendall(data)
        except OSError:
            pass
        end_all(client, engine)

    threading.Thread(target=answers, daemon=True).start()
    try:
        while data := client.recv(65536):
            if data.startswith(b"POST ") and b"/volumes/create " in data.split(b"\r\n", 1)[0]:
                cut.set()
            engine.sendall(data)
    except OSError:
        pass
    end_all(client, engine)


def main():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, sys.argv[2]), daemon=True).start()


main()
