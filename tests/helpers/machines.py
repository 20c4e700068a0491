"""Two machines, played by two network namespaces of this one, with hostnames and a cable of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

ADDRESSES = ("10.77.0.1", "10.77.0.2")
HOSTS = "".join(f"{address} machine{number}\n" for number, address in enumerate(ADDRESSES))
SCRIPT = f"""
set -e
mount --bind hosts /etc/hosts
hostname machine0
ip link set lo up
unshare --net --uts sleep infinity &
other=$!
trap 'kill $other' EXIT
until [ "$(readlink /proc/$other/ns/uts)" != "$(readlink /proc/self/ns/uts)" ]; do sleep 0.05; done
inside="nsenter --target $other --net --uts"
ip link add cable0 type veth peer name cable1 netns $other
ip address add {ADDRESSES[0]}/24 dev cable0
ip link set cable0 up
$inside hostname machine1
$inside ip link set lo up
$inside ip address add {ADDRESSES[1]}/24 dev cable1
$inside ip link set cable1 up
export MASTER_ADDR=machine0 MASTER_PORT=29500
NODE_RANK=1 $inside bash command > 1.txt 2>&1 &
second=$!
failed=0
NODE_RANK=0 bash command > 0.txt 2>&1 || failed=1
wait $second || failed=1
exit $failed
"""
OWN = ("unshare", "--user", "--map-root-user", "--net", "--uts", "--mount")


def may_have_machines() -> bool:
    """Whether this system lets a test make namespaces, and has the commands for it."""
    if not all(shutil.which(name) for name in ("unshare", "nsenter", "ip", "hostname", "mount")):
        return False
    tried = [*OWN, "bash", "-c", "ip link add one type veth peer name two && hostname tried"]
    return not subprocess.run(tried, capture_output=True, check=False).returncode


def on_both_machines(folder: Path, command: str, timeout: float = 600) -> list[str]:
    """What two machines print while both run a command in a folder that they share.

    Args:
        folder: gets files of its own.
        command: for bash; `NODE_RANK`, `MASTER_ADDR` and `MASTER_PORT` are set.
        timeout: seconds.
    """
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n{HOSTS}")
    (folder / "command").write_text(command)
    # Nothing of this machine may tell the processes where they meet.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GLOO_", "NCCL_"))}
    process = subprocess.Popen(
        [*OWN, "bash", "-c", SCRIPT],
        cwd=folder,
        env=kept,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, errors = process.communicate(timeout=timeout)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    printed = [(folder / f"{number}.txt") for number in (0, 1)]
    texts = [path.read_text() if path.exists() else "" for path in printed]
    assert process.returncode == 0, "\n".join([errors, *texts])
    return texts
