"""The generator holds as many connections as it has users."""

import subprocess

from rehearsal.load.programs import PYTHON, ROOT

# Descriptor 2000 is out of select's range; nobody has written to it, so it is fit for use.
SCRIPT = """
from gevent import monkey; monkey.patch_all()
import os, socket
from geventhttpclient.connectionpool import ConnectionPool
from rehearsal.load.held_connections import hold
ours, theirs = socket.socketpair()
os.dup2(ours.fileno(), 2000)
high = socket.socket(fileno=2000)
pool = ConnectionPool("127.0.0.1", 80, "127.0.0.1", 80)
print(pool._is_socket_alive(high))
hold()
print(pool._is_socket_alive(high))
theirs.close()
print(pool._is_socket_alive(high))
"""


def test_a_connection_beyond_the_thousandth_is_used_again_unless_the_server_has_closed_it() -> None:
    done = subprocess.run(
        [str(PYTHON), "-c", SCRIPT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    assert done.stdout.split() == ["False", "True", "False"]
