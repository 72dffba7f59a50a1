"""jobscripts/train.sbatch on two nodes of a real Slurm, which are two machines in name, linked by a network that can
fail: the whole method over both, a node that dies, a link that is cut. The final weights are as if nothing had."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import slurm_cluster
import virtual_machines
from slurm_cluster import SlurmCluster, wait_until
from slurm_jobs import (
    LAST,
    LAUNCHERS,
    assert_completed,
    assert_failed_once,
    freeze_at_resume_point,
    output_of,
    submit,
    wake,
)
from virtual_machines import VirtualNetwork

from conftest import only_long
from run_files import TRAININGS, assert_same_weights, copy_run
from tiny import Tiny

TWO_NODES = ["--nodes=2"]
FAILURE_TIMEOUT_S = 60.0  # until Slurm knows that a node is down and its job is out of the way


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualNetwork]:
    if reason := slurm_cluster.why_not() or virtual_machines.why_not():
        pytest.skip(reason)
    network = VirtualNetwork(tmp_path_factory.mktemp("network"), ["node0", "node1"])
    yield network
    network.stop()


@pytest.fixture(scope="module")
def cluster(network: VirtualNetwork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    cluster = SlurmCluster(tmp_path_factory.mktemp("slurm"), network.controller, network.nodes)
    yield cluster
    cluster.stop()


@pytest.fixture
def slurm(cluster: SlurmCluster, network: VirtualNetwork) -> Iterator[SlurmCluster]:
    """The queue is empty and both nodes are idle."""
    cluster.wait_until_idle(network.nodes)
    yield cluster
    cluster.empty_queue()


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_whole_method(slurm: SlurmCluster, tiny: Tiny, finished_run: Path, tmp_path: Path, launcher: str) -> None:
    run = tmp_path / "run"
    job = submit(slurm, tiny, run, options=TWO_NODES, launcher=launcher)
    assert_completed(slurm, job, run, restarts=0)
    assert_same_weights(run, finished_run, TRAININGS)
    text = output_of(run).read_text()
    assert re.search(rf"on 2 nodes: (\S+/)?{launcher}", text)
    assert "20 steps in" in text and "on 4 ranks" in text


def freeze_on_both(network: VirtualNetwork, run: Path) -> list[int]:
    """Stops the tasks of a job in the middle of its finetuning."""
    tasks = freeze_at_resume_point(run, "finetuned")
    assert [sum(node.runs(task) for task in tasks) for node in network.nodes] == [2, 2]
    return tasks


@contextlib.contextmanager
def dead_node(slurm: SlurmCluster, network: VirtualNetwork) -> Iterator[None]:
    """The second node is dead, and starts again in the end."""
    node = network.nodes[1]
    try:
        with network.dead(node):
            yield
    finally:
        slurm.start_node(node)


@only_long
def test_node_dies_and_returns(
    slurm: SlurmCluster, network: VirtualNetwork, tiny: Tiny, finished_run: Path, tmp_path: Path
) -> None:
    """Slurm requeues the job, which waits for the node."""
    run = copy_run(finished_run, tmp_path / "run", without=LAST)
    job = submit(slurm, tiny, run, options=TWO_NODES)
    tasks = freeze_on_both(network, run)
    with dead_node(slurm, network):
        wake(tasks)
        wait_until(lambda: slurm.show(job)["Restarts"] == "1", "requeued after a node's failure", FAILURE_TIMEOUT_S)
    assert_completed(slurm, job, run, restarts=1)
    text = output_of(run).read_text()
    assert "DUE TO NODE FAILURE" in text and "finetuned: continues after step " in text
    assert_same_weights(run, finished_run, LAST)


def test_node_dies_and_its_job_goes_on_without_it(
    slurm: SlurmCluster, network: VirtualNetwork, tiny: Tiny, finished_run: Path, tmp_path: Path
) -> None:
    """Slurm would wait for the node; a user who knows better makes the job smaller."""
    run = copy_run(finished_run, tmp_path / "run", without=LAST)
    job = submit(slurm, tiny, run, options=TWO_NODES, launcher="mpirun")
    tasks = freeze_on_both(network, run)
    with dead_node(slurm, network):
        slurm.command("scontrol", "update", "NodeName=node1", "State=DOWN", "Reason=seen by its administrator")
        wake(tasks)
        wait_until(lambda: slurm.show(job)["JobState"] == "PENDING", "a requeued job", FAILURE_TIMEOUT_S)
        slurm.command("scontrol", "update", f"JobId={job}", "NumNodes=1", "NumTasks=2", "NumCPUs=2")
        assert_completed(slurm, job, run, restarts=1)
    text = output_of(run).read_text()
    assert "/mpirun.sh -n 2 " in text and "finetuned: continues after step " in text
    assert "20 steps in" in text and "on 2 ranks" in text
    assert_same_weights(run, finished_run, LAST)


@pytest.mark.parametrize(
    "launcher",
    [
        "srun",
        pytest.param("mpirun", marks=only_long),
    ],
)
def test_nodes_lose_each_other(
    slurm: SlurmCluster, network: VirtualNetwork, tiny: Tiny, finished_run: Path, tmp_path: Path, launcher: str
) -> None:
    """The link between them is cut; both are still linked to Slurm, which knows of nothing."""
    run = copy_run(finished_run, tmp_path / "run", without=LAST)
    job = submit(slurm, tiny, run, "--run.timeout_s=2", options=TWO_NODES, launcher=launcher)
    tasks = freeze_on_both(network, run)
    with network.nodes_apart():
        wake(tasks)
        message = "(run.timeout_s=2). Silent in a roll call: rank 2 on node1, rank 3 on node1. "
        assert_failed_once(slurm, job, run, message)
    job = submit(slurm, tiny, run, options=TWO_NODES, launcher=launcher)
    assert_completed(slurm, job, run, restarts=0)
    assert_same_weights(run, finished_run, LAST)
