// draw: the visible part of the run as SVG. Every text goes in as a text node.

const drawing = document.getElementById("drawing");
const chartBox = document.getElementById("chart");

let selected = -1; // a step, or -1
let hovered = -1;

function element(name, attributes, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) if (attributes[key] !== undefined) e.setAttribute(key, attributes[key]);
  e.append(...children);
  return e;
}

const round = (n) => Math.round(n * 10) / 10;

function draw() {
  drawing.setAttribute("width", layout.width);
  drawing.setAttribute("height", layout.height);
  const top = positionOf(layout.top), bottom = positionOf(layout.height);
  const visible = shown.slice(shownFrom(top - 1e-9), shownFrom(bottom));
  const dense = visible.length > 400;
  const labelled = labels(visible);
  const scale = () => [drawPauses(visible), drawTicks(top, bottom)];
  const body = element("g", { "clip-path": "url(#below-head)", class: dense ? "dense" : undefined },
    ...(layout.crowded ? [] : scale()), drawFaults(top, bottom), drawCursor(),
    ...lanes.map((lane, i) => drawLane(lane, i, top, bottom, dense)),
    drawArrows(top, bottom, dense), drawSigns(visible, labelled, dense),
    ...(layout.crowded ? [drawCover(layout.top, layout.height), drawCursor(), ...scale()] : []),
    ...visible.filter((i) => !dense || labelled.has(i)).map((i) => drawRow(i, labelled)));
  if (steps.length && !shown.length) body.append(element("text", { class: "pause", x: layout.textLeft, y: layout.top + 30 }, "No step passes the filter."));
  drawing.replaceChildren(
    element("defs", {}, element("clipPath", { id: "below-head" },
      element("rect", { x: 0, y: layout.top, width: layout.width, height: Math.max(0, layout.height - layout.top) })), arrowHead("head", "head"), arrowHead("head-on", "head on")),
    body, drawHead());
  if (selected >= 0 && document.getElementById("step-" + selected)) chartBox.setAttribute("aria-activedescendant", "step-" + selected);
  else chartBox.removeAttribute("aria-activedescendant");
}

function arrowHead(id, className) {
  return element("marker", { id, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" },
    element("path", { d: "M0 0.5 10 5 0 9.5 2.5 5z", class: className }));
}

// labels chooses the steps whose words fit without touching others: the
// selected one first, then violations and, unless they are many, faults, then
// from top to bottom. It maps each to how many are left out below it.
function labels(visible) {
  const height = 17;
  if (!byTime && view.scale >= height) return new Map(visible.map((i) => [i, 0]));
  const faults = visible.reduce((n, i) => n + (steps[i].kind === kindOf.fault), 0);
  const weight = (i) => (i === selected || i === hovered ? 0 : steps[i].kind === kindOf.violation ? 1 : steps[i].kind === kindOf.fault && faults < 20 ? 2 : 3);
  const taken = new Map(); // the height of a label, by its slot
  const chosen = new Set();
  for (let rank = 0; rank < 4; rank++) {
    for (const i of visible) {
      if (weight(i) !== rank) continue;
      const at = y(position(i));
      const slot = Math.floor(at / height);
      if ([-1, 0, 1].some((by) => Math.abs((taken.get(slot + by) ?? Infinity) - at) < height)) continue;
      taken.set(slot, at);
      chosen.add(i);
    }
  }
  const counted = new Map();
  let last = -1;
  for (const i of visible) {
    if (chosen.has(i)) counted.set(last = i, 0);
    else if (last >= 0) counted.set(last, counted.get(last) + 1);
  }
  return counted;
}

// drawPauses marks where nothing happened for long, in the order of steps.
function drawPauses(visible) {
  const g = element("g", { class: "pauses" });
  if (byTime || view.scale < 9) return g;
  for (const i of visible) {
    const row = shownFrom(position(i));
    const last = row > 0 ? shown[row - 1] : -1;
    const from = last < 0 ? "0" : steps[last].at;
    if (times[i] - Number(from) < pauseTime) continue;
    const middle = round(y(position(i) - 0.5 - pauseRows / 2));
    g.append(element("line", { x1: layout.timeRight + 8, x2: layout.textLeft - 6, y1: middle, y2: middle }));
    if (view.scale < 14) continue;
    g.append(element("text", { x: layout.textLeft, y: middle, class: "pause" }, span(from, steps[i].at) + " later"));
  }
  return g;
}

// drawTicks draws the scale of time.
function drawTicks(top, bottom) {
  const g = element("g", { class: "ticks" });
  if (!byTime) return g;
  const least = 60 / view.scale;
  const power = 10 ** Math.floor(Math.log10(least));
  const each = Math.max(1, [1, 2, 5, 10].find((n) => n * power >= least) * power);
  for (let n = Math.max(0, Math.ceil(top / each)); n * each <= bottom && n * each <= endOfRun; n++) {
    const at = round(y(n * each));
    g.append(element("line", { x1: layout.timeRight + 4, x2: layout.width, y1: at, y2: at }),
      element("text", { x: layout.timeRight, y: at, "text-anchor": "end" }, seconds(BigInt(Math.round(n * each)).toString())));
  }
  return g;
}

// drawFaults draws the bands of the faults that last.
function drawFaults(top, bottom) {
  const g = element("g", {});
  for (const [i, step] of lastingFaults) {
    if (filter.hidden.has(step.kind)) break;
    const from = position(i), to = positionAt(step.untilT, i);
    if (to < top || from > bottom) continue;
    const place = faultPlace(step);
    const upper = Math.max(y(from), layout.top - 5), lower = Math.min(y(to), layout.height + 5);
    g.append(element("rect", { class: "fault-band" + (i === selected ? " on" : ""), x: place.x, width: place.width, y: round(upper), height: round(Math.max(2, lower - upper)) }));
  }
  return g;
}
const lastingFaults = [...steps.entries()].filter(([, step]) => step.untilT !== undefined);

function faultPlace(step) {
  if (step.lane >= 0) return { x: layout.x[step.lane] - 16, width: 32 };
  return { x: layout.first - 16, width: layout.last - layout.first + 32 };
}

// drawCursor lays a band behind the selected step and the one under the pointer.
function drawCursor() {
  const g = element("g", {});
  for (const [i, name] of [[hovered, "hovered"], [selected, "selected"]]) {
    if (i < 0) continue;
    const height = byTime ? 18 : Math.max(view.scale - 2, 4);
    g.append(element("rect", { class: "cursor " + name, x: 0.5, width: layout.width - 1, y: round(y(position(i)) - height / 2), height, rx: 3 }));
    if (byTime && i === selected) g.append(element("line", { class: "cursor-line", x1: layout.timeRight + 4, x2: layout.textLeft - 8, y1: round(y(position(i))), y2: round(y(position(i))) }));
  }
  return g;
}

// drawLane draws a lifeline in the colours of its states, and the strips of
// its timers.
function drawLane(lane, i, top, bottom, dense) {
  const x = layout.x[i];
  const [start, end] = extent();
  const upper = Math.max(y(start) - margin, layout.top), lower = Math.min(y(end) + margin, layout.height);
  const g = element("g", {}, element("line", { class: "lifeline", x1: x, x2: x, y1: upper, y2: Math.max(upper, lower) }));
  let drawnTo = -Infinity; // spans that end in a pixel that is taken are left out
  for (const s of lane.states) {
    const from = position(s.from), to = s.to === steps.length - 1 ? end : position(s.to);
    if (to < top || from > bottom) continue;
    const a = Math.max(y(from), layout.top - 3), b = Math.min(y(to), layout.height + 3);
    if (b < drawnTo + 0.5 && s.to < steps.length - 1) continue;
    drawnTo = b;
    g.append(element("rect", { class: "state " + stateClass(s.state), x: x - 3, width: 6, y: round(a), height: round(Math.max(1, b - a)) }));
  }
  g.append(...drawTimers(lane, i, top, bottom, dense));
  return g;
}

function drawTimers(lane, i, top, bottom, dense) {
  const drawn = [];
  if (!hasStrips) return drawn;
  const drawnTo = new Map();
  for (const timer of lane.timers) {
    const from = position(timer.from), to = position(timer.to);
    if (to < top || from > bottom) continue;
    if (y(to) < (drawnTo.get(timer.column) ?? -Infinity) + (dense ? 4 : 1)) continue;
    drawnTo.set(timer.column, y(to));
    const x = layout.strips[i] + timer.column * layout.step;
    const due = Math.min(positionAt(timer.t, timer.from), to);
    drawn.push(element("path", { class: "timer " + timer.colour, d: wedge(timer, x, due, top, bottom) }));
    const late = times[timer.to] > timer.t;
    if (late) {
      drawn.push(element("rect", { class: "overdue", x, width: 3, y: round(y(due)), height: round(Math.max(1, y(to) - y(due))) }));
    }
    if (timer.fired && !dense) drawn.push(element("circle", { class: "fired " + timer.colour, cx: x + 2, cy: round(y(late ? to : due)), r: 3.5 }));
  }
  return drawn;
}

// wedge is as wide at each instant as time is left then.
function wedge(timer, x, due, top, bottom) {
  const armed = times[timer.from];
  const wide = (t) => round(x + layout.strip * Math.max(0, (timer.t - t) / Math.max(1, timer.t - armed)));
  const points = [];
  const put = (t, at) => points.push(wide(t) + " " + round(Math.min(Math.max(y(at), -2000), 5000)));
  put(armed, position(timer.from));
  if (byTime) {
    const upper = Math.max(armed, top), lower = Math.min(due, bottom);
    put(upper, upper);
    put(lower, lower);
    put(due, due);
  } else {
    const first = Math.max(shownFrom(top) - 1, shownFrom(rows[timer.from]));
    const last = Math.min(shownFrom(bottom) + 1, shown.length);
    const stride = Math.max(1, Math.floor((last - first) / 300));
    for (let k = first; k < last && shown[k] < timer.to && times[shown[k]] < timer.t; k += stride) {
      if (shown[k] > timer.from) put(times[shown[k]], rows[shown[k]]);
    }
    put(Math.min(timer.t, times[timer.to]), due);
  }
  const begin = Math.max(y(position(timer.from)), -2000), end = Math.min(y(due), 5000);
  return "M" + x + " " + round(begin) + "L" + points.join("L") + "L" + x + " " + round(end) + "z";
}

// pixel is where a position is as far as one can tell it from its neighbours.
function pixel(at, dense) {
  return Math.round(y(at) / (dense ? 4 : 1));
}

const sends = steps.flatMap((step, i) => (step.kind === kindOf.send ? [i] : []));

// drawArrows draws the sends that cross the window.
function drawArrows(top, bottom, dense) {
  const g = element("g", { class: "arrows" });
  const taken = new Set();
  for (const i of sends) {
    const step = steps[i];
    const from = position(i);
    if (from > bottom) break;
    const to = step.arrivalT === undefined ? from : arrivalPosition(i);
    if (to < top || !matches(step)) continue;
    const on = i === selected || i === hovered || step.receive !== undefined && (step.receive === selected || step.receive === hovered);
    const key = pixel(from, dense) + "," + pixel(to, dense) + "," + step.lane + "," + step.to + "," + (step.arrivalT === undefined);
    if (taken.has(key) && !on) continue;
    taken.add(key);
    g.append(drawArrow(step, y(from), y(to), on, dense));
  }
  return g;
}

function drawArrow(step, from, to, on, dense) {
  const x1 = layout.x[step.lane], x2 = layout.x[step.to];
  const side = Math.sign(x2 - x1);
  const className = on ? "arrow on" : "arrow";
  if (step.arrivalT === undefined) {
    const x = x1 + (x2 - x1) * 0.55;
    return element("g", { class: className + " lost" }, element("line", { x1: x1 + side * 7, x2: x - side * 6, y1: round(from), y2: round(from) }),
      element("path", { class: "cross", d: `M${x - 5} ${from - 5}l10 10M${x + 5} ${from - 5}l-10 10` }));
  }
  // What is far outside the window is cut off, so that no coordinate is too large to draw.
  let a = { x: x1 + side * 7, y: from }, b = { x: x2 - side * 6, y: to };
  const at = (limit) => ({ x: x1 + ((x2 - x1) * (limit - from)) / (to - from), y: limit });
  if (from < -1000) a = at(-1000);
  if (to > layout.height + 1000) b = at(layout.height + 1000);
  return element("g", { class: className }, element("line", { x1: round(a.x), x2: round(b.x), y1: round(a.y), y2: round(b.y), "marker-end": on ? "url(#head-on)" : dense ? undefined : "url(#head)" }));
}

// shapes are the signs of the kinds around 0, 0; a kind is never told by its
// colour alone.
const shapes = {
  note: "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
  send: "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
  receive: "M0-5.5 5.5 0 0 5.5-5.5 0z",
  event: "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0",
  timer: "M-5-5.5h10l-4 5.5 4 5.5h-10l4-5.5z",
  call: "M-4.5-4.5h9v9h-9z",
  fault: "M1-7-5 1.5h4L-1 7 5-1.5H1z",
  mark: "M0-6.5 1.9-2.2 6.5-2 2.8 1 4.1 5.5 0 3-4.1 5.5-2.8 1-6.5-2-1.9-2.2z",
  violation: "M-6.5-3.5-3.5-6.5 0-3 3.5-6.5 6.5-3.5 3 0 6.5 3.5 3.5 6.5 0 3-3.5 6.5-6.5 3.5-3 0z",
};

// drawSigns draws the signs of steps on their lanes.
function drawSigns(visible, labelled, dense) {
  const signs = element("g", { "aria-hidden": true });
  const taken = new Set(); // one sign a pixel, lane and kind
  for (const i of visible) {
    const step = steps[i];
    const at = round(y(position(i)));
    const key = pixel(position(i), dense) + "," + step.lane + "," + step.kind;
    if (taken.has(key) && !labelled.has(i)) continue;
    taken.add(key);
    const x = step.lane < 0 ? (layout.first + layout.last) / 2 : layout.x[step.lane];
    const className = "kind-" + run.kinds[step.kind];
    if (step.lane < 0) signs.append(element("g", { class: className }, drawBand(at)));
    signs.append(element("path", { class: className + " sign", d: shapes[run.kinds[step.kind]], transform: `translate(${round(x)} ${at})` }));
  }
  return signs;
}

// drawCover hides the lanes that are shifted under the words.
function drawCover(top, bottom) {
  return element("rect", { class: "cover", x: 0, y: top, width: layout.textLeft + crowdedText + 8, height: Math.max(0, bottom - top) });
}

// drawRow draws the words of a step; they are what one walks through.
function drawRow(i, labelled) {
  const step = steps[i];
  const at = round(y(position(i)));
  const row = shownFrom(position(i));
  const g = element("g", {
    id: "step-" + i, class: "row kind-" + run.kinds[step.kind], role: "option", "aria-selected": i === selected,
    "aria-label": describe(i), "aria-posinset": row + 1, "aria-setsize": shown.length,
  });
  if (!labelled.has(i)) return g;
  g.append(...drawWords(i, at, labelled.get(i)));
  const above = shown[row - 1];
  const told = above !== undefined && steps[above].at === step.at && labelled.has(above);
  if (!byTime && !told) g.append(element("text", { class: "time", x: layout.timeRight, y: at, "text-anchor": "end" }, seconds(step.at)));
  return g;
}

// drawBand crosses all lanes: it happened to the world.
function drawBand(at) {
  return element("line", { class: "band", x1: layout.first - 16, x2: layout.last + 16, y1: at, y2: at });
}

const kindColumn = Math.max(...run.kinds.map((kind) => textWidth(kind, "small"))) + 12;

function drawWords(i, at, hidden) {
  const step = steps[i];
  const words = [element("text", { class: "kind", x: layout.textLeft, y: at }, run.kinds[step.kind])];
  let x = layout.textLeft + kindColumn;
  let room = layout.textWidth - kindColumn;
  const put = (className, text, font, gap) => {
    words.push(element("text", { class: className, x: round(x), y: at }, text));
    const used = textWidth(text, font) + gap;
    x += used;
    room -= used;
  };
  if (lanes.length > 3 && step.lane >= 0) put("lane", cut(place(step), 160, "name"), "name", 8);
  const fateText = fate(step);
  const state = step.state && changesState(i) ? step.state : "";
  const more = hidden ? `${hidden} more` : "";
  const reserved = (more ? textWidth(more, "small") + 10 : 0) + (fateText ? textWidth(fateText, "small") + 10 : 0) + (state ? Math.min(110, textWidth(state, "small") + 22) : 0);
  const font = step.kind === kindOf.violation ? "name" : "text";
  put("words", cut(step.text, Math.max(room - reserved, 60), font), font, 8);
  if (fateText) put("fate" + (step.kind === kindOf.send && step.arrival === undefined ? " bad" : ""), fateText, "small", 10);
  if (state) {
    const label = cut(state, 90, "small");
    words.push(element("rect", { class: "pill " + stateClass(state), x: round(x), y: at - 8, width: round(textWidth(label, "small") + 12), height: 16, rx: 8 }));
    words.push(element("text", { class: "pill-text", x: round(x + 6), y: at }, label));
    x += textWidth(label, "small") + 22;
  }
  if (more) words.push(element("text", { class: "more", x: round(x), y: at }, more));
  return words;
}

function place(step) {
  return step.to === undefined ? laneName(step.lane) : laneName(step.lane) + " → " + laneName(step.to);
}

function changesState(i) {
  return i === 0 || laneAt(lanes[steps[i].lane] ?? { changes: [] }, i - 1).state !== steps[i].state;
}

// fate tells what became of a send, or how long a fault lasted.
function fate(step) {
  if (step.kind === kindOf.send) return step.arrival === undefined ? "lost" : step.arrival === step.at ? "" : "+" + span(step.at, step.arrival);
  return step.until === undefined ? "" : "for " + span(step.at, step.until);
}

function describe(i) {
  const step = steps[i];
  const more = [fate(step), step.state && "now " + step.state].filter(Boolean).join(", ");
  return `${seconds(step.at)} s, ${place(step)}, ${run.kinds[step.kind]}: ${step.text}${more && ", " + more}`;
}

// drawHead draws the names of the lanes, their states after the selected step,
// and what the strips are.
function drawHead() {
  const now = selected >= 0 ? selected : steps.length - 1;
  const g = element("g", { class: "head-row" }, element("rect", { class: "cover", x: 0, y: 0, width: layout.width, height: layout.top }),
    element("line", { x1: 0, x2: layout.width, y1: layout.top, y2: layout.top }),
    ...lanes.map((lane, i) => drawName(lane, i, laneAt(lane, now).state)), ...(layout.crowded ? [drawCover(0, layout.top - 1)] : []),
    element("text", { class: "time", x: layout.timeRight, y: layout.top - 14, "text-anchor": "end" }, "seconds"));
  for (const { label, kind, row, x } of layout.legend) {
    const at = layout.top - 14 - 17 * (layout.legend.at(-1).row - row);
    g.append(element("rect", { class: "timer " + timerColour(kind), x, y: at - 6, width: 9, height: 11 }),
      element("text", { class: "timer-name", x: x + 14, y: at }, label));
  }
  return g;
}

// drawName names a lane; where lanes are close, every second name is lower.
function drawName(lane, i, state) {
  const close = layout.gap > 0 && layout.gap < 90;
  const x = layout.x[i];
  const room = Math.max(40, Math.min(layout.gap ? layout.gap * (close ? 2 : 1) : 200, 220) - 8);
  const g = element("g", {}, element("title", {}, lane.Name + (lane.About && ", " + lane.About) + (state && ", " + state)),
    element("text", { class: "name", x, y: close && i % 2 ? 33 : 17, "text-anchor": "middle" }, cut(lane.Name, room, "name")));
  if (!close) g.append(element("text", { class: "about", x, y: 33, "text-anchor": "middle" }, cut(lane.About, room, "small")));
  if (!state) return g;
  const label = cut(state, Math.min(layout.gap || 200, 220) - 10, "small");
  const width = textWidth(label, "small") + 8;
  g.append(element("rect", { class: "pill " + stateClass(state), x: round(x - width / 2), y: layout.top - 23, width: round(width), height: 16, rx: 8 }),
    element("text", { class: "pill-text", x, y: layout.top - 15, "text-anchor": "middle" }, label));
  return g;
}
