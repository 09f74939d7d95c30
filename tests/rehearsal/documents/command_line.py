"""The AWS command line in one process, which forks for each command: to import it takes longest.

usage: PYTHON command_line.py SOCKET, where PYTHON has awscli; it prints a line when it listens.
       PYTHON command_line.py SOCKET WORD..., in any Python: the words are those after `aws`.
"""

import json
import os
import signal
import socket
import sys

_LONGEST = 1 << 16  # bytes of a command


def serve(listening: socket.socket) -> None:
    from awscli.clidriver import create_clidriver  # type: ignore[import-not-found]

    driver = create_clidriver()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        asked, _ = listening.accept()
        if os.fork():
            asked.close()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        listening.close()
        text, descriptors, *_ = socket.recv_fds(asked, _LONGEST, 3)
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        folder, *words = json.loads(text)
        os.chdir(folder)
        status = 255
        try:
            status = driver.main(words)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            asked.sendall(bytes([status]))
            os._exit(0)


def main(path: str, words: list[str]) -> int:
    with socket.socket(socket.AF_UNIX) as ours:
        if not words:
            ours.bind(path)
            ours.listen()
            serve(ours)
        ours.connect(path)
        folder = os.getcwd()  # noqa: PTH109 - importing pathlib takes longer than all of this
        socket.send_fds(ours, [json.dumps([folder, *words]).encode()], [0, 1, 2])
        (status,) = ours.recv(1)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
