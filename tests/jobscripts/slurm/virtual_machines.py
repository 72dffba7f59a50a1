"""Virtual machines on this machine: Linux namespaces with their own host name, processes, network, shared memory and
/etc/hosts. They share disks, like a cluster's nodes. Each ends with its first process, which ends with this process. So
nothing remains however a test session ends, and sessions do not meet."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("ip", "mount", "nsenter", "setpriv", "unshare")
UNSHARE = ("unshare", "--net", "--uts", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc")
# The first process of a machine ignores SIGCHLD, so that orphaned processes leave no zombies.
INIT = """\
trap "" CHLD
[ -e /etc/hosts ] || : >/etc/hosts
echo "$1" >/proc/sys/kernel/hostname && mount --bind "$2" /etc/hosts && mount -t tmpfs tmpfs /dev/shm &&
  ip link set lo up && echo up && exec sleep inf
"""
NETWORK = "10.0.0"


def why_not() -> str:
    """Returns why virtual machines cannot run here; "" if they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: iproute2, mount, util-linux)"
    trial = "ip link add switch type bridge && ip link add node type veth peer name eth0"
    done = subprocess.run([*UNSHARE, "sh", "-c", trial], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"no namespaces or virtual networks here: {done.stderr.strip()}"


class VirtualMachine:
    """A running machine of a `VirtualNetwork`, which connects it."""

    def __init__(self, name: str, address: str, hosts: Path) -> None:
        self.name = name
        self.address = address
        self._hosts = hosts
        self.power_on()

    def power_on(self) -> None:
        self._unshare = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *UNSHARE, "sh", "-c", INIT, "sh", self.name, str(self._hosts)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._unshare.stdout is not None
        assert self._unshare.stdout.readline() == "up\n", f"{self.name} does not start"

    def power_off(self) -> None:
        """Kills all its processes at once."""
        self._unshare.kill()
        self._unshare.communicate()

    @property
    def pid(self) -> int:
        """Returns the id of the process whose namespaces are the machine's."""
        return self._unshare.pid

    def command(self, *words: str) -> list[str]:
        """Returns the command line that runs a command on it, in its root folder."""
        pids = f"/proc/{self.pid}/ns/pid_for_children"
        return ["nsenter", f"--target={self.pid}", "--net", "--uts", "--mount", "--root", f"--pid={pids}", *words]

    def ip(self, *words: str) -> None:
        """Runs ip in its network. Process ids are those seen from outside."""
        subprocess.run(["nsenter", f"--net=/proc/{self.pid}/ns/net", "ip", *words], check=True)

    def runs(self, pid: int) -> bool:
        """Returns whether a process, by its id outside, is one of the machine's."""
        with contextlib.suppress(OSError):
            return os.readlink(f"/proc/{pid}/ns/net") == os.readlink(f"/proc/{self.pid}/ns/net")
        return False


class VirtualNetwork:
    """A controller and nodes, all connected by a switch on the controller."""

    def __init__(self, folder: Path, node_names: list[str]) -> None:
        addresses = {name: f"{NETWORK}.{i + 1}" for i, name in enumerate(["controller", *node_names])}
        hosts = folder / "hosts"
        hosts.write_text(
            "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in addresses.items())
        )
        self._machines: list[VirtualMachine] = []
        try:
            for name, address in addresses.items():
                self._machines.append(VirtualMachine(name, address, hosts))
            self.controller, *self.nodes = self._machines
            self.controller.ip("link", "add", "switch", "type", "bridge")
            self.controller.ip("address", "add", f"{self.controller.address}/24", "dev", "switch")
            self.controller.ip("link", "set", "switch", "up")
            for node in self.nodes:
                self._connect(node)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for machine in self._machines:
            machine.power_off()

    @contextlib.contextmanager
    def nodes_apart(self) -> Iterator[None]:
        """Cuts the nodes from each other, without notice; the controller still reaches all."""
        self._isolate("on")
        try:
            yield
        finally:
            self._isolate("off")

    def _isolate(self, switch: str) -> None:
        for node in self.nodes:
            self.controller.ip("link", "set", node.name, "type", "bridge_slave", "isolated", switch)

    @contextlib.contextmanager
    def dead(self, node: VirtualMachine) -> Iterator[None]:
        """Cuts a node's power, without notice. It is on again at the end, without a daemon."""
        self.controller.ip("link", "delete", node.name)  # before the kernel closes its connections
        node.power_off()
        try:
            yield
        finally:
            node.power_on()
            self._connect(node)

    def _connect(self, node: VirtualMachine) -> None:
        self.controller.ip("link", "add", node.name, "type", "veth", "peer", "name", "eth0", "netns", str(node.pid))
        self.controller.ip("link", "set", node.name, "master", "switch", "up")
        node.ip("address", "add", f"{node.address}/24", "dev", "eth0")
        node.ip("link", "set", "eth0", "up")
