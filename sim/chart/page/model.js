// model: the run, as the page was given it, and what follows from it.

const run = JSON.parse(document.getElementById("data").textContent);
const kindOf = Object.fromEntries(run.kinds.map((name, i) => [name, i]));
const steps = run.steps;

// Positions need numbers, labels the exact strings.
for (const step of steps) {
  step.t = Number(step.at);
  if (step.arrival !== undefined) step.arrivalT = Number(step.arrival);
  if (step.until !== undefined) step.untilT = Number(step.until);
  for (const timer of step.timers ?? []) timer.t = Number(timer.at);
}
const times = Float64Array.from(steps, (step) => step.t);
const endOfRun = steps.length ? times[steps.length - 1] : 0;

// The sends that ended in a step, by its index.
const sendsInto = new Map();
steps.forEach((step, i) => {
  if (step.receive === undefined) return;
  if (!sendsInto.has(step.receive)) sendsInto.set(step.receive, []);
  sendsInto.get(step.receive).push(i);
});

const violationStep = steps.findIndex((step) => step.kind === kindOf.violation);

// seconds formats nanoseconds, a string of digits, as the text chart does.
function seconds(ns) {
  const sign = ns.startsWith("-") ? "-" : "";
  const digits = ns.replace("-", "").padStart(10, "0");
  const whole = digits.slice(0, -9);
  const frac = digits.slice(-9).replace(/(000)+$/, "");
  return sign + whole + (frac && "." + frac);
}

// span formats the time between two instants, exactly, with a unit that suits it.
function span(from, to) {
  const ns = BigInt(to) - BigInt(from);
  const size = ns < 0n ? -ns : ns;
  const [digits, unit] = size < 1000n ? [0, "ns"] : size < 1000000n ? [3, "µs"] : size < 1000000000n ? [6, "ms"] : [9, "s"];
  const text = String(size).padStart(digits + 1, "0");
  const whole = digits ? text.slice(0, -digits) : text;
  const frac = digits ? text.slice(-digits).replace(/0+$/, "") : "";
  return (ns < 0n ? "−" : "") + whole + (frac && "." + frac) + " " + unit;
}

// laneName names the place of a step.
function laneName(i) {
  return i < 0 ? "world" : run.lanes[i].Name || "lane " + i;
}

// firstAt returns the index of the first element of a sorted array that is not
// below x, or the length.
function firstAt(sorted, x) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < x) low = middle + 1; else high = middle;
  }
  return low;
}

// timerKinds are those of all lanes: the timers of a kind, which is the last word
// of their names, have one colour everywhere.
const timerKinds = [];
const timerKind = (name) => name.split(" ").at(-1);
const timerColour = (kind) => "timer" + (timerKinds.indexOf(kind) % 8);

// lanes: of each lane its spans of one state, its spans of one armed timer,
// and the names of its timers.
const lanes = run.lanes.map((lane) => ({ ...lane, states: [], timers: [], timerNames: [], running: [], changes: [] }));

steps.forEach((step, i) => {
  const lane = lanes[step.lane];
  if (!lane) return;
  const before = lane.changes.at(-1) ?? { state: "", timers: [] };
  const state = step.state || before.state;
  const timers = step.timers ?? before.timers;
  if (state === before.state && timers === before.timers) return;
  lane.changes.push({ step: i, state, timers });
  if (state !== before.state) {
    if (lane.states.length) lane.states.at(-1).to = i;
    lane.states.push({ state, from: i, to: steps.length - 1 });
  }
  if (timers !== before.timers) followTimers(lane, timers, i);
});

function followTimers(lane, timers, i) {
  const stays = (open) => timers.some((t) => t.name === open.name && t.at === open.at);
  for (const open of lane.running) {
    if (stays(open)) continue;
    open.to = i;
    open.fired = times[i] >= open.t;
  }
  lane.running = lane.running.filter(stays);
  for (const timer of timers) {
    if (lane.running.some((t) => t.name === timer.name)) continue;
    const kind = timerKind(timer.name);
    if (!timerKinds.includes(kind)) timerKinds.push(kind);
    if (!lane.timerNames.includes(timer.name)) lane.timerNames.push(timer.name);
    const open = { ...timer, column: lane.timerNames.indexOf(timer.name), colour: timerColour(kind), from: i, to: steps.length - 1, fired: false };
    lane.running.push(open);
    lane.timers.push(open);
  }
}

// laneAt returns the state and the timers of a lane after step i.
function laneAt(lane, i) {
  const changes = lane.changes;
  let low = 0, high = changes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (changes[middle].step <= i) low = middle + 1; else high = middle;
  }
  return low ? changes[low - 1] : { state: "", timers: [] };
}

// stateClass gives states that everyone uses colours that everyone expects.
const stateClasses = {
  handshake: "starting", connecting: "starting", opening: "starting",
  open: "open", closing: "closing", "half-closed": "closing", closed: "closed", gone: "closed", failed: "failed", aborted: "failed", down: "failed", crashed: "failed",
};
const otherStates = [];
function stateClass(state) {
  if (Object.hasOwn(stateClasses, state)) return "state-" + stateClasses[state];
  if (!otherStates.includes(state)) otherStates.push(state);
  return "state-other" + (otherStates.indexOf(state) % 3);
}
