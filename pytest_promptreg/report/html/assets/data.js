"use strict";

// What the page was given: of each case what the table needs; its texts when somebody wants to read them.

const INDEX = JSON.parse(document.querySelector("script.index").textContent);
const PASSED = 1, REPLAYED = 2, CALLED = 4, WARNED = 8;

/** Texts by number, kept in pieces of which each is read when the first of its texts is asked for. */
class Texts {
  constructor(name, bounds) {
    this.bounds = bounds;
    this.elements = document.querySelectorAll(`script.${name}`);
    this.read = [];
  }

  of(number) {
    let low = 0, high = this.bounds.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.bounds[middle] <= number) low = middle; else high = middle - 1;
    }
    this.read[low] ??= JSON.parse(this.elements[low].textContent);
    return this.read[low][number - this.bounds[low]];
  }
}

const TEXTS = new Texts("texts", INDEX.texts);
const EXAMPLE_TEXTS = new Texts("example-texts", INDEX.example_texts);

// JSON has no infinities: a few scores are texts.
const asNumber = (value) => (value === null ? null : Number(value));

const CASES = INDEX.cases.map((row, number) => {
  const [suite, version, example, verdict, flags, scores, kinds, latency, input, output, cost] = row;
  const of = INDEX.suites[suite];
  return {
    number, suite, version, verdict, flags, kinds, latency, input, output, cost,
    id: of.examples[example],
    label: of.versions[version],
    tags: of.tags[example],
    scores: scores.map(asNumber),
    exampleNumber: of.first + example,
  };
});

const TERM_PLACES = INDEX.suites.map((suite) => new Map(suite.terms.map((term, place) => [term.name, place])));

const scoreOf = (item, term) => {
  const place = TERM_PLACES[item.suite].get(term);
  return place === undefined ? null : item.scores[place];
};

const termOf = (suite, name) => INDEX.suites[suite].terms[TERM_PLACES[suite].get(name)];

function shown(value, digits) {
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? (0).toFixed(digits) : text).replace("-", "−");
}

const seconds = (value) => (value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`);
const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** A table that may be wider than the window: it is moved by itself, with the keyboard too. */
const wide = (label, table) => h("div", { class: "wide", role: "region", "aria-label": label, tabindex: "0" }, table);

/** An element; children are elements and texts, and a text is only ever a text. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
