"""A port of the network in NumPy, of what `pydream vectors --weights` writes and nothing else of the package.

It is short, not fast. `floor` is a typical mistake: sizes of poolings that round down.
"""

import json

import numpy as np

TIE = 1e-9


class Port:
    def __init__(self, folder, floor=False):
        self.network = json.loads((folder / "network.json").read_text())
        self.weights = {
            layer["name"]: [np.load(folder / file).astype(np.float64) for file in layer["weights"]]
            for layer in self.network["layers"]
        }
        self.floor = floor

    def run(self, image, end):
        """Return the activations of the first layer named `end`, and the gradient of half their sum of squares."""
        blobs, done = {self.network["input"]["blob"]: image[np.newaxis]}, []
        for layer in self.network["layers"]:
            bottoms = [blobs[name] for name in layer["bottoms"]]
            top, back = getattr(self, layer["type"])(layer, *bottoms)
            (name,) = layer["tops"]
            blobs[name] = top
            done.append((layer, back))
            if layer["name"] == end:
                break
        diffs = {name: top}
        for layer, back in reversed(done):
            (name,) = layer["tops"]
            if name in diffs:
                for bottom, diff in zip(layer["bottoms"], back(diffs.pop(name)), strict=True):
                    diffs[bottom] = diffs.get(bottom, 0) + diff
        return top, diffs[self.network["input"]["blob"]][0]

    def taps(self, layer, x, size, value):
        """Return views of the padded bottom, one for each place of the window, and how to undo the padding."""
        c = layer["constants"]
        kernel, stride, pad = ((c[f"{what}_h"], c[f"{what}_w"]) for what in ("kernel", "stride", "pad"))
        out = [size(i + 2 * p - k, s) + 1 for i, k, s, p in zip(x.shape[2:], kernel, stride, pad, strict=True)]
        reach = [(o - 1) * s + k for o, s, k in zip(out, stride, kernel, strict=True)]
        behind = [max(r - i - p, 0) for r, i, p in zip(reach, x.shape[2:], pad, strict=True)]
        padded = np.pad(x, ((0, 0), (0, 0), (pad[0], behind[0]), (pad[1], behind[1])), constant_values=value)
        places = [
            np.s_[
                :, :, i : i + (out[0] - 1) * stride[0] + 1 : stride[0], j : j + (out[1] - 1) * stride[1] + 1 : stride[1]
            ]
            for i in range(kernel[0])
            for j in range(kernel[1])
        ]
        inside = np.s_[:, :, pad[0] : pad[0] + x.shape[2], pad[1] : pad[1] + x.shape[3]]
        return padded, places, inside

    def Convolution(self, layer, x):
        assert layer["constants"]["group"] == layer["constants"]["dilation_h"] == layer["constants"]["dilation_w"] == 1
        kernels, bias = self.weights[layer["name"]]
        padded, places, inside = self.taps(layer, x, lambda room, stride: room // stride, 0)
        taps = kernels.reshape(*kernels.shape[:2], -1)
        top = bias[:, np.newaxis, np.newaxis] + sum(
            np.tensordot(padded[place][0], taps[..., number], (0, 1)).transpose(2, 0, 1)
            for number, place in enumerate(places)
        )

        def back(diff):
            found = np.zeros_like(padded)
            for number, place in enumerate(places):
                found[place] += np.tensordot(diff[0], taps[..., number], (0, 0)).transpose(2, 0, 1)
            return [found[inside]]

        return top[np.newaxis], back

    def ReLU(self, layer, x):
        slope = layer["constants"]["negative_slope"]
        return np.where(x > 0, x, slope * x), lambda diff: [np.where(x > 0, diff, slope * diff)]

    def Pooling(self, layer, x):
        assert (layer["constants"]["pool"], layer["constants"]["round_mode"]) == ("MAX", "CEIL")
        padded, places, inside = self.taps(
            layer, x, lambda room, stride: room // stride if self.floor else -(-room // stride), -np.inf
        )
        best, winner = padded[places[0]].copy(), np.zeros(padded[places[0]].shape, int)
        for number, place in enumerate(places):
            wins = padded[place] > best + TIE * (1 + np.abs(best))
            best[wins], winner[wins] = padded[place][wins], number

        def back(diff):
            found = np.zeros_like(padded)
            for number, place in enumerate(places):
                found[place] += np.where(winner == number, diff, 0)
            return [found[inside]]

        return best, back

    def Concat(self, layer, *bottoms):
        ends = np.cumsum([each.shape[1] for each in bottoms])[:-1]
        return np.concatenate(bottoms, 1), lambda diff: np.split(diff, ends, 1)

    def Dropout(self, layer, x):
        return x, lambda diff: [diff]


def network_results(vectors, results, **mistake):
    """Write the results of the network, and of a step, into a folder."""
    port = Port(vectors, **mistake)
    for case in json.loads((vectors / "vectors.json").read_text())["cases"]:
        given = {name: np.load(vectors / file) for name, file in case["inputs"].items()}
        if case["stage"] == "network":
            activations, gradient = port.run(given["image"], case["parameters"]["end"])
            found = {"activations": activations, "gradient": gradient}
        elif case["stage"] == "step":
            p = case["parameters"]
            image = np.roll(given["image"], (p["oy"], p["ox"]), (1, 2))
            _, gradient = port.run(image, p["end"])
            image = np.roll(image + p["step_size"] / np.abs(gradient).mean() * gradient, (-p["oy"], -p["ox"]), (1, 2))
            found = {"image": np.clip(image, -given["mean"], 255 - given["mean"])}
        else:
            continue
        for name, file in case["outputs"].items():
            np.save(results / file, found[name])
