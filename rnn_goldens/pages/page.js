// Filters, tables and pictures of an rnn-goldens page. Text is always set as text, never as HTML.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const form = document.getElementById("filters");
  const failures = [...document.querySelectorAll(".failure")];
  const symbols = { passed: "✓", failed: "✗", "known-failure": "◇", refused: "⊘", skipped: "–", "unchecked": "–" };

  const make = (tag, properties = {}, children = []) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // ---- filters ----------------------------------------------------------------------------------------------------

  const present = (at) => new Set(data.entries.filter((_, i) => i % 4 === at));
  const fill = (name, options) => {
    const select = form.elements[name];
    if (!select) return;
    select.append(make("option", { value: "", textContent: "all" }));
    for (const [value, label] of options) select.append(make("option", { value, textContent: label }));
  };
  fill("implementation", data.implementations.map((name, i) => [String(i), name]));
  fill("cell", data.cells.map((name) => [name, name]));
  fill("feature", data.features.map((name) => [name, name]));
  fill("dtype", data.dtypes.map((name) => [name, name]));
  const outcomes = present(3);
  fill("outcome", data.outcomes.filter((_, i) => outcomes.has(i)).map((name) => [name, `${symbols[name]} ${name}`]));

  const value = (name) => form.elements[name]?.value ?? "";
  const chosen = () => Object.fromEntries(["implementation", "cell", "feature", "dtype", "outcome", "text"].map((n) => [n, value(n)]));

  const matchesFailure = (failure, filter) => {
    const of = failure.dataset;
    return (!filter.implementation || of.implementation === filter.implementation)
      && (!filter.cell || of.cell === filter.cell)
      && (!filter.dtype || of.dtype === filter.dtype)
      && (!filter.outcome || of.outcome === filter.outcome)
      && (!filter.feature || of.features.split(" ").includes(filter.feature))
      && (!filter.text || failure.wholeText.includes(filter.text.toLowerCase()));
  };
  for (const failure of failures) {
    const of = failure.dataset;
    failure.wholeText = `${failure.querySelector("summary").textContent} ${of.causes ?? ""}`.toLowerCase();
  }

  const filterFailures = (filter) => {
    let shown = 0;
    for (const failure of failures) {
      failure.hidden = !matchesFailure(failure, filter);
      shown += !failure.hidden;
    }
    const all = failures.length === 1 ? "1 failure" : `${failures.length} failures`;
    document.getElementById("shown").textContent = shown === failures.length ? all : `${shown} of ${all}`;
  };

  // ---- tables -----------------------------------------------------------------------------------------------------

  const entriesOf = function* (filter) {
    const cell = data.cells.indexOf(filter.cell), feature = data.features.indexOf(filter.feature);
    const dtype = data.dtypes.indexOf(filter.dtype), outcome = data.outcomes.indexOf(filter.outcome);
    for (let i = 0; i < data.entries.length; i += 4) {
      const [of, golden, precision, result] =  data.entries.slice(i, i + 4);
      const [itsCell, itsFeatures] = data.goldens[golden];
      if (filter.implementation && Number(filter.implementation) !== of) continue;
      if ((cell >= 0 && cell !== itsCell) || (dtype >= 0 && dtype !== precision)) continue;
      if ((outcome >= 0 && outcome !== result) || (feature >= 0 && !itsFeatures.includes(feature))) continue;
      yield { of, cell: itsCell, features: itsFeatures, dtype: precision, outcome: result };
    }
  };

  const counted = (filter, rowsOf) => {
    const counts = new Map();
    for (const entry of entriesOf(filter)) {
      for (const row of rowsOf(entry)) {
        const key = `${row}/${entry.dtype}`;
        const found = counts.get(key) ?? counts.set(key, data.outcomes.map(() => 0)).get(key);
        found[entry.outcome] += 1;
      }
    }
    return counts;
  };

  const field = (counts, label, choose) => {
    const cell = make("td");
    if (!counts) return cell;
    const button = make("button", { type: "button", className: "count" });
    const words = [];
    counts.forEach((count, i) => {
      if (!count) return;
      const name = data.outcomes[i];
      words.push(`${count} ${name}`);
      button.append(make("span", { className: name, textContent: `${symbols[name]} ${count}` }));
    });
    button.setAttribute("aria-label", `${label}: ${words.join(", ")}. Filter by these`);
    button.addEventListener("click", () => set(choose));
    cell.append(button);
    return cell;
  };

  const table = (id, head, rows) => {
    const found = document.getElementById(id);
    found.querySelectorAll("thead, tbody").forEach((part) => part.remove());
    const headings = [head, ...data.dtypes].map((text) => make("th", { scope: "col", textContent: text }));
    found.append(make("thead", {}, [make("tr", {}, headings)]), make("tbody", {}, rows));
  };

  const row = (title, key, counts, choose, context = "") => {
    const fields = data.dtypes.map((dtype, d) => field(counts.get(`${key}/${d}`), `${context}${title}, ${dtype}`, { ...choose, dtype }));
    return fields.some((one) => one.childNodes.length)
      ? [make("tr", {}, [make("th", { scope: "row", textContent: title }), ...fields])] : [];
  };

  const drawTables = (filter) => {
    const byCell = counted(filter, (entry) => [`${entry.of}/${entry.cell}`]);
    const several = data.implementations.length > 1;
    const rows = data.implementations.flatMap((name, i) => {
      const cellRows = data.cells.flatMap((cell, c) =>
        row(cell, `${i}/${c}`, byCell, { cell, ...(several && { implementation: String(i) }) }, several ? `${name}, ` : ""));
      const heading = make("th", { colSpan: data.dtypes.length + 1, scope: "rowgroup", textContent: name });
      return several && cellRows.length ? [make("tr", { className: "of" }, [heading]), ...cellRows] : cellRows;
    });
    table("by-cell", "cell", rows);
    const byFeature = counted(filter, (entry) => entry.features);
    table("by-feature", "feature", data.features.flatMap((feature, f) => row(feature, f, byFeature, { feature })));
  };

  const update = () => {
    const filter = chosen();
    filterFailures(filter);
    drawTables(filter);
  };
  const set = (values) => {
    for (const [name, text] of Object.entries(values)) if (form.elements[name]) form.elements[name].value = text;
    update();
    document.getElementById("failures-title").scrollIntoView();
  };
  form.addEventListener("input", update);
  form.addEventListener("reset", () => setTimeout(update));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const button of document.querySelectorAll(".show")) {
    const { implementation, cell, text } = button.dataset;
    button.addEventListener("click", () => { form.reset(); set({ implementation, cell, text }); });
  }

  // ---- copying ----------------------------------------------------------------------------------------------------

  const selectText = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  };
  const copyWithoutClipboard = (element) => {
    selectText(element);
    try { return document.execCommand("copy"); } catch { return false; }
  };
  document.addEventListener("click", async (event) => {
    if (!event.target.classList.contains("copy")) return;
    const button = event.target, code = button.previousElementSibling;
    let copied = false;
    try { await navigator.clipboard.writeText(code.textContent); copied = true; } catch { copied = copyWithoutClipboard(code); }
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });

  // ---- pictures ---------------------------------------------------------------------------------------------------

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const RAMP = [[49, 68, 107], [87, 92, 109], [124, 123, 120], [166, 157, 117], [211, 193, 100], [255, 234, 70]]; // cividis
  const ramp = (share) => {
    const at = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1), i = Math.min(Math.floor(at), RAMP.length - 2);
    return RAMP[i].map((low, k) => Math.round(low + (at - i) * (RAMP[i + 1][k] - low)));
  };
  const css = (rgb) => `rgb(${rgb.join(",")})`;
  const short = (number) => {
    const plain = number === 0 || (number >= 0.01 && number < 1e4);
    return plain ? String(Number(number.toPrecision(2))) : number.toExponential(1).replace(".0e", "e").replace("e+", "e");
  };

  const scaleOf = (picture) => {
    const wrong = picture.errors.flat().filter((error) => error !== null && error > (picture.in_tolerances ? 1 : 0));
    const least = picture.in_tolerances ? 1 : Math.min(...wrong), most = Math.max(...wrong);
    const span = Math.log(most / least) || 1;
    return {
      least, most, any: wrong.length > 0,
      share: (error) => (most === least ? 1 : Math.log(error / least) / span),
      right: (error) => error !== null && error <= (picture.in_tolerances ? 1 : 0),
    };
  };

  const drawField = (context, left, top, width, height, error, scale, dpr) => {
    if (error === null) {
      context.fillStyle = colour("back");
      context.fillRect(left, top, width, height);
      context.strokeStyle = colour("text");
      context.lineWidth = dpr;
      context.beginPath();
      context.moveTo(left, top); context.lineTo(left + width, top + height);
      context.moveTo(left + width, top); context.lineTo(left, top + height);
      context.stroke();
      return;
    }
    const rgb = scale.right(error) ? null : ramp(scale.share(error));
    context.fillStyle = rgb ? css(rgb) : colour("right");
    context.fillRect(left, top, width, height);
    if (!rgb || width < 34 * dpr || height < 15 * dpr) return;
    context.fillStyle = 0.3 * rgb[0] + 0.6 * rgb[1] + 0.1 * rgb[2] > 120 ? "#000" : "#fff";
    context.font = `${11 * dpr}px system-ui, sans-serif`;
    context.textAlign = "center"; context.textBaseline = "middle";
    context.fillText(short(error), left + width / 2, top + height / 2);
  };

  const axis = (label, values) => ({
    label, values, stroke: colour("text"), labelSize: 18, size: label.length ? 34 : 30, font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif", grid: { show: false }, ticks: { stroke: colour("line"), size: 4 }, incrs: [1, 2, 5, 10, 20, 50, 100, 200],
  });

  const heatMap = (picture, width, onChoose) => {
    const { errors, block } = picture, scale = scaleOf(picture);
    const across = errors[0].length, down = errors.length;
    const places = (size) => (_, splits) => splits.map((at) => (Number.isInteger(at) && at >= 0 ? String(at * size) : ""));
    const draw = (u) => {
      const dpr = devicePixelRatio || 1, x = (at) => u.valToPos(at, "x", true), y = (at) => u.valToPos(at, "y", true);
      u.ctx.save();
      errors.forEach((row, j) => row.forEach((error, i) => {
        const left = x(i - 0.5), top = y(j - 0.5), gap = across > 40 || down > 24 ? 0 : dpr;
        drawField(u.ctx, left, top, x(i + 0.5) - left - gap, y(j + 0.5) - top - gap, error, scale, dpr);
      }));
      if (u.chosen) {
        const [i, j] = u.chosen;
        u.ctx.strokeStyle = colour("link"); u.ctx.lineWidth = 3 * dpr;
        u.ctx.strokeRect(x(i - 0.5), y(j - 0.5), x(i + 0.5) - x(i - 0.5), y(j + 0.5) - y(j - 0.5));
      }
      u.ctx.restore();
    };
    const choose = (u, i, j) => {
      if (i < 0 || j < 0 || i >= across || j >= down) return;
      u.chosen = [i, j];
      onChoose(i, j, errors[j][i]);
      u.redraw(false);
    };
    const height = Math.min(Math.max(down * 26, 78), 320) + 56;
    return {
      options: {
        width, height, legend: { show: false }, padding: [8, 8, 0, 0],
        cursor: { x: false, y: false, drag: { x: false, y: false }, points: { show: false } },
        scales: { x: { time: false, range: [-0.5, across - 0.5] }, y: { range: [-0.5, down - 0.5], dir: -1 } },
        axes: [axis(picture.across, places(block[0])), { ...axis(picture.down, places(block[1])), size: 40 }],
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: {
          draw: [draw],
          setCursor: [(u) => {
            if (u.cursor.left >= 0) choose(u, Math.round(u.posToVal(u.cursor.left, "x")), Math.round(u.posToVal(u.cursor.top, "y")));
          }],
        },
      },
      values: [errors[0].map((_, i) => i), errors[0].map(() => 0)],
      choose,
    };
  };

  const lines = (picture, width) => {
    const at = picture.got.map((_, i) => picture.begin + i), isShort = at.length <= 40;
    const line = (label, name, dash, size) => ({
      label, stroke: colour(name), width: isShort ? 2 : 1.25, dash, points: { show: isShort, size, fill: name === "got" ? colour("back") : colour(name) },
      value: (_, number) => (number === null ? "–" : String(number)),
    });
    return {
      options: {
        width, height: 240, padding: [8, 12, 0, 0],
        legend: { markers: { fill: (_, i) => (i === 1 ? colour("want") : "transparent"), dash: (_, i) => (i === 1 ? "solid" : "dashed") } }, cursor: { drag: { x: false, y: false } },
        scales: { x: { time: false, range: at.length > 1 ? undefined : [at[0] - 1, at[0] + 1] } },
        axes: [
          axis(picture.across, (_, splits) => splits.map((s) => (Number.isInteger(s) ? String(s) : ""))),
          { stroke: colour("text"), font: "12px system-ui, sans-serif", grid: { stroke: colour("grid") }, ticks: { stroke: colour("line"), size: 4 }, size: 58 },
        ],
        series: [{ label: picture.across }, line("want", "want", [], 5), line("got", "got", [6, 4], 9)],
      },
      values: [at, picture.want, picture.got],
    };
  };

  const legend = (picture) => {
    const scale = scaleOf(picture), unit = picture.in_tolerances ? "× tolerance" : "absolute; this golden is exact, its tolerance is zero";
    const gradient = make("i", { className: "ramp" });
    gradient.style.background = `linear-gradient(to right, ${RAMP.map(css).join(",")})`;
    const right = make("i");
    right.style.background = "var(--right)";
    const span = (...parts) => make("span", {}, parts);
    const parts = [span(right, " right")];
    if (scale.any) parts.push(span(`${short(scale.least)} `, gradient, ` ${short(scale.most)}`), span(unit));
    if (picture.errors.flat().includes(null)) parts.push(span(make("i", { className: "none" }), " NaN or infinite"));
    return make("div", { className: "scale" }, parts);
  };

  const place = (picture, i, j) => {
    const range = (at, size) => (size === 1 ? String(at) : `${at * size} to ${at * size + size - 1}`);
    return `${picture.across} ${range(i, picture.block[0])}, ${picture.down} ${range(j, picture.block[1])}`;
  };
  const errorText = (picture, error) => {
    if (error === null) return "NaN or infinite";
    return picture.in_tolerances ? `${short(error)} × tolerance` : `off by ${short(error)}`;
  };
  const worstOf = (errors) => {
    let best = [0, 0], most = -1;
    errors.forEach((row, j) => row.forEach((error, i) => {
      if ((error ?? Infinity) > most) { most = error ?? Infinity; best = [i, j]; }
    }));
    return best;
  };

  const figure = (title, details, label) => {
    const plot = make("div", { className: "plot" });
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", label);
    return { plot, element: make("figure", {}, [make("div", {}, [make("b", { textContent: title })]), plot, ...details]) };
  };

  const drawPictures = (home) => {
    home.plots?.forEach((plot) => plot.destroy());
    home.replaceChildren();
    const picture = data.pictures[Number(home.dataset.picture)];
    const where = picture.place ? `${picture.output}, ${picture.place}` : picture.output;
    const [wi, wj] = worstOf(picture.errors);
    const worst = `${errorText(picture, picture.errors[wj][wi])} at ${place(picture, wi, wj)}`;
    const caption = make("figcaption", { textContent: `largest: ${worst}` });
    const blocks = picture.block[0] * picture.block[1] > 1 ? [make("figcaption", { textContent: `each field shows the largest error of ${picture.block[0]} × ${picture.block[1]} elements` })] : [];
    const heat = figure(`Error of ${where}`, [caption, legend(picture), ...blocks], `Heat map of the error of ${where}. Largest: ${worst}`);
    const line = `${picture.down} ${picture.line}`;
    const curves = figure(`Got and want, ${where}, ${line}`, [], `Got against want of ${where}, ${line}`);
    home.append(heat.element, curves.element);
    const showElement = (i, j, error) => { caption.textContent = `${place(picture, i, j)}: ${errorText(picture, error)}`; };
    const map = heatMap(picture, Math.max(heat.plot.clientWidth, 200), showElement), two = lines(picture, Math.max(curves.plot.clientWidth, 200));
    const u = new uPlot(map.options, map.values, heat.plot);
    home.plots = [u, new uPlot(two.options, two.values, curves.plot)];
    heat.plot.tabIndex = 0;
    heat.plot.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!move) return;
      event.preventDefault();
      const [i, j] = u.chosen ?? [wi, wj];
      map.choose(u, i + (u.chosen ? move[0] : 0), j + (u.chosen ? move[1] : 0));
      caption.setAttribute("aria-live", "polite");
    });
    home.drawnAt = home.clientWidth;
  };

  const opened = () => [...document.querySelectorAll(".failure[open] .pictures")];
  for (const failure of failures) {
    failure.addEventListener("toggle", () => {
      const home = failure.querySelector(".pictures");
      if (failure.open && home && home.drawnAt !== home.clientWidth) drawPictures(home);
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => opened().forEach(drawPictures));
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => opened().filter((home) => home.drawnAt !== home.clientWidth).forEach(drawPictures), 100);
  });

  update();
})();
