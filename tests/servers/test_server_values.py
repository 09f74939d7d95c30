"""The deployed document's own script, run on a kernel: applied, verified, taken back.

somaxconn and tcp_max_syn_backlog are real ones, in a network namespace that ends with each run.
What is the whole machine's (netdev_max_backlog, file-max, systemd) is in files of the test.
"""

import os
import subprocess
from pathlib import Path

import pytest

from constructs.servers.server_values import content
from emulator.clean_environment import run_command

CONNECTIONS = 10_000
BACKLOG, FILES = 16_384, 65_536
REAL = ("net/core/somaxconn", "net/ipv4/tcp_max_syn_backlog")
LOW = {"net/core/somaxconn": 128, "net/ipv4/tcp_max_syn_backlog": 256}
KEPT = {"net/core/netdev_max_backlog": 1000, "fs/file-max": 20_000}

# Its values are those of its folder's files; daemon-reexec reads the drop-in as systemd does.
SYSTEMCTL = """#!/bin/sh
case $1 in
  show)
    name=${2#--property=}
    if [ -f "$SYSTEMD/$name" ]; then echo "$name=$(cat "$SYSTEMD/$name")"; fi ;;
  daemon-reexec)
    cp "$SYSTEMD"/default/* "$SYSTEMD"
    value=$(sed -n 's/^DefaultLimitNOFILE=//p' "$ETC"/systemd/system.conf.d/* 2>/dev/null)
    if [ -n "$value" ]; then
      echo "${value#*:}" >"$SYSTEMD/DefaultLimitNOFILE"
      if [ -f "$SYSTEMD/DefaultLimitNOFILESoft" ]; then
        echo "${value%:*}" >"$SYSTEMD/DefaultLimitNOFILESoft"
      fi
    fi ;;
esac
"""


NAMESPACE = ("unshare", "--map-root-user", "--net")
LISTEN = """python3 -c "import socket, subprocess
with socket.create_server(('', 0), backlog=100_000):
    subprocess.run(['ss', '-Hltn'])" """


class Server:
    """One machine: its files stay between runs, its real values are set again in each namespace."""

    def __init__(self, folder: Path, limits: dict[str, str]) -> None:
        self.folder = folder
        self.proc, self.etc, self.state = (folder / name for name in ("proc", "etc", "state"))
        systemd = folder / "systemd"
        (systemd / "default").mkdir(parents=True)
        for name, value in limits.items():
            for place in (systemd, systemd / "default"):
                (place / name).write_text(f"{value}\n")
        command = folder / "bin" / "systemctl"
        command.parent.mkdir()
        command.write_text(SYSTEMCTL)
        command.chmod(0o755)
        for key in (*LOW, *KEPT):
            (self.proc / key).parent.mkdir(parents=True, exist_ok=True)
        for key in REAL:
            (self.proc / key).symlink_to(Path("/proc/sys") / key)
        for key, number in KEPT.items():
            (self.proc / key).write_text(f"{number}\n")

    def run(
        self, *actions: str, low: dict[str, int] = LOW
    ) -> list[subprocess.CompletedProcess[str]]:
        """The actions, one after the other in one namespace whose values begin as ``low``."""
        driver = [f"echo {value} >/proc/sys/{key}" for key, value in low.items()]
        for number, action in enumerate(actions):
            script = self.folder / f"{number}.sh"
            script.write_text(rendered(action))
            driver.append(f"sh {script} >{script}.out 2>{script}.err; echo $? >{script}.code")
            driver.append(f"cat /proc/sys/{REAL[0]} /proc/sys/{REAL[1]} >{script}.values")
        command = [*NAMESPACE, "sh", "-c", "\n".join(driver)]
        run_command(command, environment=self.environment, seconds=180, check=True)
        read = [
            [(self.folder / f"{number}.sh.{part}").read_text() for part in ("code", "out", "err")]
            for number in range(len(actions))
        ]
        return [subprocess.CompletedProcess([], int(code), *said) for code, *said in read]

    @property
    def environment(self) -> dict[str, str]:
        """Where the script finds what is this machine's."""
        return {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "PROC_SYS": str(self.proc),
            "ETC": str(self.etc),
            "STATE": str(self.state),
            "SYSTEMD": str(self.folder / "systemd"),
        }

    def values(self, number: int) -> list[int]:
        """somaxconn and tcp_max_syn_backlog in the kernel after an action of the last run."""
        return [int(one) for one in (self.folder / f"{number}.sh.values").read_text().split()]

    def kept(self, key: str) -> int:
        return int((self.proc / key).read_text())

    def limit(self, name: str) -> str:
        return (self.folder / "systemd" / name).read_text().strip()

    @property
    def written(self) -> list[str]:
        """Every file below /etc and the state's folder."""
        return sorted(
            str(path.relative_to(self.folder))
            for place in (self.etc, self.state)
            for path in place.rglob("*")
            if path.is_file()
        )


def rendered(action: str) -> str:
    """What Systems Manager hands to sh, with the parameter put in: production's, or of staging."""
    action, of, _ = action.partition(" of staging")
    (step,) = content(*(("staging", 800) if of else ("production", CONNECTIONS)))["mainSteps"]
    lines: list[str] = step["inputs"]["runCommand"]
    return "\n".join(lines).replace("{{ Action }}", action)


LIMITS = {"DefaultLimitNOFILE": "524288", "DefaultLimitNOFILESoft": "1024"}


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Server:
    if subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a network namespace needs root or user namespaces")
    return Server(tmp_path, getattr(request, "param", LIMITS))


@pytest.mark.plan("5.3")
def test_applied_they_are_in_the_kernel_and_survive_the_next_start(server: Server) -> None:
    (applied, verified) = server.run("apply", "verify")
    assert (applied.returncode, verified.returncode) == (0, 0), applied.stderr + verified.stderr
    assert server.values(0) == [BACKLOG, BACKLOG]
    assert server.kept("net/core/netdev_max_backlog") == BACKLOG
    assert server.kept("fs/file-max") == FILES
    assert (server.limit("DefaultLimitNOFILESoft"), server.limit("DefaultLimitNOFILE")) == (
        str(FILES),
        "524288",
    ), "the hard limit was higher and stays"
    file = (server.etc / "sysctl.d/99-redis-connections.conf").read_text()
    assert file.splitlines() == [
        f"net.core.somaxconn = {BACKLOG}",
        f"net.ipv4.tcp_max_syn_backlog = {BACKLOG}",
        f"net.core.netdev_max_backlog = {BACKLOG}",
        f"fs.file-max = {FILES}",
    ]


@pytest.mark.parametrize(
    "actions", [("apply", "apply of staging"), ("apply of staging", "apply")], ids="/".join
)
def test_of_two_environments_on_one_server_the_larger_values_hold(
    server: Server, actions: tuple[str, str]
) -> None:
    *done, both, other = server.run(*actions, "verify", "verify of staging")
    assert not any(one.returncode for one in (*done, both, other)), both.stderr + other.stderr
    assert server.values(1) == [BACKLOG, BACKLOG]
    file = (server.etc / "sysctl.d/99-redis-connections.conf").read_text()
    assert f"somaxconn = {BACKLOG}" in file, "the next start would lower it"
    assert server.limit("DefaultLimitNOFILESoft") == str(FILES)
    state = {path.name: path.read_text() for path in server.state.iterdir()}
    assert state.pop("before").splitlines()[0] == "net.core.somaxconn=128"
    assert state == {"production.needs": f"{BACKLOG} {FILES}\n", "staging.needs": "1024 4096\n"}


def test_what_one_environment_takes_back_the_other_keeps(server: Server) -> None:
    server.run("apply", "apply of staging", "revert", "verify of staging")
    assert server.values(2) == [1024, 1024]
    assert {key: server.kept(key) for key in KEPT} == {**KEPT, "net/core/netdev_max_backlog": 1024}
    assert server.limit("DefaultLimitNOFILESoft") == "4096"
    file = (server.etc / "sysctl.d/99-redis-connections.conf").read_text()
    assert "somaxconn = 1024" in file
    assert "file-max" not in file, "there were more than staging needs"
    low = dict.fromkeys(LOW, 1024)
    verified, reverted = server.run("verify of staging", "revert of staging", low=low)
    assert (verified.returncode, reverted.returncode) == (0, 0), verified.stderr
    assert server.values(1) == list(LOW.values())
    assert {key: server.kept(key) for key in KEPT} == KEPT
    assert server.written == []


def test_a_socket_really_gets_the_longer_queue(server: Server) -> None:
    # ss shows how many may wait for a listening socket.
    before, after = (
        run_command(
            [*NAMESPACE, "sh", "-c", f"echo 128 >/proc/sys/{REAL[0]}\n({then})\n{LISTEN}"],
            environment=server.environment,
            seconds=180,
            check=True,
        ).stdout.split("LISTEN")[1]
        for then in ("true", rendered("apply"))
    )
    assert (before.split()[1], after.split()[1]) == ("128", str(BACKLOG))


@pytest.mark.plan("5.3")
def test_taken_back_everything_is_as_it_was(server: Server) -> None:
    *_, reverted, verified = server.run("apply", "apply", "revert", "verify")
    assert reverted.returncode == 0, reverted.stderr
    assert server.values(2) == list(LOW.values())
    assert {key: server.kept(key) for key in KEPT} == KEPT
    assert server.limit("DefaultLimitNOFILESoft") == "1024"
    assert server.written == []
    assert verified.returncode == 1


def test_after_a_start_without_them_they_are_set_again_and_the_first_ones_remembered(
    server: Server,
) -> None:
    server.run("apply")
    (again,) = server.run("apply", low=dict.fromkeys(LOW, 100))
    assert again.returncode == 0
    assert server.values(0) == [BACKLOG, BACKLOG]
    before = (server.state / "before").read_text().splitlines()
    assert before[:2] == ["net.core.somaxconn=128", "net.ipv4.tcp_max_syn_backlog=256"]
    assert len(before) == len(LOW) + len(KEPT)


def test_what_a_server_has_more_of_is_never_lowered(server: Server) -> None:
    more = dict.fromkeys(LOW, 50_000)
    (applied,) = server.run("apply", low=more)
    assert applied.returncode == 0, applied.stderr
    assert server.values(0) == [50_000, 50_000]
    text = (server.etc / "sysctl.d/99-redis-connections.conf").read_text()
    assert "somaxconn" not in text, "at the next start it would be lowered"


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("proc/net/core/netdev_max_backlog", "5\n", "net.core.netdev_max_backlog is 5"),
        ("proc/fs/file-max", "5\n", "fs.file-max is 5"),
        ("etc/sysctl.d/99-redis-connections.conf", None, "the next start forgets it"),
        ("bin/systemctl", "#!/bin/sh\nexit 127\n", "fewer than 65536 files"),
    ],
)
def test_one_value_that_is_missing_now_or_at_the_next_start_is_named(
    server: Server, file: str, text: str | None, words: str
) -> None:
    server.run("apply")
    if text is None:
        (server.folder / file).unlink()
    else:
        (server.folder / file).write_text(text)
    (verified,) = server.run("verify", low=dict.fromkeys(LOW, BACKLOG))
    assert verified.returncode == 1
    assert words in verified.stderr


def test_what_somebody_else_changed_since_is_not_taken_back(server: Server) -> None:
    server.run("apply")
    (server.proc / "fs/file-max").write_text("99999\n")
    (reverted,) = server.run("revert", low=dict.fromkeys(LOW, BACKLOG))
    assert reverted.returncode == 0
    assert server.kept("fs/file-max") == 99_999
    assert "left alone" in reverted.stdout


@pytest.mark.parametrize("server", [{"DefaultLimitNOFILE": "4096"}], indirect=True)
def test_a_systemd_that_knows_no_soft_limit_is_given_one_value(server: Server) -> None:
    (applied,) = server.run("apply")
    assert applied.returncode == 0, applied.stderr
    text = (server.etc / "systemd/system.conf.d/99-redis-connections.conf").read_text()
    assert text.splitlines() == ["[Manager]", f"DefaultLimitNOFILE={FILES}"]
