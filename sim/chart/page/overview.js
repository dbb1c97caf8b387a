// overview: the whole run in a narrow strip, and where the window is in it.

const overview = document.getElementById("overview");

function drawOverview() {
  const scale = window.devicePixelRatio || 1;
  const width = overview.clientWidth, height = overview.clientHeight;
  overview.width = width * scale;
  overview.height = height * scale;
  const pen = overview.getContext("2d");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
  pen.scale(scale, scale);
  const [from, to] = extent();
  const at = (position) => ((position - from) / (to - from)) * (height - 4) + 2;
  const counts = new Float64Array(Math.max(height, 1));
  for (const i of shown) counts[Math.min(height - 1, Math.max(0, Math.floor(at(position(i)))))]++;
  const most = Math.max(1, counts.reduce((a, b) => Math.max(a, b), 0));
  pen.fillStyle = colour("--line-strong");
  counts.forEach((n, row) => {
    if (n) pen.fillRect(4, row, 4 + ((width - 12) * Math.log1p(n)) / Math.log1p(most), 1);
  });
  for (const i of shown) {
    const kind = steps[i].kind;
    if (kind !== kindOf.fault && kind !== kindOf.violation) continue;
    pen.fillStyle = colour(kind === kindOf.fault ? "--fault" : "--bad");
    if (kind === kindOf.fault) pen.fillRect(width - 10, at(position(i)) - 1, 8, 2);
    else pen.fillRect(2, at(position(i)) - 2, width - 4, 4);
  }
  const upper = at(Math.max(view.origin, from));
  const lower = at(Math.min(view.origin + windowHeight() / view.scale, to));
  pen.fillStyle = colour("--window");
  pen.strokeStyle = colour("--accent");
  pen.fillRect(0.5, upper, width - 1, Math.max(lower - upper, 4));
  pen.strokeRect(0.5, upper, width - 1, Math.max(lower - upper, 4));
}

function dragOverview(event) {
  const box = overview.getBoundingClientRect();
  const [from, to] = extent();
  const share = (event.clientY - box.top) / box.height;
  view.origin = from + share * (to - from) - windowHeight() / view.scale / 2;
  bound();
  refresh();
}

overview.addEventListener("pointerdown", (event) => {
  overview.setPointerCapture(event.pointerId);
  dragOverview(event);
});
overview.addEventListener("pointermove", (event) => {
  if (event.buttons) dragOverview(event);
});
