"use strict";
// The page to play with. Four parts: pictures, nets, what they share, and the three games.
// NETS, FACES and SCORES come from nets.js, faces.js and scores.js, which `make play` and
// `make site` write.

// ---- Pictures: square, grey, a byte for each pixel ------------------------------------------

function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let k = 0; k < letters.length; k += 1) {
    bytes[k] = letters.charCodeAt(k);
  }
  return bytes;
}

function picture(text, size) {
  return { size, pixels: bytesOf(text) };
}

/** The place inside 0 .. size-1 that a place outside is a mirror image of. */
function reflected(place, size) {
  const period = 2 * size;
  const folded = ((place % period) + period) % period;
  return folded < size ? folded : period - 1 - folded;
}

/** A place to 1/32 of a pixel: so OpenCV has it, which made the copies that the nets learned. */
function rounded(place) {
  return Math.round(place * 32) / 32;
}

const UNMOVED = { right: 0, down: 0, turn: 0, zoom: 1, mirror: false };

/**
 * The picture mirrored, turned and zoomed around its middle, then moved.
 * right, down: shares of the side; turn: degrees, to the left; zoom: 1 leaves the size.
 */
function moved(source, change) {
  const { size, pixels } = source;
  const middle = (size - 1) / 2;
  const angle = (change.turn * Math.PI) / 180;
  const cos = Math.cos(angle) / change.zoom;
  const sin = Math.sin(angle) / change.zoom;
  const result = new Uint8Array(size * size);
  for (let y = 0; y < size; y += 1) {
    const below = y - middle - change.down * size;
    for (let x = 0; x < size; x += 1) {
      const beside = x - middle - change.right * size;
      let fromX = middle + cos * beside - sin * below;
      const fromY = rounded(middle + sin * beside + cos * below);
      fromX = rounded(fromX);
      if (change.mirror) {
        fromX = size - 1 - fromX;
      }
      result[y * size + x] = between(pixels, size, fromX, fromY);
    }
  }
  return { size, pixels: result };
}

/** The grey level between four pixels. */
function between(pixels, size, x, y) {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const acrossShare = x - left;
  const downShare = y - top;
  const x0 = reflected(left, size);
  const x1 = reflected(left + 1, size);
  const y0 = reflected(top, size) * size;
  const y1 = reflected(top + 1, size) * size;
  const upper = pixels[y0 + x0] * (1 - acrossShare) + pixels[y0 + x1] * acrossShare;
  const lower = pixels[y1 + x0] * (1 - acrossShare) + pixels[y1 + x1] * acrossShare;
  return Math.round(upper * (1 - downShare) + lower * downShare);
}

// ---- Nets: convolutions of 3 x 3, each followed by a 2 x 2 maximum; then dense layers --------

function weightsOf(kept) {
  const bytes = bytesOf(kept.values);
  const view = new DataView(bytes.buffer);
  const values = new Float32Array(bytes.length / 2);
  for (let k = 0; k < values.length; k += 1) {
    values[k] = view.getInt16(2 * k, true) * kept.step;
  }
  return { shape: kept.shape, values };
}

/** {name, layers}: each layer has a kernel and a bias. */
function netOf(kept) {
  const weights = kept.weights.map(weightsOf);
  const layers = [];
  for (let k = 0; k < weights.length; k += 2) {
    layers.push({ kernel: weights[k], bias: weights[k + 1].values });
  }
  return { name: kept.name, layers };
}

/** maps: {size, channels, values}, row by row, all channels of a place together. */
function convolved(maps, layer) {
  const { size, channels, values } = maps;
  const kernel = layer.kernel.values;
  const outputs = layer.bias.length;
  const result = new Float32Array(size * size * outputs);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const place = (y * size + x) * outputs;
      result.set(layer.bias, place);
      for (let step = 0; step < 9; step += 1) {
        const fromY = y + Math.floor(step / 3) - 1;
        const fromX = x + (step % 3) - 1;
        if (fromY < 0 || fromY >= size || fromX < 0 || fromX >= size) {
          continue;
        }
        const from = (fromY * size + fromX) * channels;
        for (let channel = 0; channel < channels; channel += 1) {
          const value = values[from + channel];
          const first = (step * channels + channel) * outputs;
          for (let output = 0; output < outputs; output += 1) {
            result[place + output] += value * kernel[first + output];
          }
        }
      }
    }
  }
  return { size, channels: outputs, values: result };
}

/** The largest of each 2 x 2 places, and at least 0. */
function pooled(maps) {
  const { size, channels, values } = maps;
  const half = size / 2;
  const result = new Float32Array(half * half * channels);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const place = ((y >> 1) * half + (x >> 1)) * channels;
      const from = (y * size + x) * channels;
      for (let channel = 0; channel < channels; channel += 1) {
        const value = values[from + channel];
        if (value > result[place + channel]) {
          result[place + channel] = value;
        }
      }
    }
  }
  return { size: half, channels, values: result };
}

function dense(values, layer) {
  const outputs = layer.bias.length;
  const result = Float32Array.from(layer.bias);
  for (let input = 0; input < values.length; input += 1) {
    const value = values[input];
    if (value === 0) {
      continue;
    }
    for (let output = 0; output < outputs; output += 1) {
      result[output] += value * layer.kernel.values[input * outputs + output];
    }
  }
  return result;
}

function softmax(logits) {
  const most = Math.max(...logits);
  const odds = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = odds.reduce((total, each) => total + each, 0);
  return odds.map((each) => each / sum);
}

/** Probabilities of the emotions for a picture of the size that the net was trained on. */
function predicted(net, seen) {
  const scaled = Float32Array.from(seen.pixels, (pixel) => pixel / 255);
  let maps = { size: seen.size, channels: 1, values: scaled };
  let values = null;
  net.layers.forEach((layer, number) => {
    const isLast = number === net.layers.length - 1;
    if (layer.kernel.shape.length === 4) {
      maps = pooled(convolved(maps, layer));
      return;
    }
    values = dense(values || maps.values, layer);
    if (!isLast) {
      values = values.map((value) => Math.max(value, 0));
    }
  });
  return softmax(values);
}

// ---- What the games share ---------------------------------------------------------------------

function byId(id) {
  return document.getElementById(id);
}

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text) {
    made.textContent = text;
  }
  if (className) {
    made.className = className;
  }
  return made;
}

function draw(canvas, shown) {
  const { size, pixels } = shown;
  canvas.width = size;
  canvas.height = size;
  const image = new ImageData(size, size);
  const colours = image.data;
  for (let k = 0; k < pixels.length; k += 1) {
    const grey = pixels[k];
    colours[4 * k] = grey;
    colours[4 * k + 1] = grey;
    colours[4 * k + 2] = grey;
    colours[4 * k + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function canvasOf(shown, label) {
  const canvas = element("canvas");
  draw(canvas, shown);
  if (label) {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", label);
  }
  return canvas;
}

function percent(share) {
  return `${Math.round(100 * share)} %`;
}

function fine(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function points(difference) {
  const sign = difference < 0 ? "-" : "+";
  return `${sign}${Math.abs(100 * difference).toFixed(1)} points`;
}

function shareOf(id) {
  return SCORES[id].value;
}

/** Numbers from 0 to 1 that are the same each time (mulberry32). */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(items, random) {
  const result = items.slice();
  for (let k = result.length - 1; k > 0; k -= 1) {
    const other = Math.floor(random() * (k + 1));
    [result[k], result[other]] = [result[other], result[k]];
  }
  return result;
}

// ---- 1. Split it yourself ---------------------------------------------------------------------

const STEPS = {
  copy: { title: "Make copies", about: "of fear and contempt" },
  split: { title: "Set the test apart", about: "a fifth, at random" },
};
const DOSES = [0, 1, 5, 11]; // those that were measured
const TEST_SHARE = 0.2;
const ROWS = [
  { id: "same_pictures.two.leaky", name: "copies first, then the split" },
  { id: "same_pictures.two.by_family", name: "the same, but a face and its copies on one side" },
  { id: "same_pictures.two.originals", name: "the split first; no copy is tested" },
  { id: "no_augmentation.photo", name: "no copies" },
];

function copiesOf(photo, number, random) {
  const copies = [];
  for (let k = 0; k < number; k += 1) {
    const change = {
      right: 0.2 * random() - 0.1,
      down: 0.2 * random() - 0.1,
      turn: 30 * random() - 15,
      zoom: 0.9 + 0.2 * random(),
      mirror: random() < 0.5,
    };
    copies.push({ ...photo, isCopy: true, shown: moved(photo.shown, change) });
  }
  return copies;
}

/** {training, test}: lists of pictures; each has an emotion, a family and what it looks like. */
function dealt(photos, order, number, seed) {
  const random = randomOf(seed);
  const withCopies = (photo) => {
    const isRare = photo.emotion === "fear" || photo.emotion === "contempt";
    return isRare ? [photo, ...copiesOf(photo, number, random)] : [photo];
  };
  let pictures = photos;
  if (order[0] === "copy") {
    pictures = pictures.flatMap(withCopies);
  }
  pictures = shuffled(pictures, random);
  const tested = Math.round(TEST_SHARE * pictures.length);
  const test = pictures.slice(0, tested);
  let training = pictures.slice(tested);
  if (order[0] === "split") {
    training = training.flatMap(withCopies);
  }
  return { training, test };
}

function siblings(each, others) {
  return others.filter((other) => other.family === each.family);
}

function startSplit() {
  const photos = FACES.split.map((face, family) => ({
    emotion: face.emotion,
    family,
    isCopy: false,
    shown: picture(face.pixels, FACES.small),
  }));
  const state = { order: ["copy", "split"], seed: 1, isRevealed: false };

  function number() {
    return DOSES[Number(byId("copies").value)];
  }

  function swap() {
    const focused = document.activeElement.dataset.step;
    state.order.reverse();
    state.isRevealed = false;
    show();
    if (focused) {
      document.querySelector(`[data-step="${focused}"]`).focus();
    }
  }

  function stepButton(step, place) {
    const button = element("button", `${place + 1}. ${STEPS[step].title}`);
    button.type = "button";
    button.dataset.step = step;
    button.append(element("small", STEPS[step].about));
    let start = null;
    let isDragged = false;
    button.addEventListener("pointerdown", (event) => {
      start = { x: event.clientX, y: event.clientY };
      isDragged = false;
      button.setPointerCapture(event.pointerId);
    });
    button.addEventListener("pointermove", (event) => {
      if (!start) {
        return;
      }
      const right = event.clientX - start.x;
      const down = event.clientY - start.y;
      isDragged = isDragged || Math.hypot(right, down) > 12;
      button.style.transform = isDragged ? `translate(${right}px, ${down}px)` : "";
    });
    button.addEventListener("pointerup", (event) => {
      start = null;
      button.style.transform = "";
      button.style.pointerEvents = "none"; // what is below it counts
      const below = document.elementFromPoint(event.clientX, event.clientY);
      button.style.pointerEvents = "";
      const other = below && below.closest("[data-step]");
      if (isDragged && other && other !== button) {
        swap();
      }
    });
    button.addEventListener("click", () => {
      if (!isDragged) {
        swap();
      }
      isDragged = false;
    });
    button.addEventListener("keydown", (event) => {
      const isArrow = event.key.startsWith("Arrow");
      if (isArrow) {
        event.preventDefault();
        swap();
      }
    });
    return button;
  }

  function faceButton(each, training) {
    const same = siblings(each, training);
    const kind = each.isCopy ? "a copy" : "a face";
    const button = element("button");
    button.type = "button";
    button.append(canvasOf(each.shown));
    button.setAttribute("aria-label", `${each.emotion}, ${kind}; ${same.length} in training`);
    if (same.length > 0) {
      button.className = "leaks";
    }
    const mark = (isOn) => {
      document.querySelectorAll("#training canvas").forEach((canvas) => {
        const isSame = Number(canvas.dataset.family) === each.family;
        canvas.parentElement.classList.toggle("same", isOn && isSame);
      });
    };
    button.addEventListener("pointerenter", () => mark(true));
    button.addEventListener("pointerleave", () => mark(false));
    button.addEventListener("focus", () => mark(true));
    button.addEventListener("blur", () => mark(false));
    button.addEventListener("click", () => mark(true));
    return button;
  }

  function show() {
    const { training, test } = dealt(photos, state.order, number(), state.seed);
    byId("steps").replaceChildren(...state.order.map(stepButton));
    byId("copies-shown").textContent = number();
    byId("training").replaceChildren(
      ...training.map((each) => {
        const holder = element("span");
        const canvas = canvasOf(each.shown);
        canvas.dataset.family = each.family;
        holder.append(canvas);
        return holder;
      }),
    );
    byId("test").replaceChildren(...test.map((each) => faceButton(each, training)));
    const leaks = test.filter((each) => siblings(each, training).length > 0).length;
    const result = byId("split-result");
    result.dataset.leaks = leaks;
    result.textContent = `${leaks} of ${test.length} test pictures show a face of training.`;
    byId("guess-shown").textContent = `${byId("guess").value} %`;
    showMeasured();
  }

  function showMeasured() {
    const place = byId("measured");
    if (!state.isRevealed) {
      place.replaceChildren();
      return;
    }
    place.replaceChildren(...measured(state.order, number(), Number(byId("guess").value) / 100));
  }

  byId("copies").addEventListener("input", () => {
    state.isRevealed = false;
    show();
  });
  byId("guess").addEventListener("input", show);
  byId("deal").addEventListener("click", () => {
    state.seed += 1;
    show();
  });
  byId("reveal").addEventListener("click", () => {
    state.isRevealed = true;
    showMeasured();
  });
  show();
}

/** The row of ROWS that was measured for an order of the steps. */
function rowOf(order, number) {
  if (number === 0) {
    return "no_augmentation.photo";
  }
  return order[0] === "copy" ? "same_pictures.two.leaky" : "same_pictures.two.originals";
}

function recallOf(id) {
  return (shareOf(`${id}.recall.fear`) + shareOf(`${id}.recall.contempt`)) / 2;
}

function bar(name, share, className) {
  const row = element("div", "", "bar");
  const track = element("i");
  const filled = element("b", "", className);
  filled.style.width = `${100 * share}%`;
  track.append(filled, element("span", percent(share)));
  row.append(element("span", name), track);
  return row;
}

/** What was measured, as elements; the row of the reader's own choice stands out. */
function measured(order, number, guess) {
  const now = rowOf(order, number);
  const share = recallOf(now);
  const kind = now === "same_pictures.two.leaky" ? "leaky" : "";
  const parts = [bar("you guessed", guess, "guess"), bar("measured", share, kind)];
  const table = element("table");
  const head = element("tr");
  for (const word of ["on real photos", "fear", "contempt", "all pictures"]) {
    head.append(element("th", word));
  }
  table.append(head);
  for (const row of ROWS) {
    const line = element("tr", "", row.id === now ? "now" : "");
    line.append(element("td", row.name));
    for (const score of ["recall.fear", "recall.contempt", "accuracy"]) {
      line.append(element("td", percent(shareOf(`${row.id}.${score}`))));
    }
    table.append(line);
  }
  parts.push(table);
  const photos = {
    fear: SCORES["no_augmentation.photo.recall.fear"].n,
    contempt: SCORES["no_augmentation.photo.recall.contempt"].n,
  };
  const tested = SCORES["same_pictures.two.leaky.recall.contempt"].n;
  const most = Math.round(tested / photos.contempt) - 1;
  parts.push(
    element(
      "p",
      "Named right, of the test pictures; the bar is the mean of fear and contempt. There are " +
        `${photos.fear} photos of fear and ${photos.contempt} of contempt, and with copies ` +
        `about ${tested} pictures of each: up to ${most} copies of a photo, whatever you set ` +
        "above. The score of all pictures hides what happened: most are happy or neutral.",
    ),
    element("p", doseInWords(number)),
    element(
      "p",
      "On drawn faces without any expression nothing can be learned; naming one of eight by " +
        "chance is right in 12.5 %. With five copies of each, made first, a net is right in " +
        `${fine(shareOf("control.augmented_images_leaky.accuracy"))}: it knows the faces. ` +
        "With a face and its copies on one side: " +
        `${fine(shareOf("control.augmented_images_by_family.accuracy"))}.`,
    ),
  );
  return parts;
}

function doseInWords(number) {
  const gains = DOSES.slice(1).map((dose) => {
    const gain = points(shareOf(`dose.${dose}.memorisation`));
    const mark = dose === number ? " (your choice)" : "";
    return `${dose}: ${gain}${mark}`;
  });
  return (
    "What copies on both sides add to the score, on photos of the six rarer emotions, each " +
    `copied so many times: ${gains.join(", ")}.`
  );
}

// ---- 2. Move the face --------------------------------------------------------------------------

const NET_TITLES = {
  none: "no face was moved",
  copies: "only fear and contempt were",
  online: "all were, alike",
};
const LIMITS = { right: [-0.2, 0.2], down: [-0.2, 0.2], turn: [-30, 30], zoom: [0.8, 1.2] };
const STEP = { right: 0.02, down: 0.02, turn: 3, zoom: 0.03 };

function within(name, value) {
  const [least, most] = LIMITS[name];
  return Math.min(most, Math.max(least, value));
}

function startMove() {
  const nets = NETS.nets.map(netOf);
  const faces = FACES.move.map((face) => ({
    emotion: face.emotion,
    seen: picture(face.seen, NETS.size),
    shown: picture(face.shown, FACES.large),
  }));
  const state = { face: 0, change: { ...UNMOVED }, pointers: new Map() };
  const canvas = byId("face");
  const sliders = {
    right: { scale: 100, words: (value) => `${Math.round(value)} %` },
    down: { scale: 100, words: (value) => `${Math.round(value)} %` },
    turn: { scale: 1, words: (value) => `${Math.round(value)}°` },
    zoom: { scale: 100, words: (value) => `${Math.round(value)} %` },
  };

  function set(change) {
    for (const [name, value] of Object.entries(change)) {
      state.change[name] = name === "mirror" ? value : within(name, value);
    }
    show();
  }

  function add(name, value) {
    set({ [name]: state.change[name] + value });
  }

  function show() {
    const face = faces[state.face];
    draw(canvas, moved(face.shown, state.change));
    canvas.setAttribute("aria-label", `A drawn face: ${face.emotion}`);
    const seen = moved(face.seen, state.change);
    draw(byId("seen"), seen);
    for (const [name, slider] of Object.entries(sliders)) {
      const value = state.change[name] * slider.scale;
      byId(name).value = value;
      byId(`${name}-shown`).textContent = slider.words(value);
    }
    byId("mirror").checked = state.change.mirror;
    byId("chosen").querySelectorAll("button").forEach((button, number) => {
      button.setAttribute("aria-pressed", String(number === state.face));
    });
    showPredictions(nets.map((net) => predicted(net, seen)), face.emotion);
  }

  function showPredictions(probabilities, emotion) {
    const words = probabilities.map((each) => NETS.emotions[each.indexOf(Math.max(...each))]);
    words.forEach((word, number) => {
      const cell = byId(`word-${nets[number].name}`);
      cell.textContent = word;
      cell.classList.toggle("misled", word !== emotion);
    });
    NETS.emotions.forEach((name, place) => {
      nets.forEach((net, number) => {
        const cell = byId(`${net.name}-${name}`);
        const share = probabilities[number][place];
        cell.dataset.share = share;
        cell.firstChild.style.width = `${100 * share}%`;
        cell.lastChild.textContent = percent(share);
        cell.classList.toggle("misled", name === words[number] && name !== emotion);
      });
    });
  }

  makeTable(nets);
  byId("chosen").replaceChildren(
    ...faces.map((face, number) => {
      const button = element("button");
      button.type = "button";
      button.setAttribute("aria-label", `face ${number + 1}: ${face.emotion}`);
      button.append(canvasOf(face.shown));
      button.addEventListener("click", () => {
        state.face = number;
        show();
      });
      return button;
    }),
  );
  for (const [name, slider] of Object.entries(sliders)) {
    byId(name).addEventListener("input", (event) => {
      set({ [name]: Number(event.target.value) / slider.scale });
    });
  }
  byId("mirror").addEventListener("input", (event) => set({ mirror: event.target.checked }));
  byId("aside").addEventListener("click", () => set({ ...UNMOVED, right: NETS.aside }));
  byId("back").addEventListener("click", () => set(UNMOVED));
  canvas.addEventListener("keydown", (event) => {
    const keys = {
      ArrowRight: () => add("right", STEP.right),
      ArrowLeft: () => add("right", -STEP.right),
      ArrowDown: () => add("down", STEP.down),
      ArrowUp: () => add("down", -STEP.down),
      "+": () => add("zoom", STEP.zoom),
      "=": () => add("zoom", STEP.zoom),
      "-": () => add("zoom", -STEP.zoom),
      "[": () => add("turn", STEP.turn),
      "]": () => add("turn", -STEP.turn),
      m: () => set({ mirror: !state.change.mirror }),
      0: () => set(UNMOVED),
    };
    const isCommand = event.ctrlKey || event.metaKey || event.altKey;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act && !isCommand) {
      event.preventDefault();
      act();
    }
  });
  listenToPointers(canvas, state, set);
  byId("misled").replaceChildren(...misledInWords());
  show();
}

/** One finger or the mouse drags; two fingers turn and zoom. */
function listenToPointers(canvas, state, set) {
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    state.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = state.pointers.get(event.pointerId);
    if (!before) {
      return;
    }
    const now = { x: event.clientX, y: event.clientY };
    const width = canvas.getBoundingClientRect().width;
    const { right, down, turn, zoom } = state.change;
    const other = [...state.pointers].find(([id]) => id !== event.pointerId);
    state.pointers.set(event.pointerId, now);
    if (!other) {
      set({ right: right + (now.x - before.x) / width, down: down + (now.y - before.y) / width });
      return;
    }
    const still = other[1];
    const was = Math.atan2(before.y - still.y, before.x - still.x);
    const is = Math.atan2(now.y - still.y, now.x - still.x);
    const turned = Math.atan2(Math.sin(is - was), Math.cos(is - was));
    const far = Math.hypot(now.x - still.x, now.y - still.y);
    const farBefore = Math.hypot(before.x - still.x, before.y - still.y);
    set({ turn: turn - (turned * 180) / Math.PI, zoom: (zoom * far) / Math.max(farBefore, 1) });
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => state.pointers.delete(event.pointerId));
  }
}

/** A row for each emotion, a column for each net. */
function makeTable(nets) {
  const table = byId("predictions");
  const titles = element("tr");
  const words = element("tr");
  titles.append(element("th", "moved in training:"));
  words.append(element("th", "it says"));
  for (const net of nets) {
    titles.append(element("th", NET_TITLES[net.name]));
    const word = element("th", "", "word");
    word.id = `word-${net.name}`;
    words.append(word);
  }
  table.tHead.replaceChildren(titles, words);
  const rows = NETS.emotions.map((emotion) => {
    const row = element("tr");
    row.append(element("th", emotion));
    for (const net of nets) {
      const cell = element("td");
      cell.id = `${net.name}-${emotion}`;
      cell.append(element("b"), element("span"));
      row.append(cell);
    }
    return row;
  });
  table.tBodies[0].replaceChildren(...rows);
}

function misledInWords() {
  const shares = Object.fromEntries(NETS.nets.map((net) => [net.name, net.called_copied]));
  const aside = percent(NETS.aside);
  return [
    element("h3", "Was that one face chosen well?"),
    element(
      "p",
      `We asked the nets about ${NETS.asked} drawn happy and neutral faces that they had never ` +
        `seen, pushed aside by ${aside} of the side. Called fear or contempt: ` +
        `${fine(shares.none.aside)} by the net for which no face was moved, ` +
        `${fine(shares.copies.aside)} by the one for which only fear and contempt were, ` +
        `${fine(shares.online.aside)} by the one for which all were. In the middle: ` +
        `${fine(shares.none.plain)}, ${fine(shares.copies.plain)} and ` +
        `${fine(shares.online.plain)}. The faces above are the first of their kind that all ` +
        "three nets name right in the middle.",
    ),
    element(
      "p",
      "On real photos that larger nets had never seen: with copies of fear and " +
        `contempt alone, ${fine(shareOf("fingerprint.two.plain"))} of happy and neutral photos ` +
        "are called fear or contempt as they are, and " +
        `${fine(shareOf("fingerprint.two.transformed"))} once they are moved like copies; ` +
        `without copies ${fine(shareOf("fingerprint.none.transformed_two"))}. A test on photos ` +
        "as they are does not show it. Where all were moved alike, " +
        `${fine(shareOf("fingerprint.online.transformed"))} of moved photos are called one of ` +
        "the six rarer emotions.",
    ),
  ];
}

// ---- 3. Find the copy --------------------------------------------------------------------------

function startFind() {
  const state = { round: 0, played: 0, right: 0, auditor: 0, isOpen: true };

  function small(text) {
    return picture(text, FACES.small);
  }

  function show() {
    const round = FACES.find[state.round];
    state.isOpen = true;
    byId("wanted").replaceChildren(canvasOf(small(round.train), "The face in training"));
    byId("choices").replaceChildren(
      ...round.choices.map((choice, place) => {
        const button = element("button");
        button.type = "button";
        button.setAttribute("aria-label", `test picture ${place + 1}`);
        button.append(canvasOf(small(choice.pixels)));
        button.addEventListener("click", () => choose(place));
        return button;
      }),
    );
    byId("answer").replaceChildren();
  }

  function choose(place) {
    if (!state.isOpen) {
      return;
    }
    const round = FACES.find[state.round];
    const found = round.choices[round.right].found;
    const isRight = place === round.right;
    state.isOpen = false;
    state.played += 1;
    state.right += isRight;
    state.auditor += Boolean(found);
    const buttons = byId("choices").querySelectorAll("button");
    buttons[round.right].className = "right";
    if (!isRight) {
      buttons[place].className = "wrong";
    }
    const first = isRight ? "Right." : `No: it is picture ${round.right + 1}.`;
    byId("answer").replaceChildren(element("p", first, "result"), ...auditorInWords(round));
    byId("score").textContent =
      `You: ${state.right} of ${state.played}. The auditor: ${state.auditor} of ${state.played}.`;
  }

  function auditorInWords(round) {
    const choice = round.choices[round.right];
    const { found } = choice;
    const wrong = round.choices.filter((each, place) => each.found && place !== round.right);
    const others = `Of the other five it reports ${wrong.length || "none"}.`;
    if (!found) {
      return [element("p", `The auditor reports no pair here: it missed this one. ${others}`)];
    }
    const words =
      `The auditor reports: ${found.kind}, ${found.transformation}; probability ` +
      `${found.probability.toFixed(3)}. ${others}`;
    const pictures = element("div", "", "pictures");
    const shown = [
      [found.moved, "the training face, moved as the auditor says"],
      [choice.pixels, "the test picture"],
      [found.apart, "what is left between them: black is nothing"],
    ];
    for (const [text, caption] of shown) {
      const figure = element("figure");
      figure.append(canvasOf(small(text), caption), element("figcaption", caption));
      pictures.append(figure);
    }
    return [element("p", words), pictures];
  }

  byId("next").addEventListener("click", () => {
    state.round = (state.round + 1) % FACES.find.length;
    show();
  });
  show();
}

if (typeof document !== "undefined") {
  startSplit();
  startMove();
  startFind();
}
if (typeof module !== "undefined") {
  module.exports = { dealt, moved, netOf, picture, predicted, siblings };
}
