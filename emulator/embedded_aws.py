"""Starting and ending the process of the embedded AWS."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from emulator.clean_environment import ACCOUNT, REGION, ROOT, clean_environment
from emulator.errors import EmulatorError

PYTHON = ROOT / ".venv-emulator/bin/python"
_READY = 180  # seconds
_ENDED = 60  # seconds


class EmbeddedAws:
    """One embedded AWS with its nodes, in a folder of its own and on a free loopback port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = ""
        self.environment: dict[str, str] = {}

    @property
    def pid(self) -> int:
        """The server's process id, which is its process group's too."""
        if self._process is None:
            raise EmulatorError("the embedded AWS does not run")
        return self._process.pid

    @property
    def authority(self) -> Path:
        """The certificate that the nodes' certificates are verified against."""
        return self.folder / "nodes" / "ca.pem"

    def start(self, *, outlives_us: bool, inherited: Sequence[int] = ()) -> None:
        """Start it and wait until it answers; EmulatorError with its last words when it does not.

        It ends with this process, however that ends, unless `outlives_us`. `inherited` are file
        descriptors that it keeps open for as long as it lives.
        """
        if not PYTHON.exists():
            raise EmulatorError("there is no .venv-emulator: run 'make setup-rehearsal'")
        # The socket is bound here and handed over: no port is guessed, and none is lost to another.
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            port = listening.getsockname()[1]
            self.endpoint = f"http://127.0.0.1:{port}"
            self.environment = clean_environment(self.folder / "home", self.endpoint)
            log = (self.folder / "aws.log").open("wb")
            self._process = subprocess.Popen(
                [
                    str(PYTHON),
                    "-m",
                    "emulator.aws.server",
                    str(listening.fileno()),
                    *([] if outlives_us else ["--until-stdin-closes"]),
                ],
                cwd=ROOT,
                env=self.environment | self._settings(port),
                pass_fds=[listening.fileno(), *inherited],
                stdin=subprocess.DEVNULL if outlives_us else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            log.close()
        try:
            with urlopen(f"{self.endpoint}/_ministack/health", timeout=_READY) as answer:  # noqa: S310 - ours
                answer.read()
        except (URLError, OSError) as error:
            raise EmulatorError(f"the embedded AWS did not start\n{self.log_tail()}") from error

    def stop(self) -> None:
        """End the server, its nodes and its functions, and wait for it."""
        if self._process is None:
            return
        process = self._process
        end_group(process.pid, lambda: process.poll() is not None)
        process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None

    def log_tail(self, lines: int = 15) -> str:
        """The end of the server's log."""
        text = (self.folder / "aws.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _settings(self, port: int) -> dict[str, str]:
        return {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            # A state machine's pauses are a twentieth of AWS's; nothing else is compressed.
            "SFN_WAIT_SCALE": "0.05",
            # Without a daemon's socket ministack never looks for containers to clean up.
            "DOCKER_HOST": f"unix://{self.folder}/no-docker.sock",
            "LOG_LEVEL": "WARNING",
            "REHEARSAL_NODES": str(self.folder / "nodes"),
            # The functions' own trust store: in AWS the nodes' certificates are publicly trusted.
            "SSL_CERT_FILE": str(self.authority),
            # And botocore's, for interface endpoints by their own names.
            "AWS_CA_BUNDLE": str(self.folder / "private-link" / "ca.pem"),
            # For the processes of functions: see emulator/aws/function_process.
            "PYTHONPATH": str(ROOT / "emulator/aws/function_process"),
            "REHEARSAL_RUNTIME": str(self.folder / "runtime"),
            "REHEARSAL_CONNECTIONS": str(self.folder / "connections.jsonl"),
        }


def end_group(pid: int, has_ended: Callable[[], bool]) -> None:
    """Ask the server to end, wait, then end what is left of its process group."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _ENDED
        while not has_ended() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(pid, signal.SIGKILL)
