"""Whether Ringfence in this container is alive: exit status 0, else 1 with the reason. Run by the image's HEALTHCHECK.

Asks by the local socket, which is there whatever `[http]` says. Imports nothing of Ringfence: it runs all the time.
"""

import os
import socket
import sys

PLACE = os.environ.get("RINGFENCE_SOCKET", "/run/ringfence/control.sock")
TIMEOUT_SECONDS = 3.0


def main() -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        try:
            connection.connect(PLACE)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: ringfence\r\nConnection: close\r\n\r\n")
            status = connection.recv(64).split(b" ", 2)[1:2]
        except OSError as error:
            print(f"{PLACE}: {error}", file=sys.stderr)
            return 1
    if status != [b"200"]:
        print(f"{PLACE}: answered {b''.join(status).decode(errors='replace') or 'nothing'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
