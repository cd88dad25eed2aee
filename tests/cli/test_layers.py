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


def test_weights_alone_are_told(refused, root):
    weights = root / "models" / "squeezenet_v1.1" / "squeezenet_v1.1.caffemodel"
    assert "holds weights but no network; give its prototxt" in refused(1, "layers", weights)


def test_names_of_strangers_are_shown_and_not_obeyed(run, folder):
    (folder / "net.prototxt").write_text(
        'input: "data" input_dim: [1, 3, 8, 8] layer { name: "a" type: "ReLU" bottom: "data" top: "x\\n\\033[31m" }'
    )
    assert run("layers", folder / "net.prototxt").out.splitlines()[1].split() == ["x\\n\\x1b[31m", "1×3×8×8"]


def test_a_text_of_another_name(run, refused, folder, root):
    text = (root / "models" / "squeezenet_v1.1" / "deploy.prototxt").read_text()
    (folder / "net.txt").write_text("\ufeff" + text)
    assert "fire8/concat" in run("layers", folder / "net.txt").out
    (folder / "net.txt").write_text(text[:3000])
    assert "net.txt: not a prototxt that Caffe would read: " in refused(1, "layers", folder / "net.txt")


def test_no_regular_file(refused, folder):
    (folder / "net").mkdir()
    assert "no regular file" in refused(1, "layers", folder / "net")
