/* Draws the plots of a report with uPlot, out of the JSON in #data. */
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const [first, last] = data.span;
  const HEIGHT = 210, ROW = 22, TABLE_ROWS = 40, COLOURS = 8;
  // Of each four lines, so that with the colours 24 lines differ; the legend's marks have the same.
  const STYLES = ["solid", "dashed", "dashed", "solid", "dotted", "dotted"];
  const DASHES = { solid: [], dashed: [6, 3], dotted: [2, 2] };
  const flightPlots = []; // of the whole flight: they zoom in step
  const allPlots = [];
  let shown = data.span; // of the plots that zoom in step

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const lineColour = (i) => colour(`--c${(i % COLOURS) + 1}`);
  const styleOf = (i) => STYLES[Math.floor(i / 4) % STYLES.length];
  const isLong = last - first > 20000;
  const timeText = (s) => (s == null ? "" : isLong ? `${(s / 3600).toFixed(3)} h` : `${s.toFixed(1)} s`);
  const tickText = (s, step) => (isLong && step >= 600 ? `${+(s / 3600).toFixed(2)} h` : `${+s.toFixed(1)} s`);
  const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
  const LONG_STEPS_S = [...STEPS_S.slice(0, 12), 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 864000];
  const valueText = (v, unit) => (v == null ? "–" : `${v}${unit ? ` ${unit}` : ""}`);

  function times(axis) {
    const found = new Float64Array(axis.count);
    for (let i = 0; i < axis.count; i++) found[i] = axis.begin + i * axis.step;
    return found;
  }
  const flightTimes = times(data.axis);

  /* ---- behind and over the lines ---- */

  function drawEclipses(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = colour("--eclipse");
    for (const [a, b] of data.eclipses) {
      const x = u.valToPos(a, "x", true);
      ctx.fillRect(x, bbox.top, u.valToPos(b, "x", true) - x, bbox.height);
    }
    ctx.restore();
  }

  function drawMarks(u, limits) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineWidth = devicePixelRatio;
    ctx.strokeStyle = colour("--soft");
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const [at] of data.faults) {
      const x = Math.round(u.valToPos(at, "x", true));
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.strokeStyle = ctx.fillStyle = colour("--limit");
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.font = `${11 * devicePixelRatio}px sans-serif`;
    ctx.textAlign = "left"; // where flights begin: cold, full, or without flow
    ctx.lineJoin = "round";
    for (const limit of limits) {
      const y = Math.round(u.valToPos(limit.value, "y", true));
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      const at = [limit.label, bbox.left + 4 * devicePixelRatio, y - 3 * devicePixelRatio];
      ctx.save(); // a rim, so that it is read over lines
      ctx.setLineDash([]);
      ctx.strokeStyle = colour("--page");
      ctx.lineWidth = 3 * devicePixelRatio;
      ctx.strokeText(...at);
      ctx.restore();
      ctx.fillText(...at);
    }
    ctx.restore();
  }

  function drawReasons(u) {
    const { ctx, bbox } = u;
    const { lines } = data.reasons;
    const height = bbox.height / lines.length;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    lines.forEach((line, i) => {
      for (const [a, b, word] of line) {
        const x = u.valToPos(a, "x", true), end = u.valToPos(b, "x", true);
        ctx.fillStyle = reasonColour(word);
        ctx.fillRect(x, bbox.top + i * height + 2, Math.max(end - x, devicePixelRatio), height - 4);
      }
    });
    ctx.restore();
  }

  /* ---- the plots ---- */

  const isMaximum = (word) => data.reasons.words[word] === "maximum";
  const reasonColour = (word) =>
    isMaximum(word) ? colour("--rule") : lineColour(word - (isMaximum(0) ? 1 : 0));
  function reasonAt(line, time) {
    const found = line.find(([a, b]) => a <= time && time < b);
    return found ? data.reasons.words[found[2]] : "–";
  }

  function markOf(panel, i) {
    if (panel.key === "reasons") return "solid";
    return panel.series[i]?.isDashed ? "dashed" : styleOf(i);
  }

  function axes(labels) {
    const common = { stroke: () => colour("--soft"), font: "11px sans-serif",
      grid: { stroke: () => colour("--rule"), width: 1 }, ticks: { stroke: () => colour("--rule") } };
    return [
      { ...common, values: (u, ticks, axis, space, step) => ticks.map((t) => tickText(t, step)),
        incrs: isLong ? LONG_STEPS_S : STEPS_S, space: 70, size: 32 },
      labels
        ? { ...common, size: 62, splits: () => labels.map((_, i) => labels.length - i - 0.5),
            values: () => labels, grid: { show: false }, ticks: { show: false } }
        : { ...common, size: 62, values: (u, ticks) => ticks.map((t) => +t.toPrecision(8)) },
    ];
  }

  function options(plot, width) {
    const { panel, follows } = plot;
    const isStrip = panel.key === "reasons";
    const rows = isStrip ? data.reasons.lines.length : 0;
    const series = isStrip
      ? data.reasons.lines.map((line, i) => ({
          label: `accel${i}`, stroke: () => colour("--soft"), points: { show: false },
          value: (u, v, s, at) => reasonAt(line, at == null ? -1 : u.data[0][at]) }))
      : panel.series.map((line, i) => ({
          label: line.label, stroke: () => lineColour(i), dash: DASHES[line.isDashed ? "dashed" : styleOf(i)], width: 1.5,
          points: { show: false }, value: (u, v) => valueText(v, panel.unit) }));
    return {
      width, height: isStrip ? rows * ROW + 44 : HEIGHT,
      series: [{ label: "at", value: (u, v) => timeText(v) }, ...series],
      scales: { x: { time: false }, y: isStrip ? { range: [0, rows] } : { range: (u, low, high) => yRange(panel, low, high) } },
      axes: axes(isStrip ? data.reasons.lines.map((_, i) => `accel${i}`) : null),
      cursor: { sync: follows ? { key: "flight", setSeries: false } : undefined,
        drag: { x: true, y: false }, y: false, points: { show: !isStrip } },
      legend: { markers: { width: 3, dash: (u, i) => markOf(panel, i - 1) } },
      hooks: {
        drawClear: [drawEclipses],
        draw: [(u) => (isStrip ? drawReasons(u) : drawMarks(u, panel.limits))],
        setScale: [(u, key) => { if (key === "x") zoomed(plot, u); }],
      },
    };
  }

  /* Limits are shown when the lines come near them; a flat line is not blown up to noise. */
  function yRange(panel, low, high) {
    if (low == null) return [0, 1];
    const room = Math.max(high - low, Math.abs(high) * 0.02, 1e-6);
    for (const limit of panel.limits) {
      if (limit.value > high && limit.value - high < room) high = limit.value;
      if (limit.value < low && low - limit.value < room) low = limit.value;
    }
    const pad = 0.08 * Math.max(high - low, room);
    return [low - pad, high + pad];
  }

  function zoomed(plot, u) {
    const { min, max } = u.scales.x;
    plot.refresh(min, max);
    if (plot.follows && plot.isBuilt && (min !== shown[0] || max !== shown[1])) zoomTo(min, max);
  }

  function zoomTo(min, max) {
    shown = [min, max];
    for (const plot of flightPlots) plot.u.setScale("x", { min, max });
  }

  class Plot {
    constructor(place, panel) {
      this.panel = panel;
      this.follows = panel.axis == null || panel.isShared;
      const x = panel.axis == null ? flightTimes : times(panel.axis);
      this.data = [x, ...(panel.key === "reasons"
        ? data.reasons.lines.map(() => new Float64Array(x.length)) : panel.series.map((s) => s.y))];
      place.innerHTML = "";
      const title = document.createElement("h4");
      title.textContent = panel.unit ? `${panel.title} / ${panel.unit}` : panel.title;
      this.chart = document.createElement("div");
      this.chart.className = "chart";
      this.chart.tabIndex = 0;
      this.chart.setAttribute("role", "group");
      this.chart.setAttribute("aria-label", `${panel.title}: plot; arrows move the cursor`);
      place.append(title, this.chart);
      if (panel.note) {
        const note = document.createElement("p");
        note.className = "note";
        note.textContent = panel.note;
        place.append(note);
      }
      if (panel.key !== "reasons") place.append(this.valuesTable());
      else place.append(reasonKey());
      this.build();
      this.chart.addEventListener("keydown", (event) => this.key(event));
      new ResizeObserver(() => this.resize()).observe(place);
      (this.follows ? flightPlots : []).push(this);
      allPlots.push(this);
    }

    build() {
      const x = this.data[0];
      this.whole = this.follows ? [first, last] : [x[0], x[x.length - 1]];
      const view = this.follows ? shown : this.u ? [this.u.scales.x.min, this.u.scales.x.max] : this.whole;
      if (this.u) this.u.destroy();
      this.isBuilt = false;
      this.u = new uPlot(options(this, this.chart.clientWidth || 560), this.data, this.chart);
      this.u.batch(() => this.u.setScale("x", { min: view[0], max: view[1] }));
      this.isBuilt = true;
      this.u.over.addEventListener("dblclick", () => this.reset());
      this.chart.querySelectorAll(".u-legend .u-series").forEach((row, i) => {
        if (i === 0) return;
        const name = row.querySelector("th");
        name.tabIndex = 0;
        name.setAttribute("role", "button");
        name.setAttribute("aria-pressed", "true");
        name.title = "hide or show";
        name.addEventListener("click", () => this.pressed(name, i));
        name.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          event.stopPropagation();
          name.click();
        });
      });
    }

    pressed(name, i) {
      name.setAttribute("aria-pressed", String(this.u.series[i].show));
    }

    resize() {
      const width = this.chart.clientWidth;
      if (width && Math.abs(width - this.u.width) > 1) this.u.setSize({ width, height: this.u.height });
    }

    reset() {
      if (this.follows) zoomTo(first, last);
      else this.zoom(this.whole[0], this.whole[1]);
    }

    zoom(min, max) {
      min = Math.max(min, this.whole[0]);
      max = Math.min(max, this.whole[1]);
      if (max - min < 0.2) return;
      if (this.follows) zoomTo(min, max);
      else this.u.setScale("x", { min, max });
    }

    key(event) {
      const u = this.u, { min, max } = u.scales.x, x = u.data[0];
      const step = event.shiftKey ? 20 : 1;
      let at = u.cursor.idx ?? nearest(x, (min + max) / 2);
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
        at += event.key === "ArrowLeft" ? -step : step;
        at = Math.min(Math.max(at, nearest(x, min)), nearest(x, max));
        u.setCursor({ left: u.valToPos(x[at], "x"), top: 10 });
      } else if (event.key === "+" || event.key === "=" || event.key === "-") {
        const half = ((max - min) / 2) * (event.key === "-" ? 2 : 0.5);
        this.zoom(x[at] - half, x[at] + half);
      } else if (event.key === "0" || event.key === "Escape") {
        this.reset();
      } else {
        return;
      }
      event.preventDefault();
    }

    valuesTable() {
      this.details = document.createElement("details");
      this.details.className = "values";
      const summary = document.createElement("summary");
      summary.textContent = "Table of values";
      this.details.append(summary);
      this.details.addEventListener("toggle", () => this.refresh(this.u.scales.x.min, this.u.scales.x.max));
      return this.details;
    }

    /* Fill the table with what is in view, every so many points. */
    refresh(min, max) {
      if (!this.details || !this.details.open) return;
      const x = this.data[0];
      const from = nearest(x, min), to = nearest(x, max);
      const step = Math.max(1, Math.ceil((to - from + 1) / TABLE_ROWS));
      const table = document.createElement("table");
      const head = table.createTHead().insertRow();
      for (const text of ["at", ...this.panel.series.map((s) => s.label)]) {
        const cell = document.createElement("th");
        cell.scope = "col";
        cell.textContent = text;
        head.append(cell);
      }
      const body = table.createTBody();
      for (let i = from; i <= to; i += step) {
        const row = body.insertRow();
        row.insertCell().textContent = timeText(x[i]);
        for (const series of this.panel.series)
          row.insertCell().textContent = valueText(series.y[i], this.panel.unit);
      }
      const scroll = document.createElement("div");
      scroll.className = "scroll";
      scroll.tabIndex = 0;
      scroll.append(table);
      this.details.querySelectorAll(".scroll").forEach((old) => old.remove());
      this.details.append(scroll);
    }
  }

  function nearest(x, value) {
    let low = 0, high = x.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (x[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low > 0 && value - x[low - 1] < x[low] - value ? low - 1 : low;
  }

  function reasonKey() {
    const key = document.createElement("p");
    key.className = "reason-key";
    data.reasons.words.forEach((word, i) => {
      const box = document.createElement("span");
      box.className = "key";
      box.dataset.word = i;
      key.append(box, ` ${word}  `);
    });
    return key;
  }

  function colourKeys() {
    document.querySelectorAll(".reason-key .key").forEach((box) => {
      box.style.background = reasonColour(+box.dataset.word);
    });
  }

  /* ---- the page ---- */

  const byKey = new Map(data.panels.map((panel) => [panel.key, panel]));
  byKey.set("reasons", { key: "reasons", title: "Reason of each cap", unit: "", axis: null, series: [], limits: [] });
  document.querySelectorAll(".plot").forEach((place) => {
    const panel = byKey.get(place.dataset.panel);
    if (panel) new Plot(place, panel);
  });
  colourKeys();

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-from]");
    if (!link) return;
    const low = Math.max(first, +link.dataset.from), high = Math.min(last, +link.dataset.to);
    if (high > low) zoomTo(low, high); // else it is in a part that the recording has lost
  });
  const whole = document.getElementById("whole");
  if (whole) whole.addEventListener("click", () => zoomTo(first, last));

  function redraw() {
    for (const plot of allPlots) plot.build();
    colourKeys();
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  matchMedia("print").addEventListener("change", redraw);
})();
