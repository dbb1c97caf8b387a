// axis: which steps are shown, and where. A position is a number that grows
// with time: rows in the order of steps, nanoseconds in proportion to time.

const pauseRows = 0.9; // what a pause of a second or more adds to the rows
const pauseTime = 1e9;

const filter = { hidden: new Set(), words: "" };
let shown = []; // indices of the steps that the filter lets through
let rows = new Float64Array(0); // the row of each step; of a hidden one, where it would be
let rowCount = 0;
let byTime = false;

function matches(step) {
  if (filter.hidden.has(step.kind)) return false;
  if (!filter.words) return true;
  if (step.search === undefined) {
    const to = step.to === undefined ? "" : " " + laneName(step.to);
    step.search = (laneName(step.lane) + to + " " + run.kinds[step.kind] + " " + step.text + " " + (step.state ?? "") + " " + seconds(step.at)).toLowerCase();
  }
  return step.search.includes(filter.words);
}

function applyFilter() {
  shown = [];
  rows = new Float64Array(steps.length);
  let row = 0, last = 0;
  steps.forEach((step, i) => {
    if (!matches(step)) {
      rows[i] = row;
      return;
    }
    if (pauseBefore(i, last)) row += pauseRows;
    rows[i] = row + 0.5;
    row++;
    last = i;
    shown.push(i);
  });
  rowCount = row;
}

// pauseBefore tells whether nothing that is shown happened for long before
// step i, last being the one shown before it.
function pauseBefore(i, last) {
  return times[i] - (shown.length ? times[last] : 0) >= pauseTime;
}

function position(i) {
  return byTime ? times[i] : rows[i];
}

// positionAt is that of an instant after step i: of the first step of that
// instant, or between its neighbours.
function positionAt(t, i) {
  if (byTime) return t;
  if (t <= times[i]) return rows[i];
  const next = Math.max(firstAt(times, t), i + 1);
  if (next >= steps.length) return rowCount;
  if (times[next] === t) return rows[next];
  const share = (t - times[next - 1]) / (times[next] - times[next - 1]);
  return rows[next - 1] + share * (rows[next] - rows[next - 1]);
}

// arrivalPosition is where the arrow of a send ends.
function arrivalPosition(i) {
  const step = steps[i];
  return step.receive !== undefined ? position(step.receive) : positionAt(step.arrivalT, i);
}

function extent() {
  return byTime ? [0, Math.max(endOfRun, 1)] : [0, Math.max(rowCount, 1)];
}

// view is the part in the window: origin is the position at its upper edge,
// scale the pixels for each unit. Each axis keeps its own.
const views = { steps: { origin: 0, scale: 26 }, time: { origin: 0, scale: 0 } };
const readable = 26; // pixels a row
let view = views.steps;

const margin = 14; // pixels kept free above the first and below the last step

function y(at) {
  return layout.top + margin + (at - view.origin) * view.scale;
}

function positionOf(pixel) {
  return view.origin + (pixel - layout.top - margin) / view.scale;
}

function windowHeight() {
  return Math.max(40, layout.height - layout.top - 2 * margin);
}

function fitScale() {
  const [from, to] = extent();
  return windowHeight() / (to - from);
}

// bound keeps the view on the run.
function bound() {
  const [from, to] = extent();
  const fit = fitScale();
  view.scale = Math.min(Math.max(view.scale, Math.min(fit, byTime ? fit : readable)), byTime ? 40 : 80);
  if (byTime) view.scale = Math.max(view.scale, fit);
  const room = windowHeight() / view.scale;
  view.origin = Math.max(from, Math.min(view.origin, to - room));
}

function zoom(factor, pixel = layout.top + windowHeight() / 2) {
  const fixed = positionOf(pixel);
  view.scale *= factor;
  bound();
  view.origin = fixed - (pixel - layout.top - margin) / view.scale;
  bound();
}

function fit() {
  view.scale = fitScale();
  view.origin = 0;
  bound();
}

function pan(pixels) {
  view.origin += pixels / view.scale;
  bound();
}

// reveal brings a step into the window: at the given share of its height when
// it is outside of it.
function reveal(i, share = 0.5) {
  const at = y(position(i));
  if (at > layout.top + 12 && at < layout.height - 20) return;
  view.origin = position(i) - (windowHeight() * share) / view.scale;
  bound();
}

// setAxis changes the axis and keeps step i where it is in the window.
function setAxis(time, i) {
  if (time === byTime) return;
  const pixel = i === undefined ? undefined : Math.min(Math.max(y(position(i)), layout.top + margin), layout.height - margin);
  byTime = time;
  view = time ? views.time : views.steps;
  if (!view.scale) view.scale = fitScale();
  bound();
  if (i === undefined) return;
  view.origin = position(i) - (pixel - layout.top - margin) / view.scale;
  bound();
}

// shownFrom returns the index in shown of the first step at or below a position.
function shownFrom(at) {
  let low = 0, high = shown.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (position(shown[middle]) < at) low = middle + 1; else high = middle;
  }
  return low;
}
