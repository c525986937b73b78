// What answers the reader: the steps, the table and the pointer.

function loadRun() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { steps } = data;
  const run = {
    ...data,
    cells: decodeCells(data.cells),
    nComponents: data.looks.light.colours.length - 1,
    looks: { light: readLook(data.looks.light), dark: readLook(data.looks.dark) },
    numbers: steps.numbers,
    moves: steps.moves,
    jumps: new Set(steps.jumps),
    elbos: decodeDoubles(steps.elbos),
    left: decodeDoubles(steps.left),
    parameters: decodeDoubles(steps.parameters),
  };
  if (data.background) {
    const [[lowX, lowY], [highX, highY]] = data.limits;
    const [[left, right], [bottom, top]] = data.background.box;
    run.background = {
      weights: decodeDoubles(data.background.weights),
      box: {
        lowX: (left - lowX) / (highX - lowX), highX: (right - lowX) / (highX - lowX),
        lowY: (bottom - lowY) / (highY - lowY), highY: (top - lowY) / (highY - lowY),
      },
    };
  }
  const mixtures = [];
  run.readMixture = (step) => (mixtures[step] ??= readMixture(run, step));
  // Where cells are many, discs would cover each other.
  run.image = data.density ? new DensityImage(run.cells, data.density) : null;
  return run;
}

const byId = (id) => document.getElementById(id);
const run = loadRun();
const lastStep = run.numbers.length - 1;
const names = ["weight", `mean ${run.columns[0]}`, `mean ${run.columns[1]}`,
  `sd ${run.columns[0]}`, `sd ${run.columns[1]}`, "correlation"];
const stillness = matchMedia("(prefers-reduced-motion: reduce)");
// The position is a kept step, or between two while it plays; chosen is a component, or null.
const state = { position: 0, isPlaying: false, chosen: null, pointer: null, pinned: null,
  sort: { column: 0, sign: 1 }, isSorted: false, isDue: false, before: null, told: 0 };
let [frame, placesOnCurve] = [null, []];

// The components of a step that a move led to are others than before, and other cells have another
// ELBO: between such a step and the one before lies nothing, and the nearer of them is shown.
function readPosition() {
  const isApart = run.jumps.has(Math.floor(state.position) + 1);
  return stillness.matches || isApart ? readStep() : state.position;
}

function readStep() {
  return Math.round(state.position);
}

// Drawing, at most once for each picture of the screen.

function schedule() {
  if (state.isDue) return;
  state.isDue = true;
  requestAnimationFrame(render);
}

function render(now) {
  state.isDue = false;
  if (state.isPlaying) advance(now);
  const theme = readTheme();
  const position = readPosition();
  const whole = Math.floor(position);
  const next = run.readMixture(Math.min(whole + 1, lastStep));
  const mixture = interpolate(run.readMixture(whole), next, position - whole);
  const look = { theme, ...run.looks[theme.isDark ? "dark" : "light"], position, chosen: state.chosen, isMoving: state.isPlaying, box: run.background && run.background.box };
  frame = drawPlot(byId("plot"), run, mixture, look);
  placesOnCurve = drawCurve(byId("curve"), run, position, theme);
  showStep(look.swatches, theme);
  showCard(mixture);
  if (state.isPlaying) schedule();
}

// So many steps a second that few can be followed, and many end in a reasonable time.
function chooseRate() {
  return Number(byId("speed").value) * Math.max(1, lastStep / 15);
}

function advance(now) {
  if (state.before !== null) {
    const passed = Math.min((now - state.before) / 1000, 0.1);
    state.position = Math.min(state.position + passed * chooseRate(), lastStep);
  }
  state.before = now;
  if (state.position >= lastStep) pause();
}

function play() {
  if (state.position >= lastStep) state.position = 0;
  state.isPlaying = true;
  state.before = null;
  schedule();
}

function pause() {
  state.isPlaying = false;
  state.position = readStep();
  state.told = 0;
  schedule();
}

function goTo(step) {
  state.position = Math.min(Math.max(step, 0), lastStep);
  pause();
}

// What stands beside the plot.

function describeStep(step) {
  const elbo = (run.elbos[step] / run.points).toFixed(6);
  const move = run.moves.includes(step) ? ", by a move of the search" : "";
  return `Step ${run.numbers[step]} of ${run.steps.last}: ELBO ${elbo} nats per point${move}`;
}

let shown = null;

function showStep(swatches, theme) {
  const step = readStep();
  const button = byId("play");
  const word = state.isPlaying ? "Pause" : "Play";
  if (button.textContent !== word) {
    button.textContent = word;
    button.setAttribute("aria-label", word);
  }
  tell(step);
  const sign = [step, theme.isDark, state.isPlaying, state.chosen, state.sort.column, state.sort.sign].join();
  if (sign === shown) return;
  shown = sign;
  byId("step").value = step;
  byId("step").setAttribute("aria-valuetext", `step ${run.numbers[step]}`);
  byId("where").textContent = `step ${run.numbers[step]} of ${run.steps.last}`;
  byId("elbo").textContent = writeMinus(describeStep(step).replace(/^[^:]*: /, ""));
  byId("plot").setAttribute("aria-label", `Points and ${writeCount(run.nComponents, "component")}. ${describeStep(step)}`);
  byId("curve").setAttribute("aria-label", `What is left to climb: ${run.left[step].toPrecision(3)} nats per point`);
  showTable(step, swatches);
}

// A sentence for those who hear the page, not more often than can be heard.
function tell(step) {
  const now = performance.now();
  const sentence = describeStep(step);
  if (byId("live").textContent === sentence || (state.isPlaying && now - state.told < 3000)) return;
  state.told = now;
  byId("live").textContent = sentence;
}

// The table.

const rows = [];

function buildTable() {
  const head = byId("table").tHead.insertRow();
  ["component", ...names].forEach((name, column) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    const button = document.createElement("button");
    button.type = "button";
    const text = document.createElement("span");
    text.className = "name";
    text.textContent = column === 0 ? "#" : shortenMiddle(name);
    button.append(text);
    button.title = name;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", () => sortBy(column));
    cell.append(button);
    head.append(cell);
  });
  for (let k = 0; k < run.nComponents; k++) rows.push(buildRow(k));
  if (run.background) {
    const row = byId("table").tBodies[0].insertRow();
    ["background", "", "", "", "", "", ""].forEach((text) => (row.insertCell().textContent = text));
    rows.push(row);
  }
}

function buildRow(k) {
  const row = byId("table").tBodies[0].insertRow();
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = String(k);
  button.setAttribute("aria-label", `component ${k}`);
  button.addEventListener("click", () => pin(k));
  button.addEventListener("blur", () => pin(null));
  const first = row.insertCell();
  first.append(swatch, button);
  names.forEach(() => row.insertCell());
  row.addEventListener("pointerenter", () => choose(k));
  row.addEventListener("pointerleave", () => choose(state.pinned));
  return row;
}

function choose(k) {
  state.chosen = k;
  schedule();
}

function pin(k) {
  state.pinned = state.pinned === k ? null : k;
  choose(state.pinned);
}

function showTable(step, swatches) {
  byId("caption").textContent = `Components at step ${run.numbers[step]}`;
  const figures = readFigures(run, step);
  const scales = chooseScales(figures);
  figures.forEach((values, k) => {
    const { cells } = rows[k];
    cells[0].firstChild.style.backgroundColor = swatches[k];
    writeFigures(values, scales).forEach((text, i) => (cells[i + 1].textContent = text));
    rows[k].classList.toggle("chosen", state.chosen === k);
  });
  if (run.background) rows[run.nComponents].cells[1].textContent = run.background.weights[step].toFixed(4);
  // Rows that change places while it plays cannot be read, so then they do when asked alone.
  if (!state.isPlaying || !state.isSorted) orderRows(figures);
  state.isSorted = true;
}

function orderRows(figures) {
  const { column, sign } = state.sort;
  const key = (k) => (column === 0 ? k : figures[k][column - 1]);
  const order = figures.map((_, k) => k).sort((one, other) => sign * (key(one) - key(other)) || one - other);
  const body = byId("table").tBodies[0];
  const wanted = order.map((k) => rows[k]);
  if (run.background) wanted.push(rows[run.nComponents]);
  if (wanted.some((row, i) => body.rows[i] !== row)) body.append(...wanted);
  [...byId("table").tHead.rows[0].cells].forEach((cell, i) => {
    if (i === column) cell.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    else cell.removeAttribute("aria-sort");
  });
}

// The first click on a column of figures shows the greatest first.
function sortBy(column) {
  const { sort } = state;
  const first = column === 0 ? 1 : -1;
  state.sort = { column, sign: sort.column === column ? -sort.sign : first };
  state.isSorted = false;
  schedule();
}

// The table as text with all digits, in the order in which it stands.
function writeTable() {
  const step = readStep();
  const figures = readFigures(run, step);
  const lines = [["component", ...names].map((name) => name.replace(/\s+/g, " "))];
  for (const row of byId("table").tBodies[0].rows) {
    const k = rows.indexOf(row);
    if (k < run.nComponents) lines.push([k, ...figures[k]]);
    else lines.push(["background", run.background.weights[step], "", "", "", "", ""]);
  }
  return `${lines.map((line) => line.join("\t")).join("\n")}\n`;
}

async function copyTable() {
  const text = writeTable();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  byId("copy").textContent = "Copied";
  setTimeout(() => (byId("copy").textContent = "Copy"), 1500);
}

// The card: of a component that is pointed at, or of a place.

function showCard(mixture) {
  const card = byId("card");
  const point = state.pointer;
  const isOnPlot = point && frame.fromX(point.x) >= 0 && frame.fromX(point.x) <= 1
    && frame.fromY(point.y) >= 0 && frame.fromY(point.y) <= 1;
  const k = isOnPlot ? findComponent(mixture, point) : state.pinned;
  card.hidden = k === null && !isOnPlot;
  if (card.hidden) return;
  const [title, entries] = k === null ? describePlace(mixture, point) : describeComponent(k);
  const list = document.createElement("dl");
  for (const [name, value] of entries) {
    const [term, definition] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    definition.textContent = value;
    list.append(term, definition);
  }
  const heading = document.createElement("b");
  heading.textContent = title;
  card.replaceChildren(heading, list);
  const component = k === null ? null : mixture.components[k];
  const at = isOnPlot ? point : { x: frame.toX(component.x), y: frame.toY(component.y) };
  const { width, height } = byId("plot").getBoundingClientRect();
  const [wide, high] = [card.offsetWidth, card.offsetHeight];
  card.style.left = `${at.x + 18 + wide < width ? at.x + 18 : Math.max(at.x - 18 - wide, 0)}px`;
  card.style.top = `${Math.min(Math.max(at.y - high / 2, 0), height - high)}px`;
}

// The component whose number is pointed at, or null.
function findComponent(mixture, point, reach = 14) {
  const away = placeNumbers(mixture.components, frame, state.chosen).map(({ x, y }) => Math.hypot(x - point.x, y - point.y));
  const nearest = Math.min(...away);
  return nearest < reach ? away.indexOf(nearest) : null;
}

function describeComponent(k) {
  const step = readStep();
  const figures = readFigures(run, step)[k];
  const errors = step === lastStep && run.errors ? run.errors[k] : [];
  const written = writeFigures(figures).map((text, i) =>
    errors[i] ? `${text} \u00b1 ${errors[i].toPrecision(2)}` : text,
  );
  return [`Component ${k}`, names.map((name, i) => [shortenMiddle(name, 28), writeMinus(written[i])])];
}

function describePlace(mixture, point, most = 5) {
  const [u, v] = [frame.fromX(point.x), frame.fromY(point.y)];
  const shares = new Float64Array(run.nComponents + 1);
  prepareResponsibilities(mixture, run.background && run.background.box)(u, v, shares);
  const entries = run.columns.map((name, i) => {
    const [low, high] = [run.limits[0][i], run.limits[1][i]];
    return [shortenMiddle(name, 28), writeMinus(writeToScale(low + [u, v][i] * (high - low), (high - low) / 5))];
  });
  const title = "Responsibilities here";
  const order = [...shares.keys()].sort((one, other) => shares[other] - shares[one]);
  for (const k of order.slice(0, most)) {
    if (shares[k] < 0.0005) break;
    const name = k < run.nComponents ? `component ${k}` : "background";
    entries.push([name, `${(100 * shares[k]).toFixed(1)} %`]);
  }
  return [title, entries];
}

function point(event) {
  const { left, top } = byId("plot").getBoundingClientRect();
  state.pointer = { x: event.clientX - left, y: event.clientY - top };
  schedule();
}

function chooseOnCurve(event) {
  const x = event.clientX - byId("curve").getBoundingClientRect().left;
  const away = placesOnCurve.map((place) => Math.abs(place - x));
  goTo(away.indexOf(Math.min(...away)));
}

// Keys, but for what buttons and fields do with them by themselves.
function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest(event.key === " " ? "button, select" : "select, input, .scroll")) return;
  const actions = {
    ArrowLeft: () => goTo(Math.ceil(state.position) - 1),
    ArrowRight: () => goTo(Math.floor(state.position) + 1),
    Home: () => goTo(0),
    End: () => goTo(lastStep),
    " ": () => (state.isPlaying ? pause() : play()),
  };
  if (!(event.key in actions)) return;
  event.preventDefault();
  actions[event.key]();
}

function describeRun() {
  const parts = [writeCount(run.points, "point"), writeCount(run.nComponents, "component"), run.status];
  byId("summary").textContent = `${parts.join(" \u00b7 ")} \u00b7 `;
  const elbo = document.createElement("span");
  elbo.id = "elbo";
  byId("summary").append(elbo);
  const shares = run.ellipses.map(({ share }) => `${Math.round(100 * share)} %`).join(" and ");
  const notes = [`Ellipses hold ${shares} of their component; lines are the ways of the means; colours are mixed by responsibility`];
  if (run.image) notes.push("strength is the density on a log scale");
  if (run.moves.length) notes.push("dotted where the search moved a component, with a mark under the curve");
  if (run.background) notes.push("grey is the background, in its box");
  if (run.outside) notes.push(`${writeCount(run.outside, "point")} outside the view`);
  if (lastStep < run.steps.last) notes.push(`${lastStep + 1} of ${run.steps.last + 1} steps are kept, closest together where most happens`);
  byId("note").textContent = `${notes.join("; ")}.`;
}

function start() {
  describeRun();
  buildTable();
  byId("step").max = lastStep;
  byId("step").disabled = lastStep === 0;
  byId("step").addEventListener("input", (event) => goTo(Number(event.target.value)));
  byId("play").addEventListener("click", () => (state.isPlaying ? pause() : play()));
  byId("back").addEventListener("click", () => goTo(Math.ceil(state.position) - 1));
  byId("forth").addEventListener("click", () => goTo(Math.floor(state.position) + 1));
  byId("copy").addEventListener("click", copyTable);
  byId("plot").addEventListener("pointermove", point);
  byId("plot").addEventListener("pointerdown", point);
  byId("plot").addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "mouse") return; // what a finger pointed at stays
    state.pointer = null;
    schedule();
  });
  byId("curve").addEventListener("pointerdown", chooseOnCurve);
  byId("curve").addEventListener("pointermove", (event) => event.buttons && chooseOnCurve(event));
  document.addEventListener("keydown", press);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", schedule);
  new ResizeObserver(schedule).observe(byId("plot"));
  state.position = stillness.matches ? lastStep : 0;
  if (stillness.matches || lastStep === 0) schedule();
  else play();
}

start();
