// The interactive figure of the first page. doc/explorer.py writes its data, and has the
// formula: f = mean + sum_i (1 - exp(-steps mu_i / max(mu))) F_i.
(function () {
  "use strict";

  function bytes(text, Type) {
    const raw = atob(text);
    const array = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) array[i] = raw.charCodeAt(i);
    return new Type(array.buffer);
  }

  // Rates of the terms: g of the k leading eigenvalues, the others as they are.
  function rates(problem, g, k) {
    return problem.eigenvalues.map((eigenvalue, i) => {
      if (problem.first[i] >= k || g === "identity") return eigenvalue;
      if (g === "flatten") return problem.levels[k];
      if (g === "lift") return problem.levels[1];
      return Math.sqrt(problem.levels[1] * eigenvalue);
    });
  }

  function shares(problem, g, k, steps) {
    const mu = rates(problem, g, k);
    const largest = Math.max(...mu);
    if (steps === "limit") return mu.map(() => 1);
    return mu.map((rate) => -Math.expm1((-steps * rate) / largest));
  }

  function evaluate(problem, g, k, steps) {
    const share = shares(problem, g, k, steps);
    const size = problem.shape[0] * problem.shape[1];
    const values = new Float64Array(size).fill(problem.mean);
    for (let i = 0; i < share.length; i++) {
      const weight = share[i] * problem.scale[i];
      const start = i * size;
      for (let j = 0; j < size; j++) values[j] += weight * problem.bytes[start + j];
    }
    return values;
  }

  function error(problem, values) {
    let sum = 0;
    let count = 0;
    for (let j = 0; j < values.length; j++) {
      if (!problem.seen[j]) continue;
      sum += (values[j] - problem.truthValues[j]) ** 2;
      count += 1;
    }
    return Math.sqrt(sum / count) / problem.spread;
  }

  function unpack(problem) {
    problem.bytes = bytes(problem.values, Int8Array);
    problem.seen = bytes(problem.judged, Uint8Array);
    const step = (problem.high - problem.low) / 255;
    problem.truthValues = Float64Array.from(
      bytes(problem.truth, Uint8Array),
      (value) => problem.low + step * value,
    );
  }

  const data = window.explorerData;
  const root = document.getElementById("explorer");
  if (!data || !root) return;
  Object.values(data.problems).forEach(unpack);

  const form = root.querySelector("form");
  const status = root.querySelector(".explorer-status");
  const canvases = {};
  root.querySelectorAll("canvas").forEach((canvas) => {
    canvases[canvas.dataset.picture] = canvas;
  });

  function settings() {
    const problem = data.problems[form.elements.problem.value];
    return {
      name: form.elements.problem.value,
      problem,
      g: form.elements.g.value,
      k: problem.counts[form.elements.k.value],
      steps: data.steps[form.elements.steps.value],
    };
  }

  // A context in CSS pixels, cleared.
  function context(canvas, ratio) {
    const width = canvas.parentElement.clientWidth;
    const height = Math.round(width * ratio);
    const density = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    canvas.style.height = height + "px";
    const drawing = canvas.getContext("2d");
    drawing.scale(density, density);
    drawing.font = "12px sans-serif";
    return [drawing, width, height];
  }

  function colour(name, fallback) {
    const value = getComputedStyle(document.documentElement).getPropertyValue(name);
    return value.trim() || fallback;
  }

  function drawField(canvas, problem, values) {
    const [rows, columns] = problem.shape;
    const image = new ImageData(columns, rows);
    const last = data.colours.length - 1;
    for (let j = 0; j < values.length; j++) {
      const level = (values[j] - problem.low) / (problem.high - problem.low);
      const rgb = data.colours[Math.round(last * Math.min(1, Math.max(0, level)))];
      image.data.set([rgb[0], rgb[1], rgb[2], 255], 4 * j);
    }
    const small = document.createElement("canvas");
    small.width = columns;
    small.height = rows;
    small.getContext("2d").putImageData(image, 0, 0);
    const [drawing, width, height] = context(canvas, rows / columns);
    drawing.imageSmoothingQuality = "high";
    drawing.drawImage(small, 0, 0, width, height);
  }

  function line(drawing, xs, ys, stroke, thickness) {
    drawing.beginPath();
    xs.forEach((x, j) => (j ? drawing.lineTo(x, ys[j]) : drawing.moveTo(x, ys[j])));
    drawing.strokeStyle = stroke;
    drawing.lineWidth = thickness;
    drawing.stroke();
  }

  function drawCurve(canvas, problem, values) {
    const [drawing, width, height] = context(canvas, 0.6);
    const low = Math.min(...problem.y) - 0.1;
    const high = Math.max(...problem.y) + 0.1;
    const toX = (x) => 4 + (width - 8) * x;
    const toY = (y) => height - (height * (y - low)) / (high - low);
    const muted = colour("--pst-color-text-muted", "#666");
    drawing.fillStyle = muted;
    problem.x.forEach((x, j) => drawing.fillRect(toX(x) - 1, toY(problem.y[j]) - 1, 2, 2));
    const xs = Array.from(values, (_, j) => toX(j / (values.length - 1)));
    line(drawing, xs, Array.from(problem.truthValues, toY), muted, 1);
    line(drawing, xs, Array.from(values, toY), colour("--pst-color-primary", "#075"), 2);
  }

  function drawSpectrum(canvas, problem, g, k, steps) {
    const [drawing, width, height] = context(canvas, 0.85);
    const text = colour("--pst-color-text-base", "#222");
    const muted = colour("--pst-color-text-muted", "#666");
    const strong = colour("--pst-color-primary", "#075");
    const left = 8;
    const right = width - 8;
    const split = Math.round(height * 0.58);
    const bottom = height - 34;
    const n = problem.rows;
    const toX = (number) => left + ((right - left) * Math.log(number)) / Math.log(n);
    const mu = rates(problem, g, k);
    const largest = Math.max(...mu);
    const first = problem.eigenvalues[0];
    const floor = Math.log(problem.eigenvalues[problem.eigenvalues.length - 1] / first);
    const toY = (value) => 20 + ((split - 34) * Math.log(value)) / floor;
    const share = shares(problem, g, k, steps);

    share.forEach((learned, i) => {
      const start = Math.floor(toX(problem.first[i] + 1));
      const end = Math.ceil(toX(Math.min(n, problem.first[i] + problem.size[i] + 1)));
      const tall = (bottom - split - 22) * learned;
      drawing.fillStyle = strong;
      drawing.fillRect(start, bottom - tall, Math.max(1, end - start), tall);
    });
    const middles = problem.first.map((f, i) => toX(f + (problem.size[i] + 1) / 2));
    line(drawing, middles, problem.eigenvalues.map((v) => toY(v / first)), muted, 1.5);
    line(drawing, middles, mu.map((v) => toY(Math.max(v / largest, Math.exp(floor)))), strong, 2.5);
    line(drawing, [left, right], [bottom, bottom], muted, 1);
    drawing.fillStyle = text;
    drawing.fillText("rate, beside the largest (log scale)", left, 12);
    drawing.fillText("share learned, 0 to 1", left, split + 8);
    drawing.textAlign = "center";
    for (let tick = 1; tick <= n; tick *= 10) {
      drawing.fillText(tick, Math.max(left + 4, toX(tick)), bottom + 14);
    }
    drawing.textAlign = "right";
    drawing.fillText("number of the eigen-direction", right, bottom + 30);
  }

  function describe(chosen, found, limit) {
    const { g, k, steps, name, problem } = chosen;
    const i = problem.counts.indexOf(k);
    const seconds = data.seconds[name][g][i][data.steps.indexOf(steps)];
    const time = steps === "limit" ? "the limit" : steps + (steps === 1 ? " step" : " steps");
    const idle = k && g === "identity" ? " (k changes nothing with identity)" : "";
    return (
      `${g}, k = ${k}${idle}, ${time}: error ${found.toFixed(2)}. ` +
      `The limit of every setting: ${limit.toFixed(2)}. ` +
      `A fit takes ${seconds} CPU seconds.`
    );
  }

  function draw() {
    const chosen = settings();
    const { name, problem, g, k, steps } = chosen;
    const values = evaluate(problem, g, k, steps);
    root.querySelectorAll("[data-only]").forEach((figure) => {
      figure.hidden = figure.dataset.only !== name;
    });
    root.classList.toggle("explorer-wide", name === "signal");
    root.querySelector('[data-value="k"]').textContent = k;
    root.querySelector('[data-value="steps"]').textContent =
      steps === "limit" ? "the limit" : steps.toLocaleString("en").replace(/,/g, " ");
    form.elements.k.setAttribute("aria-valuetext", `k = ${k}`);
    form.elements.steps.setAttribute("aria-valuetext", `${steps} steps`.replace("limit steps", "the limit"));
    const limit = error(problem, evaluate(problem, g, k, "limit"));
    const text = describe(chosen, error(problem, values), limit);
    if (status.textContent !== text) status.textContent = text;
    canvases.model.setAttribute("aria-label", `The model. ${text}`);
    canvases.spectrum.setAttribute("aria-label", `Rates and shares learned by eigen-direction: ${g}, k = ${k}`);
    root.querySelector('[data-caption="model"]').textContent =
      name === "signal" ? "coloured: the model; grey: the curve and its noisy values" : "the model";
    if (name === "signal") {
      drawCurve(canvases.model, problem, values);
    } else {
      drawField(canvases.truth, problem, problem.truthValues);
      drawField(canvases.model, problem, values);
    }
    drawSpectrum(canvases.spectrum, problem, g, k, steps);
  }

  // The slider of k ends at what the data set allows.
  function limitCounts() {
    form.elements.k.max = settings().problem.counts.length - 1;
    draw();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", draw);
  form.elements.problem.addEventListener("change", limitCounts);
  root.querySelectorAll("button").forEach((button) => {
    button.addEventListener("click", () => {
      const { g, k, steps } = button.dataset;
      if (g) form.elements.g.value = g;
      const counts = settings().problem.counts;
      if (k) form.elements.k.value = counts.indexOf(Number(k));
      form.elements.steps.value = data.steps.findIndex((value) => String(value) === steps);
      draw();
    });
  });
  let width = root.clientWidth;
  window.addEventListener("resize", () => {
    if (root.clientWidth !== width) {
      width = root.clientWidth;
      draw();
    }
  });
  new MutationObserver(draw).observe(document.documentElement, {
    attributeFilter: ["data-theme"],
  });
  root.querySelector("[data-machine]").textContent =
    `The seconds were measured on ${data.machine}.`;
  window.explorer = { data, evaluate };
  limitCounts();
})();
