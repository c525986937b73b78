"use strict";

// The arithmetic: numbers from base64, mixtures at a step or between two, densities, colours and
// numbers as text. Places are in shares of the view from here on, (0, 0) at its lower corner, so
// that data far from zero keep their digits.

function decodeBytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}

function decodeDoubles(text) {
  return new Float64Array(decodeBytes(text));
}

function decodeCells(cells) {
  const places = new Uint16Array(decodeBytes(cells.places));
  const logs = new Uint8Array(decodeBytes(cells.logs));
  const [low, high] = cells.ends;
  const x = new Float32Array(logs.length);
  const y = new Float32Array(logs.length);
  const counts = new Float32Array(logs.length);
  for (let i = 0; i < logs.length; i++) {
    x[i] = places[2 * i] / 65535;
    y[i] = places[2 * i + 1] / 65535;
    counts[i] = Math.exp(low + ((high - low) * logs[i]) / 255);
  }
  return { x, y, counts, number: logs.length };
}

// The figures of each component at a kept step, in data units, as the table shows them.
function readFigures(run, step) {
  const figures = [];
  for (let k = 0; k < run.nComponents; k++) {
    const at = 6 * (step * run.nComponents + k);
    const [weight, x, y, xx, xy, yy] = run.parameters.subarray(at, at + 6);
    const [sdX, sdY] = [Math.sqrt(xx), Math.sqrt(yy)];
    figures.push([weight, x, y, sdX, sdY, xy / (sdX * sdY)]);
  }
  return figures;
}

// A mixture in shares of the view, with the lower Cholesky factor of each covariance.
function readMixture(run, step) {
  const [[lowX, lowY], [highX, highY]] = run.limits;
  const [width, height] = [highX - lowX, highY - lowY];
  const components = readFigures(run, step).map(([weight, x, y, sdX, sdY, correlation]) => ({
    weight,
    x: (x - lowX) / width,
    y: (y - lowY) / height,
    a: sdX / width,
    b: (correlation * sdY) / height,
    c: (sdY / height) * Math.sqrt(Math.max(1 - correlation * correlation, 1e-14)),
  }));
  const background = run.background ? run.background.weights[step] : 0;
  return { components, background };
}

function mixNumbers(one, other, share) {
  return one + share * (other - one);
}

// What is between two mixtures: means, factors and weights go straight.
function interpolate(one, other, share) {
  if (share === 0) return one;
  const components = one.components.map((from, k) => {
    const to = other.components[k];
    return Object.fromEntries(
      Object.keys(from).map((name) => [name, mixNumbers(from[name], to[name], share)]),
    );
  });
  return { components, background: mixNumbers(one.background, other.background, share) };
}

// Whether a place lies in a box; those on its border were rounded with all others.
function isWithin(box, u, v, rounding = 1 / 65535) {
  if (!box || u < box.lowX - rounding || u > box.highX + rounding) return false;
  return v >= box.lowY - rounding && v <= box.highY + rounding;
}

// A function that writes the responsibilities of a place into an array: of each component, and
// then of the background.
function prepareResponsibilities(mixture, box) {
  const parts = mixture.components.map(({ weight, x, y, a, b, c }) => [
    Math.log(weight) - Math.log(2 * Math.PI * a * c), x, y, 1 / a, b, 1 / c,
  ]);
  const constants = new Float64Array(parts.flat());
  const n = parts.length;
  const area = box ? (box.highX - box.lowX) * (box.highY - box.lowY) : 1;
  const height = Math.log(mixture.background / area);
  return (u, v, found) => {
    let highest = -Infinity;
    for (let k = 0, at = 0; k < n; k++, at += 6) {
      const z = (u - constants[at + 1]) * constants[at + 3];
      const w = (v - constants[at + 2] - constants[at + 4] * z) * constants[at + 5];
      found[k] = constants[at] - (z * z + w * w) / 2;
      if (found[k] > highest) highest = found[k];
    }
    found[n] = isWithin(box, u, v) ? height : -Infinity;
    if (found[n] > highest) highest = found[n];
    let total = 0;
    for (let k = 0; k <= n; k++) total += found[k] = Math.exp(found[k] - highest);
    for (let k = 0; k <= n; k++) found[k] /= total;
  };
}

// Colours: OKLab (Ottosson 2020, "A perceptual color space for image processing").

function toOklab(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

const gamma = Uint8ClampedArray.from({ length: 4097 }, (_, i) => {
  const part = i / 4096;
  return 255 * (part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055);
});

// Writes red, green and blue, 0 to 255, into an array from a place on.
function writeColour(lightness, a, b, pixels, at) {
  const [long, middle, short] = [
    lightness + 0.3963377774 * a + 0.2158037573 * b,
    lightness - 0.1055613458 * a - 0.0638541728 * b,
    lightness - 0.0894841775 * a - 1.291485548 * b,
  ];
  const [l, m, s] = [long * long * long, middle * middle * middle, short * short * short];
  const write = (part) => gamma[(4096 * Math.min(Math.max(part, 0), 1) + 0.5) | 0];
  pixels[at] = write(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  pixels[at + 1] = write(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  pixels[at + 2] = write(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
}

// A function that mixes the colours of parts by their shares, in OKLab, into an array from a place on.
function prepareMixing(colours) {
  return (shares, found, at) => {
    let [lightness, a, b] = [0, 0, 0];
    for (let k = 0; k < colours.length; k++) {
      lightness += shares[k] * colours[k][0];
      a += shares[k] * colours[k][1];
      b += shares[k] * colours[k][2];
    }
    found[at] = lightness;
    found[at + 1] = a;
    found[at + 2] = b;
  };
}

// The points at every pixel of a raster of width times height: cells of few points are dots, as in
// frames, and others are as wide as they are apart; both standard deviations in pixels.
function computeDensity(cells, width, height, dot, wide, few = 3) {
  const dots = new Float32Array(width * height);
  const rest = new Float32Array(width * height);
  for (let i = 0; i < cells.number; i++) {
    const counts = cells.counts[i] < few + 0.5 ? dots : rest;
    const [x, y] = [cells.x[i] * (width - 1), (1 - cells.y[i]) * (height - 1)];
    const [column, row] = [Math.min(Math.floor(x), width - 2), Math.min(Math.floor(y), height - 2)];
    const [right, down, at] = [x - column, y - row, row * width + column];
    counts[at] += cells.counts[i] * (1 - right) * (1 - down);
    counts[at + 1] += cells.counts[i] * right * (1 - down);
    counts[at + width] += cells.counts[i] * (1 - right) * down;
    counts[at + width + 1] += cells.counts[i] * right * down;
  }
  const density = blur(dots, width, height, makeKernel(dot));
  blur(rest, width, height, makeKernel(wide)).forEach((value, i) => (density[i] += value));
  return density;
}

// How strong each pixel is, from 0 to 1 at the peak, by the log of its density; below a faint one,
// all fades to nothing.
function scaleStrengths(density, faint) {
  const peak = Math.log1p(density.reduce((most, value) => Math.max(most, value), 0) / faint);
  return density.map((value) => Math.log1p(value / faint) / (peak || 1));
}

function blur(values, width, height, kernel) {
  return blurRows(blurRows(values, width, height, kernel), height, width, kernel);
}

// Hues, in OKLab, laid on paper with the strength of each pixel, into an image; where there is none
// it is left clear. Hues are linear between the places that they are of.
function layOnPaper(strength, { hues, columns, rows }, paper, { data, width, height }) {
  const across = Array.from({ length: width }, (_, i) => findBetween(i, width, columns));
  const lefts = Uint32Array.from(across, ([left]) => 3 * left);
  const rights = Float32Array.from(across, ([, right]) => right);
  const line = new Float32Array(3 * (columns + 1)); // the hues of a row, the last of them twice
  for (let row = 0, i = 0; row < height; row++) {
    const [upper, down] = findBetween(row, height, rows);
    const [above, below] = [3 * columns * upper, 3 * columns * Math.min(upper + 1, rows - 1)];
    for (let j = 0; j < line.length; j++) {
      const k = j < 3 * columns ? j : j - 3;
      line[j] = hues[above + k] + down * (hues[below + k] - hues[above + k]) - paper[k % 3];
    }
    for (let column = 0; column < width; column++, i++) {
      const share = strength[i];
      data[4 * i + 3] = share > 1 / 512 ? 255 : 0;
      if (!(share > 1 / 512)) continue;
      const [at, right] = [lefts[column], rights[column]];
      const lightness = line[at] + right * (line[at + 3] - line[at]);
      const a = line[at + 1] + right * (line[at + 4] - line[at + 1]);
      const b = line[at + 2] + right * (line[at + 5] - line[at + 2]);
      writeColour(
        paper[0] + share * lightness, paper[1] + share * a, paper[2] + share * b, data, 4 * i,
      );
    }
  }
}

// The last of some even places before a pixel, and what share of the way to the next it has gone.
function findBetween(pixel, pixels, places) {
  const at = Math.min(Math.max(((pixel + 0.5) * places) / pixels - 0.5, 0), places - 1);
  return [Math.floor(at), at - Math.floor(at)];
}

// One half of a Gaussian, from its middle on, whose whole sums to 1.
function makeKernel(deviation) {
  const reach = Math.ceil(3 * deviation);
  const kernel = Float32Array.from({ length: reach + 1 }, (_, i) =>
    Math.exp(-((i / deviation) ** 2) / 2),
  );
  const total = 2 * kernel.reduce((sum, value) => sum + value) - 1;
  return kernel.map((value) => value / total);
}

// The rows of a raster blurred, and given as columns.
function blurRows(values, width, height, kernel) {
  const blurred = new Float32Array(values.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const value = values[row * width + column];
      if (value === 0) continue;
      for (let i = 1 - kernel.length; i < kernel.length; i++) {
        const to = column + i;
        if (to >= 0 && to < width) blurred[to * height + row] += value * kernel[Math.abs(i)];
      }
    }
  }
  return blurred;
}

// How far apart cells are where there are some, as a share of the view.
function measureSpacing(cells, sides = 64) {
  const held = new Uint8Array(sides * sides);
  for (let i = 0; i < cells.number; i++) {
    const column = Math.min(Math.floor(cells.x[i] * sides), sides - 1);
    held[Math.min(Math.floor(cells.y[i] * sides), sides - 1) * sides + column] = 1;
  }
  const share = held.reduce((sum, value) => sum + value) / held.length;
  return Math.sqrt(share / Math.max(cells.number, 1));
}

// Numbers as text.

// To a hundredth of a scale, and to no more digits than doubles have; small units take powers of ten.
function writeToScale(value, scale, mostDecimals = 6) {
  const decimals = 2 - Math.floor(Math.log10(scale));
  const digits = decimals + Math.floor(Math.log10(Math.abs(value) || scale));
  if (decimals > mostDecimals) return value.toExponential(Math.min(Math.max(digits, 0), 15));
  return value.toFixed(Math.max(Math.min(decimals, decimals + 15 - digits), 0));
}

// To four digits.
function writeScale(value) {
  const isPlain = value >= 0.001 && value < 1e6;
  return isPlain ? value.toPrecision(4) : value.toExponential(3);
}

// The six figures of a component, the means to a hundredth of scales; of its deviations by default.
function writeFigures([weight, x, y, sdX, sdY, correlation], [scaleX, scaleY] = [sdX, sdY]) {
  return [
    weight.toFixed(4), writeToScale(x, scaleX), writeToScale(y, scaleY),
    writeScale(sdX), writeScale(sdY), correlation.toFixed(3),
  ];
}

// The deviations that one half of the components have at least, so that a column has as many
// decimals in every row.
function chooseScales(figures) {
  const middle = (place) => {
    const sorted = figures.map((values) => values[place]).sort((one, other) => one - other);
    return sorted[Math.floor((sorted.length - 1) / 2)];
  };
  return [middle(3), middle(4)];
}

// A long name without its middle, as names often differ at their ends.
function shortenMiddle(name, longest = 40) {
  const letters = [...name];
  const half = Math.floor(longest / 2);
  if (letters.length <= longest) return name;
  return `${letters.slice(0, half).join("")}\u2026${letters.slice(1 - half).join("")}`;
}

function writeCount(number, word) {
  const text = Number(number.toPrecision(15)).toLocaleString("en", { maximumFractionDigits: 1 });
  return `${text} ${word}${number === 1 ? "" : "s"}`;
}

function writeMinus(text) {
  return text.replaceAll("-", "\u2212");
}

// Round values between two others, about so many.
function chooseTicks(low, high, about) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(i * step);
  return { ticks, step };
}

// With as many decimals as the step between ticks needs, or as powers of ten.
function writeTick(value, step) {
  const largest = Math.max(Math.abs(value), step);
  const decimals = Math.max(-Math.floor(Math.log10(step) + 1e-9), 0);
  if (decimals <= 5 && largest < 1e6) return writeMinus(value.toFixed(decimals));
  if (step >= 1 && largest < 1e15 && step < 1e6) {
    return writeMinus(value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, "\u2009"));
  }
  if (value === 0) return "0";
  const digits = Math.max(Math.floor(Math.log10(largest)) - Math.floor(Math.log10(step) + 1e-9), 0);
  const [factor, exponent] = value.toExponential(Math.min(digits, 15)).split("e");
  return writeMinus(`${factor}\u00d710${writePower(Number(exponent))}`);
}

function writePower(exponent) {
  const raised = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";
  const digits = [...String(Math.abs(exponent))].map((digit) => raised[digit]).join("");
  return (exponent < 0 ? "\u207b" : "") + digits;
}
