// page: buttons, keys, pointer.

const scroller = document.getElementById("scroller");
const tip = document.getElementById("tip");
const byId = (id) => document.getElementById(id);

let pending = false;
// refresh draws at the next frame.
function refresh() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(redraw);
}

function redraw() {
  pending = false;
  draw();
  drawOverview();
}

function resize() {
  arrange(scroller.clientWidth, scroller.clientHeight);
  bound();
  redraw();
}

function select(i, share) {
  selected = i;
  hovered = -1;
  tip.hidden = true;
  if (i >= 0) {
    reveal(i, share);
    shiftTo(steps[i]);
  }
  showDetails();
  refresh();
  history.replaceState(null, "", i >= 0 ? "#" + (i + 1) : location.pathname + location.search);
}

// move selects the step that is some rows away.
function move(by) {
  if (!shown.length) return;
  let row = firstAt(shown, Math.max(selected, 0));
  if (selected >= 0) row += by;
  else if (by > 0) row = shownFrom(positionOf(layout.top));
  select(shown[Math.max(0, Math.min(row, shown.length - 1))], by > 0 ? 0.85 : 0.15);
}

// goToFault selects the next fault, or the one before, and starts anew at the end.
function goToFault(back) {
  const faults = shown.filter((i) => steps[i].kind === kindOf.fault);
  const next = back ? faults.findLast((i) => i < selected) ?? faults.at(-1) : faults.find((i) => i > selected) ?? faults[0];
  if (next !== undefined) select(next);
}

function goToViolation() {
  if (violationStep < 0) return;
  if (!shown.includes(violationStep)) {
    filter.hidden.delete(kindOf.violation);
    filter.words = byId("filter").value = "";
    refilter();
  }
  select(violationStep, 0.8);
}

function otherEnd() {
  if (selected < 0) return;
  const there = steps[selected].receive ?? sendsInto.get(selected)?.[0];
  if (there !== undefined) select(there);
}

function refilter() {
  const middle = selected >= 0 ? selected : shown[Math.min(shownFrom(positionOf(layout.height / 2)), shown.length - 1)];
  applyFilter();
  bound();
  if (middle !== undefined) reveal(middle);
  byId("count").textContent = (shown.length === steps.length ? "" : `${shown.length} of `) + (steps.length === 1 ? "1 step" : `${steps.length} steps`);
  for (const button of byId("kinds").children) button.setAttribute("aria-pressed", !filter.hidden.has(Number(button.dataset.kind)));
  refresh();
}

function chooseAxis(time) {
  const middle = selected >= 0 ? selected : shown[Math.min(shownFrom(positionOf(layout.height / 2)), shown.length - 1)];
  setAxis(time, middle);
  byId("axis-steps").setAttribute("aria-pressed", !time);
  byId("axis-time").setAttribute("aria-pressed", time);
  refresh();
}

function act(change) {
  change();
  refresh();
}

// readableSize is a row for every step, or a burst around the selected one.
function readableSize() {
  const keep = selected >= 0 ? selected : shown[Math.min(shownFrom(positionOf(layout.height / 2)), shown.length - 1)];
  if (keep === undefined) return;
  if (byTime) {
    let nearest = Infinity; // the time to the nearest step of another instant
    for (const by of [-1, 1]) {
      let k = firstAt(shown, keep) + by;
      while (shown[k] !== undefined && times[shown[k]] === times[keep]) k += by;
      if (shown[k] !== undefined) nearest = Math.min(nearest, Math.abs(times[shown[k]] - times[keep]));
    }
    view.scale = Number.isFinite(nearest) ? readable / nearest : view.scale;
  } else {
    view.scale = readable;
  }
  bound();
  view.origin = position(keep) - windowHeight() / 2 / view.scale;
  bound();
}

function toggleHelp() {
  const help = byId("help");
  help.hidden = !help.hidden;
  byId("help-button").setAttribute("aria-expanded", !help.hidden);
}

const page = () => Math.max(1, Math.floor(windowHeight() / Math.max(view.scale, 1)) - 2);

const keys = {
  ArrowDown: () => move(1), ArrowUp: () => move(-1), j: () => move(1), k: () => move(-1),
  PageDown: () => (byTime ? act(() => pan(windowHeight() * 0.9)) : move(page())), PageUp: () => (byTime ? act(() => pan(-windowHeight() * 0.9)) : move(-page())),
  Home: () => shown.length && select(shown[0]), End: () => shown.length && select(shown.at(-1)),
  "+": () => act(() => zoom(1.4)), "=": () => act(() => zoom(1.4)), "-": () => act(() => zoom(1 / 1.4)),
  0: () => act(fit), 1: () => act(readableSize), t: () => chooseAxis(!byTime), v: goToViolation, f: () => goToFault(false), F: () => goToFault(true), Enter: otherEnd,
  Escape: () => select(-1), "/": () => byId("filter").focus(), "?": toggleHelp,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === byId("filter")) {
    if (event.key === "Escape") chartBox.focus();
    if (event.key === "Enter" && shown.length) act(() => { move(selected >= 0 ? 1 : 0); });
    return;
  }
  if (event.target.closest("button, summary") && (event.key === "Enter" || event.key === " ")) return;
  if (event.target.tagName === "PRE" && /^(Arrow|Page|Home|End)/.test(event.key)) return;
  const action = keys[event.key] ?? keys[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action();
});

// stepAt finds the step that was meant by a point: the nearest row and, among
// steps at one height, the nearest sign.
function stepAt(event) {
  const box = drawing.getBoundingClientRect();
  const x = event.clientX - box.left, at = event.clientY - box.top;
  if (at < layout.top) return -1;
  const reach = Math.max(14, view.scale * (byTime ? 0 : 1)) + 4;
  const from = shownFrom(positionOf(at - reach)), to = shownFrom(positionOf(at + reach));
  let best = -1, least = Infinity;
  for (let k = from; k < to; k++) {
    const i = shown[k];
    const lane = steps[i].lane;
    const far = x > layout.textLeft - 10 || lane < 0 ? 0 : Math.abs(x - layout.x[lane]) / 30;
    const distance = Math.abs(y(position(i)) - at) + (byTime ? far : 0);
    if (distance < least) { best = i; least = distance; }
  }
  return least <= reach ? best : -1;
}

let drag = null;
chartBox.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  drag = { x: event.clientX, y: event.clientY, left: scroller.scrollLeft, moved: false };
  chartBox.setPointerCapture(event.pointerId);
});
chartBox.addEventListener("pointermove", (event) => {
  if (!drag) {
    hover(event);
    return;
  }
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  if (!drag.moved && Math.abs(dx) + Math.abs(dy) < 5) return;
  if (!drag.moved) drag.last = event;
  drag.moved = true;
  chartBox.classList.add("dragging");
  pan(drag.last.clientY - event.clientY);
  shiftLanes(drag.last.clientX - event.clientX);
  drag.last = event;
  scroller.scrollLeft = drag.left - dx;
  tip.hidden = true;
  refresh();
});
chartBox.addEventListener("pointerup", (event) => {
  if (drag && !drag.moved) {
    const i = stepAt(event);
    if (i >= 0) select(i);
  }
  drag = null;
  chartBox.classList.remove("dragging");
});
chartBox.addEventListener("pointercancel", () => { drag = null; });
chartBox.addEventListener("pointerleave", () => {
  tip.hidden = true;
  if (hovered < 0) return;
  hovered = -1;
  refresh();
});

function hover(event) {
  const i = stepAt(event);
  if (i !== hovered) {
    hovered = i;
    refresh();
  }
  tip.hidden = i < 0;
  if (i < 0) return;
  const step = steps[i];
  tip.replaceChildren(html("b", {}, seconds(step.at) + " s"), " " + place(step) + ", " + run.kinds[step.kind], html("div", {}, step.text.slice(0, 500), " ", html("i", {}, fate(step))));
  const right = event.clientX + 16 + tip.offsetWidth > innerWidth;
  const below = event.clientY + 18 + tip.offsetHeight > innerHeight;
  tip.style.left = Math.max(4, right ? event.clientX - 12 - tip.offsetWidth : event.clientX + 16) + "px";
  tip.style.top = (below ? event.clientY - 12 - tip.offsetHeight : event.clientY + 18) + "px";
}

scroller.addEventListener("wheel", (event) => {
  const unit = event.deltaMode === 1 ? 20 : event.deltaMode === 2 ? windowHeight() : 1;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * unit * 0.003), event.clientY - drawing.getBoundingClientRect().top);
  } else if (event.deltaY && !event.shiftKey) {
    event.preventDefault();
    pan(event.deltaY * unit);
  }
  shiftLanes((event.deltaX || (event.shiftKey ? event.deltaY : 0)) * unit);
  tip.hidden = true;
  refresh();
}, { passive: false });

for (const [id, action] of Object.entries({
  "axis-steps": () => chooseAxis(false), "axis-time": () => chooseAxis(true),
  "zoom-in": () => act(() => zoom(1.4)), "zoom-out": () => act(() => zoom(1 / 1.4)), "zoom-fit": () => act(fit), "zoom-rows": () => act(readableSize),
  "go-violation": goToViolation, "go-fault": () => goToFault(false), "help-button": toggleHelp,
})) byId(id).addEventListener("click", action);

byId("filter").addEventListener("input", () => {
  filter.words = byId("filter").value.trim().toLowerCase();
  refilter();
});

const kindCounts = new Array(run.kinds.length).fill(0);
for (const step of steps) kindCounts[step.kind]++;
run.kinds.forEach((name, kind) => {
  if (!kindCounts[kind]) return;
  const sign = element("svg", { width: 16, height: 16, viewBox: "-8 -8 16 16", "aria-hidden": "true", class: "kind-" + name }, element("path", { class: "sign", d: shapes[name] }));
  const button = html("button", { type: "button", "data-kind": kind, "aria-pressed": "true", title: `Show or hide ${name} (double click: nothing else)` }, sign, `${name} `, html("small", {}, String(kindCounts[kind])));
  button.addEventListener("click", () => {
    if (!filter.hidden.delete(kind)) filter.hidden.add(kind);
    refilter();
  });
  button.addEventListener("dblclick", () => {
    const only = filter.hidden.size === run.kinds.length - 1 && !filter.hidden.has(kind);
    filter.hidden = new Set(only ? [] : run.kinds.keys());
    filter.hidden.delete(kind);
    refilter();
  });
  byId("kinds").append(button);
});
byId("go-violation").hidden = violationStep < 0;
byId("go-fault").hidden = !kindCounts[kindOf.fault];

new ResizeObserver(resize).observe(scroller);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);

function selectFromAddress() {
  const step = Number(location.hash.slice(1)) - 1;
  if (Number.isInteger(step) && steps[step]) {
    select(step);
    return true;
  }
  return false;
}
addEventListener("hashchange", selectFromAddress);

arrange(scroller.clientWidth, scroller.clientHeight);
refilter();
if (!selectFromAddress()) {
  if (violationStep >= 0) select(violationStep, 0.8);
  else showDetails();
}
