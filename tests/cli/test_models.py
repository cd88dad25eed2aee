"""`pydream models`."""

from pydream.zoo import DEFAULT_NETWORK, networks


def test_every_network_is_listed(run, folder):
    seen = run("models")
    assert (seen.code, seen.err) == (0, "")
    for entry in networks():
        assert f"\n{entry.name}" in f"\n{seen.out}"
        assert entry.default_layer in seen.out
    assert f"{DEFAULT_NETWORK} (default): SqueezeNet v1.1\n" in seen.out


def test_built_in_weights(run, folder):
    block = block_of("squeezenet_v1.1", run("models").out)
    assert "weights  built in" in block
    assert "BSD-2-Clause" in block


def test_how_to_get_missing_weights(run, folder):
    block = block_of("bvlc_googlenet", run("models").out)
    assert "missing: bvlc_googlenet.caffemodel, 53.5 MB" in block
    assert "http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel" in block
    assert str(folder / "cache") in block


def test_where_weights_are(run, folder, monkeypatch):
    (folder / "mine").mkdir()
    weights = folder / "mine" / "bvlc_googlenet.caffemodel"
    weights.touch()
    monkeypatch.setenv("PYDREAM_MODELS", str(folder / "mine"))
    assert f"weights  {weights}\n" in block_of("bvlc_googlenet", run("models").out)


def block_of(name: str, listing: str) -> str:
    lines = listing.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(name))
    rest = [line for line in lines[first + 1 :] if not line.startswith("  ")][:1]
    end = lines.index(rest[0]) if rest else len(lines)
    return "\n".join([*lines[first:end], ""])
