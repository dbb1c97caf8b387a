// details: all that is known of the selected step.

const details = document.getElementById("details");

function html(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const key in attributes) e.setAttribute(key, attributes[key]);
  e.append(...children);
  return e;
}

function showDetails() {
  if (selected < 0) {
    details.replaceChildren(html("p", { class: "hint" }, steps.length ? "Select a step to see all of it: click it, or walk with the arrow keys." : "Nothing happened in this run."));
    return;
  }
  const step = steps[selected];
  const kind = run.kinds[step.kind];
  details.replaceChildren(
    html("div", { class: "detail-head" },
      html("span", { class: "badge kind-" + kind }, kind), html("strong", {}, place(step)),
      html("span", { class: "index" }, `step ${selected + 1} of ${steps.length}`)),
    html("p", { class: "detail-text" }, step.text || "(no words)"), factsOf(step), stateTable(), ...bytesOf(step));
}

function factsOf(step) {
  const list = html("dl", {});
  const add = (name, ...value) => list.append(html("dt", {}, name), html("dd", {}, ...value));
  add("at", html("b", {}, seconds(step.at) + " s"), sinceLast(step));
  if (step.kind === kindOf.send) {
    if (step.arrival === undefined) add("arrival", html("b", { class: "bad" }, "lost"));
    else add("arrival", seconds(step.arrival) + " s, " + span(step.at, step.arrival) + " later ", ...(step.receive === undefined ? [] : [link(step.receive, "go there")]));
  }
  for (const i of (sendsInto.get(selected) ?? []).slice(0, 20)) {
    add("sent", seconds(steps[i].at) + " s, " + span(steps[i].at, step.at) + " before ", link(i, "go there"));
  }
  if (step.until !== undefined) add("until", seconds(step.until) + " s, for " + span(step.at, step.until));
  return list;
}

function sinceLast(step) {
  if (selected === 0) return "";
  const last = steps[selected - 1].at;
  return last === step.at ? ", the instant of the step before" : `, ${span(last, step.at)} after the step before`;
}

function link(i, text) {
  const button = html("button", { type: "button", class: "link" }, text);
  button.addEventListener("click", () => select(i));
  return button;
}

// stateTable shows every lane as it was after the step: first the lane of the step.
function stateTable() {
  const table = html("table", {}, html("caption", {}, "After this step"));
  const { lane, to } = steps[selected];
  const rank = (i) => (i === lane ? 0 : i === to ? 1 : 2);
  for (const i of [...lanes.keys()].sort((a, b) => rank(a) - rank(b))) {
    const { state, timers } = laneAt(lanes[i], selected);
    if (!state && !timers.length) continue;
    const running = timers.length ? timers.map((timer) => {
      const late = timer.t < steps[selected].t;
      return html("div", late ? { class: "bad" } : {}, `${timer.name} at ${seconds(timer.at)}, `, late ? "overdue by " + span(timer.at, steps[selected].at) : "in " + span(steps[selected].at, timer.at));
    }) : [html("div", { class: "none" }, "no timer runs")];
    table.append(html("tr", {}, html("th", { scope: "row" }, laneName(i)),
      html("td", {}, ...(state ? [html("span", { class: "swatch " + stateClass(state) }), " " + state] : [])), html("td", {}, ...running)));
  }
  return table.rows.length ? table : "";
}

const dumpFirst = 1024;

function bytesOf(step) {
  if (!step.bytes) return [];
  const bytes = Uint8Array.from(atob(step.bytes), (c) => c.charCodeAt(0));
  const pre = html("pre", { tabindex: "0", "aria-label": "Bytes in hexadecimal digits and as text" }, dump(bytes.subarray(0, dumpFirst)));
  const parts = [html("h2", {}, bytes.length === 1 ? "1 byte" : bytes.length + " bytes"), pre];
  if (bytes.length > dumpFirst) {
    const more = html("button", { type: "button" }, `Show all ${bytes.length} bytes`);
    more.addEventListener("click", () => { pre.textContent = dump(bytes); more.remove(); });
    parts.push(more);
  }
  return parts;
}

function dump(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 8) {
    const line = Array.from(bytes.subarray(at, at + 8));
    const hex = line.map((b) => b.toString(16).padStart(2, "0")).join(" ");
    const text = line.map((b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : "·")).join("");
    lines.push(at.toString(16).padStart(4, "0") + "  " + hex.padEnd(23) + "  " + text);
  }
  return lines.join("\n");
}
