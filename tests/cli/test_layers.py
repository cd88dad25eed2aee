"""`pydream layers`."""


def test_blobs_with_shapes_in_order(run, folder):
    seen = run("layers", "squeezenet_v1.1")
    assert (seen.code, seen.err) == (0, "")
    lines = seen.out.splitlines()
    assert lines[0].split() == ["data", "1×3×227×227"]
    assert [line.split() for line in lines if "(default)" in line] == [["fire8/concat", "1×512×14×14", "(default)"]]
    assert lines[-1].split() == ["prob", "1×1000×1×1"]
    columns = {line.index(line.split()[1]) for line in lines}
    assert len(columns) == 1


def test_in_place_layers_are_not_listed(run, folder):
    assert "relu" not in run("layers", "squeezenet_v1.1").out


def test_unknown_network(refused):
    line = refused(2, "layers", "squeezenet")
    assert "squeezenet_v1.1" in line


def test_no_model_is_usage(refused):
    assert "MODEL" in refused(2, "layers")


def test_without_weights(run, folder):
    seen = run("layers", "bvlc_googlenet")
    assert (seen.code, seen.err) == (0, "")
    assert "inception_4c/output" in seen.out


def test_no_such_file(refused):
    assert "no such file: 'nets/deploy.prototxt'" in refused(2, "layers", "nets/deploy.prototxt")


def test_random_bytes_as_network(refused, folder):
    for name in ["net.prototxt", "net.caffemodel"]:
        (folder / name).write_bytes(bytes(range(255, 0, -1)) * 40)
        assert name in refused(1, "layers", folder / name)
