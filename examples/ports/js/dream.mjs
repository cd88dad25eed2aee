// DeepDream of 2015 in plain JavaScript, from docs/porting.md and the vectors alone: node dream.mjs VECTORS RESULTS [STAGE...]
import fs from "node:fs";
import path from "node:path";

// ---- arrays: { shape, data }, data a typed array in C order

const KINDS = { "<f4": Float32Array, "<f8": Float64Array, "|u1": Uint8Array, "<i8": BigInt64Array };
const count = (shape) => shape.reduce((a, b) => a * b, 1);
const array = (shape, data = new Float64Array(count(shape))) => ({ shape, data });
const like = (a, shape = a.shape) => array(shape, new a.data.constructor(count(shape)));
const mapped = (a, f) => array(a.shape, a.data.map(f));
const part = (data, i, length) => data.subarray(i * length, (i + 1) * length);
const rounding = (a) => (a.data instanceof Float32Array ? Math.fround : (x) => x);

function readNpy(file) {
  const bytes = fs.readFileSync(file),
    start = 10 + bytes.readUInt16LE(8),
    header = bytes.toString("latin1", 10, start);
  const kind = KINDS[header.match(/'descr': *'([^']*)'/)[1]];
  const shape = header
    .match(/'shape': *\(([^)]*)\)/)[1]
    .split(",")
    .filter((s) => s.trim())
    .map(Number);
  return array(shape, new kind(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length)));
}

function writeNpy(file, { shape, data }) {
  const descr = Object.keys(KINDS).find((k) => data instanceof KINDS[k]),
    tuple = shape.join(", ") + (shape.length === 1 ? "," : "");
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const start = Buffer.from(
    "\x93NUMPY\x01\x00\0\0" + header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + "\n",
    "latin1",
  );
  start.writeUInt16LE(start.length - 10, 8);
  fs.writeFileSync(file, Buffer.concat([start, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
}

// ---- the image side; an image is (3, H, W)

function roll(image, ox, oy) {
  const [c, h, w] = image.shape,
    out = like(image),
    modulo = (a, n) => ((a % n) + n) % n;
  for (let row = 0; row < c * h; row++) {
    const to = row - (row % h) + modulo((row % h) + oy, h);
    for (let x = 0; x < w; x++) out.data[to * w + modulo(x + ox, w)] = image.data[row * w + x];
  }
  return out;
}

// For each output place [place in, next place in, part of the next], or null outside
const places = (n_in, n_out) =>
  Array.from({ length: n_out }, (_, o) => {
    const at = n_out > 1 ? o * ((n_in - 1) / (n_out - 1)) : 0,
      i = Math.floor(at);
    return at > n_in - 1 ? null : [i, Math.min(i + 1, n_in - 1), at - i];
  });

function zoom(image, height, width) {
  const [c, h, w] = image.shape,
    out = like(image, [c, height, width]),
    columns = places(w, width);
  if (h === height && w === width) return mapped(image, (x) => x);
  const mix = (from, [x, x1, f]) => (1 - f) * image.data[from + x] + f * image.data[from + x1];
  for (let k = 0; k < c; k++)
    places(h, height).forEach((row, y) =>
      columns.forEach((column, x) => {
        if (!row || !column) return;
        const [above, below] = [mix((k * h + row[0]) * w, column), mix((k * h + row[1]) * w, column)];
        out.data[(k * height + y) * width + x] = (1 - row[2]) * above + row[2] * below;
      }),
    );
  return out;
}

const meanAbs = ({ data }) => data.reduce((sum, g) => sum + Math.abs(g), 0) / data.length;

function ascend(image, gradient, stepSize) {
  const round = rounding(image),
    rate = round(stepSize / round(meanAbs(gradient)));
  gradient.data.forEach((g, i) => {
    image.data[i] += round(rate * g);
  });
}

const ofChannel = (image, limits, i) => limits.data[Math.floor((i * image.shape[0]) / image.data.length)];
function clip(image, low, high) {
  image.data.forEach((x, i) => {
    image.data[i] = Math.max(ofChannel(image, low, i), Math.min(ofChannel(image, high, i), x));
  });
}

function transposed(data, a, b) {
  // (a, b) to (b, a)
  const out = new data.constructor(a * b);
  for (let i = 0; i < a; i++) for (let j = 0; j < b; j++) out[j * a + i] = data[i * b + j];
  return out;
}
const channelsLast = ({ shape: [c, h, w], data }) => array([h, w, c], transposed(data, c, h * w));
const channelsFirst = ({ shape: [h, w, c], data }) => array([c, h, w], transposed(data, h * w, c));

function toTensor(image, ox, oy, last) {
  const rolled = roll(image, ox, oy),
    laid = last ? channelsLast(rolled) : rolled;
  return array([1, ...laid.shape], laid.data);
}

function ascendTensor(image, gradient, low, high, stepSize, ox, oy, last) {
  const mean = rounding(image)(meanAbs(gradient)),
    g = array(gradient.shape.slice(1), gradient.data);
  if (mean === 0 || !Number.isFinite(mean)) return mean;
  const rolled = roll(image, ox, oy);
  ascend(rolled, last ? channelsFirst(g) : g, stepSize);
  image.data.set(roll(rolled, -ox, -oy).data);
  clip(image, low, high);
  return mean;
}

function reversed(a) {
  // channels, the first axis
  const out = like(a),
    [c] = a.shape,
    plane = a.data.length / c;
  for (let k = 0; k < c; k++) part(out.data, c - 1 - k, plane).set(part(a.data, k, plane));
  return out;
}
const added = (image, mean, sign) =>
  array(
    image.shape,
    Float64Array.from(image.data, (x, i) => x + sign * ofChannel(image, mean, i)),
  );
const preprocess = (picture, mean) => added(reversed(channelsFirst(picture)), mean, -1);
const deprocess = (image, mean) => channelsLast(reversed(added(image, mean, 1)));
const save = (picture) =>
  array(
    picture.shape,
    Uint8Array.from(picture.data, (x) => Math.max(0, Math.min(255, x))),
  );

const roundEven = (x) => (x - Math.floor(x) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
function octaveSizes(height, width, n, scale) {
  const sizes = [[height, width]];
  while (sizes.length < n) sizes.push(sizes.at(-1).map((size) => roundEven(size / scale)));
  return sizes;
}

// ---- layers, in float64: (constants, weights, bottoms) => { tops, backward: (diffs of tops) => diffs of bottoms }

// Runs a convolution's sum from x to y, or, backward, from y to x; x is (n, c, h, w), y (n, out, oh, ow)
function correlate(k, kernels, x, y, backward) {
  const [n, c, h, w] = x.shape,
    [, outs, oh, ow] = y.shape,
    ins = c / k.group;
  for (let image = 0; image < n; image++)
    for (let o = 0, t = 0; o < outs; o++)
      for (let channel = Math.floor((o * k.group) / outs) * ins, last = channel + ins; channel < last; channel++)
        for (let i = -k.pad_h; i < k.kernel_h * k.dilation_h - k.pad_h; i += k.dilation_h)
          for (let j = -k.pad_w; j < k.kernel_w * k.dilation_w - k.pad_w; j += k.dilation_w, t++) {
            const weight = kernels.data[t],
              s = k.stride_w,
              from = Math.max(0, Math.ceil(-j / s)),
              to = Math.min(ow - 1, Math.floor((w - 1 - j) / s));
            for (let oy = Math.max(0, Math.ceil(-i / k.stride_h)); oy < oh && oy * k.stride_h + i < h; oy++) {
              const row = ((image * outs + o) * oh + oy) * ow,
                first = ((image * c + channel) * h + oy * k.stride_h + i) * w + j;
              if (backward) for (let ox = from; ox <= to; ox++) x.data[first + ox * s] += weight * y.data[row + ox];
              else for (let ox = from; ox <= to; ox++) y.data[row + ox] += weight * x.data[first + ox * s];
            }
          }
}

function poolWindows(l, kernel, s, p, floor) {
  // along one axis: [places, length with padding] of each window
  let size = (floor ? Math.floor : Math.ceil)((l + 2 * p - kernel) / s) + 1;
  if (p > 0 && (size - 1) * s >= l + p) size--;
  return Array.from({ length: size }, (_, o) => {
    const start = o * s - p,
      all = Array.from({ length: kernel }, (_, i) => start + i);
    return [all.filter((i) => i >= 0 && i < l), Math.min(start + kernel, l + p) - start];
  });
}

const LAYERS = {
  Convolution(k, [kernels, bias], bottoms) {
    const size = (l, p, d, kernel, s) => Math.floor((l + 2 * p - d * (kernel - 1) - 1) / s) + 1;
    const tops = bottoms.map((bottom) => {
      const [n, , h, w] = bottom.shape,
        oh = size(h, k.pad_h, k.dilation_h, k.kernel_h, k.stride_h);
      const top = array([n, k.num_output, oh, size(w, k.pad_w, k.dilation_w, k.kernel_w, k.stride_w)]),
        plane = count(top.shape.slice(2));
      if (bias) for (let o = 0; o < n * k.num_output; o++) part(top.data, o, plane).fill(bias.data[o % k.num_output]);
      correlate(k, kernels, bottom, top, false);
      return top;
    });
    return {
      tops,
      backward: (diffs) =>
        bottoms.map((bottom, i) => {
          const out = like(bottom);
          correlate(k, kernels, out, diffs[i], true);
          return out;
        }),
    };
  },
  Pooling(k, _, [bottom]) {
    const [n, c, h, w] = bottom.shape,
      floor = k.round_mode === "FLOOR",
      all = k.global_pooling,
      max = k.pool === "MAX";
    const rows = poolWindows(h, all ? h : k.kernel_h, k.stride_h, k.pad_h, floor);
    const columns = poolWindows(w, all ? w : k.kernel_w, k.stride_w, k.pad_w, floor);
    const windows = rows.flatMap(([ys, ly]) =>
      columns.map(([xs, lx]) => [ys.flatMap((y) => xs.map((x) => y * w + x)), ly * lx]),
    );
    const top = array([n, c, rows.length, columns.length]),
      mask = like(top);
    const each = (visit) => {
      for (let map = 0, o = 0; map < n * c; map++)
        for (const [window, area] of windows) visit(o++, map * h * w, window, area);
    };
    each((o, base, window, area) => {
      const x = (i) => bottom.data[base + i];
      if (max) mask.data[o] = window.reduce((best, i) => (x(i) > x(best) + 1e-9 * (1 + Math.abs(x(best))) ? i : best));
      top.data[o] = max ? x(mask.data[o]) : window.reduce((sum, i) => sum + x(i), 0) / area;
    });
    return {
      tops: [top, mask],
      backward: ([diff]) => {
        const out = like(bottom);
        each((o, base, window, area) => {
          if (max) out.data[base + mask.data[o]] += diff.data[o];
          else for (const i of window) out.data[base + i] += diff.data[o] / area;
        });
        return [out];
      },
    };
  },
  ReLU({ negative_slope: slope }, _, [bottom]) {
    const backward = ([diff]) => [mapped(diff, (d, i) => (bottom.data[i] > 0 ? d : slope * d))];
    return { tops: [mapped(bottom, (x) => (x > 0 ? x : slope * x))], backward };
  },
  Dropout: (k, _, [bottom]) => ({ tops: [bottom], backward: (diffs) => diffs }),
  Concat({ axis }, _, bottoms) {
    const shape = bottoms[0].shape.with(
      axis,
      bottoms.reduce((sum, bottom) => sum + bottom.shape[axis], 0),
    );
    const top = array(shape),
      outer = count(shape.slice(0, axis)),
      lengths = bottoms.map((bottom) => bottom.data.length / outer);
    const each = (whole, parts, copy) => {
      for (let o = 0, at = 0; o < outer; o++)
        lengths.forEach((n, b) => copy(whole.data.subarray(at, (at += n)), part(parts[b].data, o, n)));
    };
    each(top, bottoms, (whole, one) => whole.set(one));
    return {
      tops: [top],
      backward: ([diff]) => {
        const out = bottoms.map((bottom) => like(bottom));
        each(diff, out, (whole, one) => one.set(whole));
        return out;
      },
    };
  },
  Softmax({ axis }, _, [bottom]) {
    const n = bottom.shape[axis],
      inner = count(bottom.shape.slice(axis + 1)),
      top = like(bottom);
    const line = (l) => Array.from({ length: n }, (_, k) => (l - (l % inner)) * n + k * inner + (l % inner));
    const lines = Array.from({ length: top.data.length / n }, (_, l) => line(l)),
      total = (all, f) => all.reduce((sum, i) => sum + f(i), 0);
    for (const all of lines) {
      const largest = Math.max(...all.map((i) => bottom.data[i])),
        sum = total(all, (i) => Math.exp(bottom.data[i] - largest));
      for (const i of all) top.data[i] = Math.exp(bottom.data[i] - largest) / sum;
    }
    return {
      tops: [top],
      backward: ([diff]) => {
        const out = like(bottom);
        for (const all of lines) {
          const dot = total(all, (i) => diff.data[i] * top.data[i]);
          for (const i of all) out.data[i] = (diff.data[i] - dot) * top.data[i];
        }
        return [out];
      },
    };
  },
};

// ---- the network

class Net {
  constructor(folder) {
    const { input, layers } = JSON.parse(fs.readFileSync(path.join(folder, "network.json"), "utf8"));
    const weights = (file) => {
      const a = readNpy(path.join(folder, file));
      return array(a.shape, Float64Array.from(a.data));
    };
    this.input = input.blob;
    this.layers = layers.map((layer) => ({ ...layer, weights: layer.weights.map(weights) }));
  }

  run(image, end) {
    // the activations of `end`, and the gradient of half the sum of their squares
    const data = array([1, ...image.shape], image.data),
      blobs = { [this.input]: data },
      tape = [],
      diffs = new Map();
    for (const layer of this.layers) {
      const bottoms = layer.bottoms.map((name) => blobs[name]);
      const { tops, backward } = LAYERS[layer.type](layer.constants, layer.weights, bottoms);
      layer.tops.forEach((name, i) => {
        blobs[name] = tops[i];
      });
      tape.push({ bottoms, tops, backward });
      if (layer.name === end) break;
    }
    const [activations] = tape.at(-1).tops;
    diffs.set(activations, activations);
    for (const { bottoms, tops, backward } of tape.reverse()) {
      if (!diffs.has(tops[0])) continue;
      backward(tops.map((top) => diffs.get(top))).forEach((diff, i) => {
        const before = diffs.get(bottoms[i]);
        diffs.set(bottoms[i], before ? mapped(diff, (d, j) => d + before.data[j]) : diff);
      });
    }
    return { activations, gradient: array(image.shape, diffs.get(data).data) };
  }

  step(image, mean, end, stepSize, ox, oy) {
    // in place
    const { gradient } = this.run(roll(image, ox, oy), end),
      low = mapped(mean, (m) => -m),
      high = mapped(mean, (m) => 255 - m);
    const size = ascendTensor(image, array([1, ...gradient.shape], gradient.data), low, high, stepSize, ox, oy, false);
    if (!(size > 0 && size < Infinity)) throw new Error(`no step can be taken: mean|g| is ${size}`);
  }

  dream(picture, mean, shifts, { end, octave_n, octave_scale, iter_n, step_size }) {
    const [h, w] = picture.shape,
      [, ...smaller] = octaveSizes(h, w, octave_n, octave_scale),
      octaves = [preprocess(picture, mean)];
    for (const [height, width] of smaller) octaves.push(zoom(octaves.at(-1), height, width));
    const rms = [];
    let detail = like(octaves.at(-1)),
      image;
    for (const base of octaves.reverse()) {
      detail = zoom(detail, base.shape[1], base.shape[2]);
      image = mapped(base, (b, i) => b + detail.data[i]);
      for (let i = 0; i < iter_n; i++) {
        const [ox, oy] = part(shifts.data, rms.length, 2);
        this.step(image, mean, end, step_size, Number(ox), Number(oy));
        rms.push(Math.sqrt(image.data.reduce((sum, x) => sum + x * x, 0) / image.data.length));
      }
      detail = mapped(image, (x, i) => x - base.data[i]);
    }
    const dream = deprocess(image, mean);
    return { step_rms: array([rms.length], Float64Array.from(rms)), dream, saved: save(dream) };
  }
}

// ---- the cases of vectors.json: stage => (inputs, parameters) => outputs

let net;
const scalar = (a, x) => array([1], new a.data.constructor([x]));
const STAGES = {
  roll: (a, p) => ({ result: roll(a.image, p.ox, p.oy) }),
  zoom: (a, p) => ({ result: zoom(a.image, p.height, p.width) }),
  mean_abs: ({ gradient: g }) => ({ result: scalar(g, meanAbs(g)) }),
  ascend: (a, p) => (ascend(a.image, a.gradient, p.step_size), { image: a.image }),
  clip: ({ image, low, high }) => (clip(image, low, high), { image }),
  to_tensor: (a, p) => ({ result: toTensor(a.image, p.ox, p.oy, p.channels_last) }),
  ascend_tensor: ({ image, gradient, low, high }, p) => ({
    result: scalar(image, ascendTensor(image, gradient, low, high, p.step_size, p.ox, p.oy, p.channels_last)),
    image,
  }),
  preprocess: (a) => ({ image: preprocess(a.picture, a.mean) }),
  deprocess: (a) => ({ picture: deprocess(a.image, a.mean) }),
  save: (a) => ({ saved: save(a.picture) }),
  octaves: (_, p) => {
    const sizes = octaveSizes(p.height, p.width, p.octave_n, p.octave_scale);
    return { sizes: array([sizes.length, 2], BigInt64Array.from(sizes.flat(), BigInt)) };
  },
  layer: (a, { type, constants }) => {
    const all = (pattern) =>
      Object.keys(a)
        .filter((key) => pattern.test(key))
        .sort()
        .map((key) => a[key]);
    const { tops, backward } = LAYERS[type](constants, all(/^weights/), all(/^bottom/));
    const named = (arrays, end) => arrays.map((one, i) => [end.replace("#", i), one]);
    return Object.fromEntries([...named(tops, "top#"), ...named(backward(all(/^top/)), "bottom#_diff")]);
  },
  network: (a, p) => net.run(a.image, p.end),
  step: (a, p) => (net.step(a.image, a.mean, p.end, p.step_size, p.ox, p.oy), { image: a.image }),
  dream: (a, p) => net.dream(a.picture, a.mean, a.shifts, p),
};

const [vectors, results, ...wanted] = process.argv.slice(2),
  at = (file) => path.join(vectors, file);
const supported = ({ stage, parameters: p }) =>
  STAGES[stage] && (stage !== "layer" || (LAYERS[p.type] && p.constants.pool !== "STOCHASTIC"));
fs.mkdirSync(results, { recursive: true });
for (const one of JSON.parse(fs.readFileSync(at("vectors.json"), "utf8")).cases) {
  if (!supported(one) || (wanted.length && !wanted.includes(one.stage))) continue;
  if (one.parameters.network) net ??= new Net(vectors);
  const inputs = Object.fromEntries(Object.entries(one.inputs).map(([key, file]) => [key, readNpy(at(file))]));
  const found = STAGES[one.stage](inputs, one.parameters);
  for (const [key, file] of Object.entries(one.outputs)) writeNpy(path.join(results, file), found[key]);
}
