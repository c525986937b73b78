// Drawing: the plot of points and components, and the curve of the climb, each into a canvas.

// A canvas of the size that it has on the page, in the dots of the screen; drawn in CSS pixels.
function openCanvas(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const dots = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * dots), Math.round(height * dots)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(dots, 0, 0, dots, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height, dots };
}

function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  return { isDark, paper: read("--paper"), ink: read("--ink"), soft: read("--soft"), line: read("--line") };
}

// The colours of the components and, last, of the background, to be mixed and as they are; and inks
// for thin lines over points of the same colours.
function readLook({ colours, inks }) {
  return { colours: colours.map(toOklab), swatches: colours, inks };
}

// Where the view is in a canvas: from shares of it to CSS pixels.
function placeFrame(pen, run, width, height) {
  pen.font = "12px system-ui, sans-serif";
  const y = chooseTicks(run.limits[0][1], run.limits[1][1], height / 70);
  const widest = Math.max(...y.ticks.map((tick) => pen.measureText(writeTick(tick, y.step)).width), 0);
  const frame = { left: widest + 34, top: 8, right: width - 12, bottom: height - 44 };
  frame.toX = (u) => frame.left + u * (frame.right - frame.left);
  frame.toY = (v) => frame.bottom - v * (frame.bottom - frame.top);
  frame.fromX = (x) => (x - frame.left) / (frame.right - frame.left);
  frame.fromY = (y) => (frame.bottom - y) / (frame.bottom - frame.top);
  return frame;
}

function shorten(pen, text, most) {
  if (pen.measureText(text).width <= most) return text;
  let letters = [...text];
  while (letters.length > 1 && pen.measureText(`${letters.join("")}\u2026`).width > most) letters.pop();
  return `${letters.join("")}\u2026`;
}

function drawAxes(pen, run, frame, theme) {
  const [[lowX, lowY], [highX, highY]] = run.limits;
  pen.font = "12px system-ui, sans-serif";
  pen.fillStyle = theme.soft;
  pen.strokeStyle = theme.line;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(frame.left - 0.5, frame.top);
  pen.lineTo(frame.left - 0.5, frame.bottom + 0.5);
  pen.lineTo(frame.right, frame.bottom + 0.5);
  pen.stroke();
  const x = chooseTicks(lowX, highX, Math.max((frame.right - frame.left) / 110, 2));
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const tick of x.ticks) {
    const at = frame.toX((tick - lowX) / (highX - lowX));
    pen.fillText(writeTick(tick, x.step), at, frame.bottom + 6);
  }
  const y = chooseTicks(lowY, highY, (frame.bottom - frame.top) / 70);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const tick of y.ticks) {
    const at = frame.toY((tick - lowY) / (highY - lowY));
    pen.fillText(writeTick(tick, y.step), frame.left - 7, at);
  }
  pen.fillStyle = theme.ink;
  pen.textAlign = "center";
  pen.textBaseline = "bottom";
  const [middle, across] = [(frame.left + frame.right) / 2, frame.right - frame.left];
  pen.fillText(shorten(pen, run.columns[0], across), middle, frame.bottom + 42);
  pen.save();
  pen.translate(14, (frame.top + frame.bottom) / 2);
  pen.rotate(-Math.PI / 2);
  pen.fillText(shorten(pen, run.columns[1], frame.bottom - frame.top), 0, 2);
  pen.restore();
}

// Each cell as a disc in the mixed colour of its components, its area by its count.
function drawPoints(pen, cells, frame, mixture, look) {
  const shares = new Float64Array(mixture.components.length + 1);
  const assign = prepareResponsibilities(mixture, look.box);
  const mix = prepareMixing(look.colours);
  const [lab, parts] = [[0, 0, 0], [0, 0, 0]];
  const radius = Math.min(Math.max(90 / Math.sqrt(cells.number), 1.5), 3.6);
  const least = cells.counts.reduce((low, count) => Math.min(low, count), Infinity);
  for (let i = 0; i < cells.number; i++) {
    assign(cells.x[i], cells.y[i], shares);
    mix(shares, lab, 0);
    writeColour(...lab, parts, 0);
    pen.fillStyle = `rgb(${parts[0]} ${parts[1]} ${parts[2]} / 0.7)`;
    pen.beginPath();
    const size = radius * Math.min(Math.sqrt(cells.counts[i] / least), 4);
    pen.arc(frame.toX(cells.x[i]), frame.toY(cells.y[i]), size, 0, 2 * Math.PI);
    pen.fill();
  }
}

// The density as an image: its strength, computed once for a size, under the hue of each step.
class DensityImage {
  constructor(cells, scale) {
    this.cells = cells;
    this.scale = scale;
    this.spacing = measureSpacing(cells);
    this.layer = document.createElement("canvas");
    this.layer.width = this.layer.height = 0;
  }

  fit(width, height, dots) {
    if (this.layer.width === width && this.layer.height === height) return;
    this.layer.width = width;
    this.layer.height = height;
    const dot = Math.max(this.scale.dot * dots, 0.8); // less is no Gaussian on pixels
    const wide = Math.min(Math.max(0.75 * this.spacing * Math.sqrt(width * height), dot), 12);
    const density = computeDensity(this.cells, width, height, dot, wide);
    this.strength = scaleStrengths(density, this.scale.faint / dots ** 2);
    this.pixels = new ImageData(width, height);
  }

  // Hues change slowly from place to place, so they are computed for fewer places than pixels, by
  // what time there is: evaluations of components.
  paint(mixture, look, evaluations) {
    const { width, height } = this.layer;
    const n = mixture.components.length;
    const shrink = Math.max(Math.sqrt((width * height * n) / evaluations), 2);
    const [columns, rows] = [Math.ceil(width / shrink), Math.ceil(height / shrink)];
    const hues = new Float32Array(3 * columns * rows);
    const shares = new Float64Array(n + 1);
    const assign = prepareResponsibilities(mixture, look.box);
    const mix = prepareMixing(look.colours);
    for (let row = 0, at = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at += 3) {
        assign((column + 0.5) / columns, 1 - (row + 0.5) / rows, shares);
        mix(shares, hues, at);
      }
    }
    layOnPaper(this.strength, { hues, columns, rows }, toOklab(look.theme.paper), this.pixels);
    this.layer.getContext("2d").putImageData(this.pixels, 0, 0);
  }
}

function drawDensity(pen, image, frame, mixture, look) {
  const [width, height] = [frame.right - frame.left, frame.bottom - frame.top];
  image.fit(Math.round(width * look.dots), Math.round(height * look.dots), look.dots);
  image.paint(mixture, look, look.isMoving ? 2e5 : 3e6);
  pen.drawImage(image.layer, frame.left, frame.top, width, height);
}

function drawBox(pen, frame, box, theme) {
  pen.setLineDash([5, 4]);
  pen.strokeStyle = theme.soft;
  pen.lineWidth = 1;
  const [x, y] = [frame.toX(box.lowX), frame.toY(box.highY)];
  pen.strokeRect(x, y, frame.toX(box.highX) - x, frame.toY(box.lowY) - y);
  pen.setLineDash([]);
}

function traceEllipse(frame, { x, y, a, b, c }, radius) {
  const path = new Path2D();
  for (let i = 0; i < 72; i++) {
    const [cos, sin] = [radius * Math.cos((i * Math.PI) / 36), radius * Math.sin((i * Math.PI) / 36)];
    path.lineTo(frame.toX(x + a * cos), frame.toY(y + b * cos + c * sin));
  }
  path.closePath();
  return path;
}

function strokeWithRim(pen, theme, colour, width, path) {
  pen.lineJoin = "round";
  pen.strokeStyle = theme.paper;
  pen.lineWidth = width + 2;
  pen.globalAlpha *= 0.75;
  pen.stroke(path);
  pen.globalAlpha /= 0.75;
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.stroke(path);
}

function drawComponents(pen, run, frame, mixture, look) {
  const { theme, inks, chosen } = look;
  const width = mixture.components.length > 6 ? 1.3 : 1.8;
  mixture.components.forEach((component, k) => {
    pen.globalAlpha = chosen === null || chosen === k ? 1 : 0.25;
    const ink = inks[k];
    drawPath(pen, run, frame, component, k, look, ink);
    run.ellipses.forEach(({ radius }) => {
      const path = traceEllipse(frame, component, radius);
      strokeWithRim(pen, theme, ink, chosen === k ? width + 1 : width, path);
    });
  });
  pen.globalAlpha = 1;
}

// The way of a mean so far, to where it is now; dotted where a move of the search had it leap.
function drawPath(pen, run, frame, component, k, look, ink) {
  const last = Math.floor(look.position);
  const [way, leaps] = [new Path2D(), new Path2D()];
  let from = null;
  for (let step = 0; step <= last + 1; step++) {
    const at = step <= last ? run.readMixture(step).components[k] : component;
    const to = [frame.toX(at.x), frame.toY(at.y)];
    if (from !== null && run.moves.includes(step)) {
      leaps.moveTo(...from);
      leaps.lineTo(...to);
      way.moveTo(...to);
    } else way.lineTo(...to);
    from = to;
  }
  strokeWithRim(pen, look.theme, ink, 1.2, way);
  pen.setLineDash([1, 4]);
  pen.lineWidth = 1;
  pen.stroke(leaps);
  pen.setLineDash([]);
}

// Numbers of components at their means, or near them where there is room, with a line to the mean;
// no more than a dot where there is none.
function drawNumbers(pen, frame, mixture, look) {
  const { theme, inks } = look;
  const size = chooseNumberSize(mixture.components.length);
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  const places = placeNumbers(mixture.components, frame, look.chosen);
  places.forEach(({ meanX, meanY, x, y, reach, hasRoom }, k) => {
    pen.globalAlpha = look.chosen === null || look.chosen === k ? 1 : 0.3;
    const ink = inks[k];
    if (x !== meanX || y !== meanY || !hasRoom) {
      const leader = new Path2D();
      leader.moveTo(meanX, meanY);
      leader.lineTo(x, y);
      strokeWithRim(pen, theme, ink, 1, leader);
      pen.beginPath();
      pen.arc(meanX, meanY, 2.2, 0, 2 * Math.PI);
      pen.fillStyle = ink;
      pen.fill();
    }
    if (!hasRoom) return;
    pen.beginPath();
    pen.roundRect(x - reach, y - size * 0.72, 2 * reach, size * 1.44, size * 0.72);
    pen.fillStyle = theme.paper;
    pen.fill();
    pen.strokeStyle = ink;
    pen.lineWidth = 1.3;
    pen.stroke();
    pen.fillStyle = ink;
    pen.fillText(String(k), x, y + 0.5);
  });
  pen.globalAlpha = 1;
}

// In CSS pixels: smaller where there are many.
function chooseNumberSize(n) {
  return Math.max(12.5 - n / 40, 9);
}

// Each in turn, that of a chosen component first, takes the first place on a short spiral about its
// mean that overlaps none before it.
function placeNumbers(components, frame, chosen = null, turns = 40) {
  const size = chooseNumberSize(components.length);
  const placed = [];
  const places = [];
  const order = components.map((_, k) => k).sort((one, other) => (other === chosen) - (one === chosen));
  order.forEach((k) => {
    const component = components[k];
    const reach = size * (0.42 + 0.3 * String(k).length);
    const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
    const clampX = (x) => clamp(x, frame.left + reach + 12, frame.right - reach - 12);
    const clampY = (y) => clamp(y, frame.top + size + 10, frame.bottom - size - 10);
    const meanX = clampX(frame.toX(component.x));
    const meanY = clampY(frame.toY(component.y));
    const isFree = (x, y) =>
      placed.every((one) => Math.abs(one.x - x) > one.reach + reach + 2 || Math.abs(one.y - y) > 1.44 * size + 2);
    let [x, y] = [meanX, meanY];
    for (let turn = 1; turn < turns && !isFree(x, y); turn++) {
      const [angle, away] = [2.4 * turn, size * (1 + 0.45 * Math.sqrt(turn))];
      x = clampX(meanX + away * Math.cos(angle));
      y = clampY(meanY - away * Math.sin(angle));
    }
    const hasRoom = isFree(x, y);
    places[k] = hasRoom ? { meanX, meanY, x, y, reach, hasRoom } : { meanX, meanY, x: meanX, y: meanY, reach, hasRoom };
    if (hasRoom) placed.push(places[k]);
  });
  return places;
}

// Arrows at the edge, towards means that lie outside the view.
function drawArrows(pen, frame, mixture, look) {
  mixture.components.forEach((component, k) => {
    const [u, v] = [component.x, component.y];
    if (u >= 0 && u <= 1 && v >= 0 && v <= 1) return;
    const x = frame.toX(Math.min(Math.max(u, 0), 1));
    const y = frame.toY(Math.min(Math.max(v, 0), 1));
    pen.save();
    pen.translate(x, y);
    pen.rotate(Math.atan2(frame.toY(v) - y, frame.toX(u) - x));
    pen.beginPath();
    pen.moveTo(0, 0);
    pen.lineTo(-9, -5);
    pen.lineTo(-9, 5);
    pen.closePath();
    pen.fillStyle = look.inks[k];
    pen.fill();
    pen.restore();
  });
}

// Everything of the plot; gives the frame, for the pointer.
function drawPlot(canvas, run, mixture, look) {
  const { pen, width, height, dots } = openCanvas(canvas);
  const frame = placeFrame(pen, run, width, height);
  look = { ...look, dots };
  drawAxes(pen, run, frame, look.theme);
  pen.save();
  pen.beginPath();
  pen.rect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
  pen.clip();
  if (run.image) drawDensity(pen, run.image, frame, mixture, look);
  else drawPoints(pen, run.cells, frame, mixture, look);
  if (look.box) drawBox(pen, frame, look.box, look.theme);
  drawComponents(pen, run, frame, mixture, look);
  drawArrows(pen, frame, mixture, look);
  pen.restore();
  drawNumbers(pen, frame, mixture, look);
  return frame;
}

// What is left to climb against the step, on a log scale; gives the steps' places across.
function drawCurve(canvas, run, position, theme) {
  const { pen, width, height } = openCanvas(canvas);
  const positive = run.left.filter((left) => left > 0);
  const high = Math.log10(positive.length ? Math.max(...positive) : 1) + 0.15;
  const low = Math.min(Math.log10(positive.length ? Math.min(...positive) : 1), high - 1) - 0.5;
  const frame = { left: 46, right: width - 8, top: 6, bottom: height - 24 };
  const last = Math.max(run.numbers[run.numbers.length - 1], 1);
  const toX = (number) => frame.left + (number / last) * (frame.right - frame.left);
  const toY = (left) => {
    const share = left > 0 ? (Math.log10(left) - low) / (high - low) : 0;
    return frame.bottom - share * (frame.bottom - frame.top);
  };
  drawCurveAxes(pen, { frame, theme, low, high, last, toX, toY, isClimbing: positive.length > 0 });
  const xs = Array.from(run.numbers, toX);
  const ys = Array.from(run.left, toY);
  const whole = Math.floor(position);
  const next = Math.min(whole + 1, xs.length - 1);
  const [x, y] = [xs, ys].map((values) => mixNumbers(values[whole], values[next], position - whole));
  const stroke = (from, to, colour, lineWidth) => {
    pen.beginPath();
    for (let i = from; i <= to; i++) pen.lineTo(xs[i], ys[i]);
    if (to === whole) pen.lineTo(x, y);
    pen.lineJoin = "round";
    pen.strokeStyle = colour;
    pen.lineWidth = lineWidth;
    pen.stroke();
  };
  stroke(0, xs.length - 1, theme.line, 2);
  stroke(0, whole, theme.ink, 2);
  pen.fillStyle = theme.soft;
  for (const step of run.moves) {
    pen.beginPath();
    pen.moveTo(xs[step], frame.bottom);
    pen.lineTo(xs[step] - 4, frame.bottom + 6);
    pen.lineTo(xs[step] + 4, frame.bottom + 6);
    pen.fill();
  }
  pen.beginPath();
  pen.arc(x, y, 5, 0, 2 * Math.PI);
  pen.fillStyle = theme.ink;
  pen.fill();
  pen.strokeStyle = theme.paper;
  pen.lineWidth = 2;
  pen.stroke();
  return xs;
}

function drawCurveAxes(pen, { frame, theme, low, high, last, toX, toY, isClimbing }) {
  pen.font = "11.5px system-ui, sans-serif";
  pen.strokeStyle = theme.line;
  pen.fillStyle = theme.soft;
  pen.lineWidth = 1;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  const stride = Math.max(Math.ceil((high - low) / 5), 1);
  for (let power = Math.ceil(low); power <= high; power++) {
    const y = Math.round(toY(10 ** power)) + 0.5;
    if (!isClimbing || power % stride || y > frame.bottom - 14) continue;
    pen.globalAlpha = 0.5;
    pen.beginPath();
    pen.moveTo(frame.left, y);
    pen.lineTo(frame.right, y);
    pen.stroke();
    pen.globalAlpha = 1;
    const isPlain = power >= -3 && power <= 3;
    pen.fillText(isPlain ? String(Number((10 ** power).toPrecision(1))) : `10${writePower(power)}`, frame.left - 7, y);
  }
  pen.fillText("none", frame.left - 7, frame.bottom);
  pen.beginPath();
  pen.moveTo(frame.left, frame.bottom + 0.5);
  pen.lineTo(frame.right, frame.bottom + 0.5);
  pen.stroke();
  pen.textBaseline = "top";
  const { ticks } = chooseTicks(0, last, Math.min((frame.right - frame.left) / 60, last));
  for (const tick of ticks) {
    pen.textAlign = tick === last ? "right" : "center";
    pen.fillText(String(tick), tick === last ? frame.right + 4 : toX(tick), frame.bottom + 8);
  }
}
