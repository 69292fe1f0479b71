// How each score is spread: the baseline's version above the line, the candidate's below, on one scale.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 420, HEIGHT = 200, LEFT = 40, RIGHT = 12, MIDDLE = 96, HALF = 70, BINS = 24;

function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function measures(values) {
  const ordered = Float64Array.from(values).sort();
  const at = (share) => {
    const place = (ordered.length - 1) * share, below = Math.floor(place);
    return ordered[below] + ((ordered[below + 1] ?? ordered[below]) - ordered[below]) * (place - below);
  };
  return {
    count: ordered.length, mean: ordered.reduce((sum, value) => sum + value, 0) / ordered.length,
    lowest: ordered[0], p05: at(0.05), median: at(0.5), p95: at(0.95), highest: ordered.at(-1),
  };
}

function binned(values, low, high) {
  const counts = new Array(BINS).fill(0);
  for (const value of values) counts[Math.min(Math.floor(((value - low) / (high - low)) * BINS), BINS - 1)] += 1;
  return counts;
}

/** The scale that both sides and the gates fit on. */
function scaleOf(values, term) {
  const marks = [...term.bounds.map(Number), Number(term.best)].filter(Number.isFinite);
  let low = Infinity, high = -Infinity;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  for (const mark of marks) { if (mark < low) low = mark; if (mark > high) high = mark; }
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}

const valuesOf = (suite, version, term) => CASES
  .filter((item) => item.suite === suite && item.version === version)
  .map((item) => scoreOf(item, term)).filter((value) => value !== null && Number.isFinite(value));

function plot(suite, version, term, id) {
  const of = INDEX.suites[suite];
  const candidate = valuesOf(suite, version, term.name);
  if (!candidate.length) return null;
  const baseline = of.base === null || of.base === version ? [] : valuesOf(suite, of.base, term.name);
  const [low, high] = scaleOf([...baseline, ...candidate], term);
  const across = (value) => LEFT + ((value - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const sidesOf = [[baseline, of.versions[of.base], -1, "base"], [candidate, of.versions[version], 1, "now"]]
    .filter(([values]) => values.length);
  const tallest = Math.max(...sidesOf.flatMap(([values]) => binned(values, low, high)));
  const drawing = s("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-labelledby": `${id}-title ${id}-text`, class: "plot",
  });
  const told = sidesOf.map(([values, label, , kind]) => {
    const { count, mean, median, lowest, highest } = measures(values);
    const name = kind === "base" ? `baseline ${label}` : label;
    const say = (value) => shown(value, term.digits);
    return `${name}: ${count} cases, mean ${say(mean)}, median ${say(median)}, from ${say(lowest)} to ${say(highest)}`;
  });
  drawing.append(s("title", { id: `${id}-title` }, term.name), s("desc", { id: `${id}-text` }, `${told.join("; ")}.`));
  const step = (WIDTH - LEFT - RIGHT) / BINS;
  for (const [values, label, way, kind] of sidesOf) {
    binned(values, low, high).forEach((count, place) => {
      if (!count) return;
      const size = Math.max((count / tallest) * HALF, 1.5);
      drawing.append(s("rect", {
        x: LEFT + place * step + 0.5, y: way < 0 ? MIDDLE - size : MIDDLE, width: step - 1, height: size, class: kind,
      }));
    });
    const mean = across(measures(values).mean);
    drawing.append(
      s("line", { x1: mean, x2: mean, y1: MIDDLE, y2: MIDDLE + way * (HALF + 6), class: `mean ${kind}` }),
      s("text", { x: LEFT, y: way < 0 ? 14 : MIDDLE + HALF + 12, class: "label" },
        `${kind === "base" ? "baseline " : ""}${label.length > 24 ? `${label.slice(0, 23)}…` : label}`));
  }
  for (const bound of term.bounds.map(Number).filter(Number.isFinite)) {
    drawing.append(s("line", { x1: across(bound), x2: across(bound), y1: 20, y2: MIDDLE + HALF, class: "gate" }));
  }
  drawing.append(
    s("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: MIDDLE, y2: MIDDLE, class: "axis" }),
    s("text", { x: LEFT, y: HEIGHT - 4, class: "tick" }, shown(low, term.digits)),
    s("text", { x: WIDTH - RIGHT, y: HEIGHT - 4, class: "tick end" }, shown(high, term.digits)),
    s("text", { x: LEFT - 6, y: MIDDLE - HALF + 4, class: "tick end" }, String(tallest)),
    s("text", { x: LEFT - 6, y: MIDDLE + 4, class: "tick end" }, "0"));
  return h("figure", {},
    h("figcaption", {}, h("b", {}, term.name), term.down ? " (lower is better)" : "",
      term.gates.length ? h("span", { class: "dim" }, ` gate: ${term.gates.join("; ")}`) : ""),
    drawing, numbers(sidesOf, term));
}

function numbers(sidesOf, term) {
  const names = ["count", "mean", "lowest", "p05", "median", "p95", "highest"];
  return h("details", {}, h("summary", {}, `Numbers of ${term.name}`), wide(`Numbers of ${term.name}`,
    h("table", { class: "numbers" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "version"), names.map((name) => h("th", { scope: "col", class: "number" }, name)))),
      h("tbody", {}, sidesOf.map(([values, label]) => {
        const found_ = measures(values);
        return h("tr", {}, h("th", { scope: "row" }, label), names.map((name) => h("td", { class: "number" },
          name === "count" ? String(found_.count) : shown(found_[name], term.digits))));
      })))));
}

function startPlots() {
  const pairs = INDEX.suites.flatMap((suite, number) => suite.versions
    .map((label, version) => ({ number, version, label }))
    .filter(({ version }) => version !== suite.base || suite.versions.length === 1)
    .filter(() => suite.terms.length));
  if (!pairs.length) return;
  const list = document.getElementById("plot-list");
  const draw = (place) => {
    const { number, version } = pairs[place];
    const terms = INDEX.suites[number].terms;
    list.replaceChildren(...terms.map((term, order) => plot(number, version, term, `plot-${order}`)).filter(Boolean));
  };
  const harm = ({ number, version }) => CASES.filter((item) => item.suite === number && item.version === version
    && INDEX.verdicts[item.verdict] === "breached").length;
  const harms = pairs.map(harm);
  const first = harms.indexOf(Math.max(...harms));
  if (pairs.length > 1) {
    const select = h("select", { change: () => draw(Number(select.value)) }, pairs.map(({ number, label }, place) =>
      h("option", { value: place }, INDEX.suites.length > 1 ? `${INDEX.suites[number].name}: ${label}` : label)));
    select.value = String(first);
    document.getElementById("plot-choice").append(h("label", {}, h("span", {}, "Candidate"), select));
  }
  document.getElementById("plots").hidden = false;
  draw(first);
}
