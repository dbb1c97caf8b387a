// layout: where the columns of the drawing are.

const layout = { width: 0, height: 0, top: 0, timeRight: 0, x: [], strips: [], textLeft: 0, textWidth: 0, shift: 0 };

const textMin = 340;
const crowdedText = 430;
const hasStrips = run.lanes.length <= 12; // with more there is no room for timers

// The widest label of a time: as many digits as any step has before and after the point.
const longestTime = Math.max(...["0", steps.at(-1)?.at ?? "0"].map((ns) => seconds(ns).split(".")[0].length)) +
  steps.reduce((most, step) => Math.max(most, (seconds(step.at).split(".")[1] ?? "").length + 1), 0);

const ruler = document.createElement("canvas").getContext("2d");
const fonts = { text: "13px system-ui, sans-serif", name: "600 13px system-ui, sans-serif", small: "11px system-ui, sans-serif" };

function textWidth(text, font) {
  ruler.font = fonts[font];
  return ruler.measureText(text).width;
}

// cut shortens text to some pixels.
function cut(text, room, font) {
  if (text.length > 400) text = text.slice(0, 400) + "…";
  if (textWidth(text, font) <= room) return text;
  let low = 0, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (textWidth(text.slice(0, middle) + "…", font) <= room) low = middle; else high = middle - 1;
  }
  return text.slice(0, low) + "…";
}

// arrange computes the columns for a window: times, lanes with the strips of
// their timers, words. The strips of the first lane are on its left, so that
// two lanes have nothing but arrows between them; those of all others are on
// their right. Lanes that do not fit go to the right of the words, and are
// shifted under them.
function arrange(width, height) {
  layout.timeRight = Math.max(textWidth("0".repeat(longestTime), "text") + 8, 70);
  layout.step = lanes.length > 3 ? 9 : 14;
  layout.strip = lanes.length > 3 ? 7 : 10;
  const strips = lanes.map((lane) => (!hasStrips ? 0 : lane.timerNames.length * layout.step));
  const total = strips.reduce((sum, w) => sum + w, 0);
  const gaps = Math.max(lanes.length - 1, 0);
  const room = width - layout.timeRight - 48 - total;
  const narrowest = 46;
  layout.crowded = gaps > 0 && (room - textMin) / gaps < narrowest;
  layout.gap = gaps === 0 ? 0 : layout.crowded ? narrowest : Math.min((room - Math.max(textMin, width * 0.42)) / gaps, 280);
  if (gaps > 0) layout.gap = Math.max(layout.gap, narrowest);
  layout.textLeft = layout.timeRight + 18;
  let x = layout.timeRight + 22 + (strips[0] ?? 0) + (layout.crowded ? crowdedText + 20 - layout.shift : 0);
  layout.x = [];
  layout.strips = [];
  lanes.forEach((lane, i) => {
    layout.x.push(x);
    layout.strips.push(i === 0 ? x - strips[0] - 8 : x + 12);
    x += layout.gap + (i > 0 && i < lanes.length - 1 ? strips[i] : 0);
  });
  layout.first = layout.x[0] ?? layout.timeRight + 36; // of a run of nothing but the world, too
  layout.last = layout.x.at(-1) ?? layout.first;
  const lanesEnd = layout.last + 26 + (lanes.length > 1 ? strips.at(-1) : 0);
  if (!layout.crowded) layout.textLeft = lanesEnd;
  layout.width = layout.crowded ? width : Math.max(width, lanesEnd + textMin);
  layout.hidden = layout.crowded ? Math.max(0, lanesEnd - width) : 0; // of the lanes, on the right
  layout.textWidth = layout.crowded ? crowdedText : layout.width - layout.textLeft - 12;
  layout.height = height;
  layout.legend = hasStrips ? arrangeLegend() : [];
  layout.top = Math.max(68, 18 + 17 * (1 + (layout.legend.at(-1)?.row ?? 0)));
}

// shiftLanes moves the lanes that do not fit; it keeps them in the window.
function shiftLanes(by) {
  if (!layout.crowded || by === 0) return;
  layout.shift = Math.max(0, layout.shift + Math.min(by, layout.hidden));
  arrange(layout.width, layout.height);
}

// shiftTo brings the lanes of a step from under the words, or into the window.
function shiftTo(step) {
  if (!layout.crowded) return;
  for (const lane of [step.to, step.lane]) {
    if (lane === undefined || lane < 0) continue;
    const left = layout.textLeft + crowdedText + 40, right = layout.width - 40;
    shiftLanes(Math.max(0, layout.x[lane] - right) + Math.min(0, layout.x[lane] - left));
  }
}

// arrangeLegend places the kinds of timers over the words.
function arrangeLegend() {
  let x = 0, row = 0;
  return timerKinds.map((kind) => {
    const label = cut(kind, 140, "small");
    const width = textWidth(label, "small") + 28;
    if (x > 0 && x + width > layout.textWidth) { x = 0; row++; }
    x += width;
    return { label, kind, row, x: layout.textLeft + x - width };
  });
}
