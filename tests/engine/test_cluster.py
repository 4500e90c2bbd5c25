"""Who is in a cluster, as TF_CONFIG, SLURM and Kubernetes tell it; the last two by faked surroundings."""

import json
import socket
from types import SimpleNamespace

import pytest

from gankit.engine import cluster
from gankit.engine.cluster import find_cluster
from gankit.errors import ConfigError, GankitError


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch):
    for name in ("TF_CONFIG", "SLURM_PROCID", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)


def test_tf_config(monkeypatch):
    config = {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    found = find_cluster()
    assert (found.workers, found.index, found.called(0)) == (("a:1", "b:2"), 1, "worker 0 at a:1")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}']
)
def test_a_tf_config_that_is_wrong(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ConfigError, match="TF_CONFIG does not hold"):
        find_cluster()


def test_nobody_tells():
    with pytest.raises(ConfigError, match="finds no cluster") as caught:
        find_cluster()
    assert "gankit launch" in caught.value.hint


@pytest.mark.parametrize("rank", [0, 3])
def test_slurm(monkeypatch, rank):
    told = {"PROCID": rank, "STEP_NUM_TASKS": 4, "STEP_NODELIST": "n[01-02]", "STEP_TASKS_PER_NODE": "2(x2)"}
    for name, value in told.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    found = find_cluster()
    assert found.workers == ("n01:8888", "n01:8889", "n02:8888", "n02:8889") and found.index == rank
    monkeypatch.delenv("SLURM_STEP_NODELIST")
    with pytest.raises(ConfigError, match="SLURM's variables do not tell"):
        find_cluster("slurm")


class Pods:
    """A client that knows pods, of which those of the second look run."""

    def __init__(self, *hosts):
        self.hosts, self.looks = hosts, 0

    def list_pod_for_all_namespaces(self, label_selector):
        assert label_selector == "job-name=gan"
        self.looks += 1
        phase = "Running" if self.looks > 1 else "Pending"
        items = [
            SimpleNamespace(
                metadata=SimpleNamespace(name=f"gan-{i}"), status=SimpleNamespace(phase=phase, host_ip=host)
            )
            for i, host in enumerate(self.hosts)
        ]
        return SimpleNamespace(items=items)


def in_kubernetes(monkeypatch, pods, **changes):
    told = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "GANKIT_WORKERS": "2", "GANKIT_JOB": "gan", "HOST_IP": "10.0.0.8"}
    for name, value in {**told, **changes}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cluster, "_kubernetes_client", lambda: pods)


def test_kubernetes_waits_until_all_pods_run(monkeypatch):
    pods = Pods("10.0.0.7", "10.0.0.8")
    in_kubernetes(monkeypatch, pods)
    found = find_cluster()
    assert found.workers == ("10.0.0.7:8470", "10.0.0.8:8470") and (found.index, pods.looks) == (1, 2)
    assert (found.resolver.task_type, found.resolver.task_id) == ("worker", 1)


def test_kubernetes_tells_what_is_wrong(monkeypatch):
    in_kubernetes(monkeypatch, Pods("10.0.0.8"))
    with pytest.raises(GankitError, match="minutes for pods: "):
        find_cluster(wait_minutes=0.02)
    in_kubernetes(monkeypatch, Pods("10.0.0.8", "10.0.0.8"))
    with pytest.raises(ConfigError, match="2 pods run on"):
        find_cluster()
    for wrong in ("two", "0"):
        in_kubernetes(monkeypatch, Pods(), GANKIT_WORKERS=wrong)
        with pytest.raises(ConfigError, match="GANKIT_WORKERS"):
            find_cluster()
    in_kubernetes(monkeypatch, Pods(), HOST_IP="")
    with pytest.raises(ConfigError, match="does not tell HOST_IP"):
        find_cluster()


def test_who_is_gone():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        there = closed.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as open_:
        here = open_.getsockname()[1]
        found = cluster.Cluster((f"127.0.0.1:{here}", f"127.0.0.1:{here}", f"127.0.0.1:{there}"), 0, None)
        assert found.gone() == f"worker 2 at 127.0.0.1:{there}"
    assert cluster.Cluster(("a:1", f"127.0.0.1:{there}"), 0, None).gone() == f"worker 1 at 127.0.0.1:{there}"
