// layout: where the columns of the drawing are.

const layout = { width: 0, height: 0, top: 0, timeRight: 0, x: [], strips: [], textLeft: 0, textWidth: 0 };

const stripWidth = 10; // of a timer
const stripStep = 14;
const textMin = 300;

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
// their right.
function arrange(width, height) {
  layout.timeRight = Math.max(textWidth("0".repeat(longestTime), "text") + 8, 70);
  const strips = lanes.map((lane) => lane.timerNames.length * stripStep);
  const inner = strips.slice(1, -1).reduce((sum, w) => sum + w, 0);
  const left = layout.timeRight + 22 + (strips[0] ?? 0);
  const right = 26 + (lanes.length > 1 ? strips.at(-1) : 0);
  const gaps = Math.max(lanes.length - 1, 0);
  const room = width - left - right - inner - Math.max(textMin, width * 0.42);
  const gap = gaps ? Math.min(Math.max(room / gaps, 56), 280) : 0;
  let x = left;
  layout.x = [];
  layout.strips = [];
  lanes.forEach((lane, i) => {
    layout.x.push(x);
    layout.strips.push(i === 0 ? x - strips[0] - 8 : x + 12);
    x += gap + (i > 0 && i < lanes.length - 1 ? strips[i] : 0);
  });
  layout.gap = gap;
  const last = layout.x.at(-1) ?? left;
  layout.textLeft = last + right;
  layout.width = Math.max(width, layout.textLeft + textMin);
  layout.textWidth = layout.width - layout.textLeft - 12;
  layout.height = height;
  const names = lanes.flatMap((lane) => lane.timerNames);
  layout.top = Math.max(66, 46 + 0.77 * Math.min(62, Math.max(0, ...names.map((name) => textWidth(name, "small")))));
}
