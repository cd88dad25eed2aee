// What a dream is made with: the order's own numbers, and where it has none the look's, a class's, or the command's.

// Return the recipe's fields and the strength as they will be; `catalogue` is the answer of /api/presets.
export function effective(order, catalogue) {
  const look = catalogue.presets.find(({ name }) => name === order.preset);
  const own = { ...look?.recipe, ...order.recipe };
  const ofClass = order.classes?.length ? { ...catalogue.class_recipe } : {};
  if (catalogue.smoothing.some((name) => name in own)) for (const name of catalogue.smoothing) delete ofClass[name];
  return { ...catalogue.defaults, ...ofClass, ...own, strength: order.strength ?? 1 };
}

// The size that an order dreams at; `entry` is its picture's, or null where that is not known.
export function dreamSize({ picture, long_side: side, recipe }, entry) {
  const [height, width] = recipe?.noise ?? recipe?.size ?? (picture === null ? [512, 512] : []);
  if (width) return { width, height };
  if (!entry) return null;
  const scale = side ? side / Math.max(entry.width, entry.height) : 1;
  return { width: Math.round(entry.width * scale), height: Math.round(entry.height * scale) };
}

export const longSide = (size) => Math.max(size?.width ?? 0, size?.height ?? 0);

// The layers that are dreamt on: the order's, the look's, or the network's own.
export function layersOf(order, catalogue, network) {
  if (order.layer?.length) return order.layer;
  const look = catalogue.presets.find(({ name }) => name === order.preset);
  if (look?.layer.length) return look.layer;
  return order.classes?.length || !network?.default_layer ? [] : [network.default_layer];
}

// Read LAYER[:CHANNELS][@PLACE][=WEIGHT], or CLASS[=WEIGHT]; a zoom loop's keyframes stay text.
export function term(text) {
  const [, layer, channels, place, weight] = /^(.*?)(?::(strongest\d+|\d[\d,-]*))?(@(?:center|\d+,\d+))?(?:=([-+.\deE:,]+))?$/.exec(text);
  return { layer, channels: channels ?? null, place: place ?? "", weight: weight === undefined ? 1 : weight.includes(":") ? weight : Number(weight) };
}

// Write what `term` reads.
export const written = ({ layer, channels, place = "", weight }) =>
  `${layer}${channels === null ? "" : `:${channels}`}${place}${weight === 1 ? "" : `=${weight}`}`;
