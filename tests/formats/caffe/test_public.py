"""Public networks are read; `python tests/tools/public_networks.py` dreams with them."""

import warnings

import pytest
from support.public import NETWORKS

from pydream.errors import LeftOutWarning
from pydream.runtime.geometry import survey
from pydream.zoo import read_graph


@pytest.mark.parametrize("name", NETWORKS)
def test_a_public_network_has_its_backbone(name, tmp_path):
    sequence = NETWORKS[name]()
    (tmp_path / "deploy.prototxt").write_text(sequence.text)
    with warnings.catch_warnings(action="ignore", category=LeftOutWarning):
        graph = read_graph(tmp_path / "deploy.prototxt")
    (facts,) = [each for each in survey(graph, graph.declared) if each.name == sequence.dreamt]
    assert facts.dreamable
    assert facts.shape[0] == 1
    assert len(facts.shape) == 4
