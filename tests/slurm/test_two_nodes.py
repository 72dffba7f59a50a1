"""jobscripts/train.sbatch on two nodes of a real Slurm, which are two machines in name, linked by a network that can
fail: the whole method over both, a node that dies, a link that is cut. The final weights are as if nothing had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import slurm_cluster
import virtual_machines
from slurm_cluster import SlurmCluster
from slurm_jobs import LAST, LAUNCHERS, assert_completed, freeze_at_resume_point, output_of, submit, wake
from virtual_machines import VirtualNetwork

from conftest import Tiny
from run_files import TRAININGS, assert_same_weights, copy_run

TWO_NODES = ["--nodes=2"]


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
    """With an empty queue and both nodes idle."""
    cluster.wait_until_idle(network.nodes)
    yield cluster
    cluster.empty_queue()


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_whole_method_on_two_nodes(
    slurm: SlurmCluster, tiny: Tiny, finished_run: Path, tmp_path: Path, launcher: str
) -> None:
    run = tmp_path / "run"
    job = submit(slurm, tiny, run, options=TWO_NODES, launcher=launcher)
    assert_completed(slurm, job, run, restarts=0)
    assert_same_weights(run, finished_run, TRAININGS)
    text = output_of(run).read_text()
    assert f"on 2 nodes: {launcher} " in text
    assert "20 steps in" in text and "on 4 ranks" in text
