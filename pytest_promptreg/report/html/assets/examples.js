// The table of all cases: searched, filtered, sorted, a page at a time.

const PAGE = 100;
const explorer = document.getElementById("explorer");
const filters = document.getElementById("filters");
const found = document.getElementById("found");
const body = document.querySelector("#cases tbody");
const head = document.querySelector("#cases thead");
const pages = document.getElementById("pages");
const haystacks = [];
let matching = CASES;

const present = {
  versions: [...new Set(CASES.map((item) => item.label))],
  verdicts: [...new Set(CASES.map((item) => item.verdict))].sort((one, other) => one - other),
  kinds: [...new Set(CASES.flatMap((item) => item.kinds))].sort((one, other) => one - other),
  tags: [...new Set(CASES.flatMap((item) => item.tags))].sort((one, other) => one - other),
};

function haystack(item) {
  haystacks[item.number] ??= [
    item.id, item.label, item.tags.map((tag) => INDEX.tags[tag]).join(" "),
    ...strings(TEXTS.of(item.number)), ...strings(EXAMPLE_TEXTS.of(item.exampleNumber)),
  ].join("\n").toLowerCase();
  return haystacks[item.number];
}

/** Every text in a value; the pieces of a difference make one text for each side. */
function strings(value) {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(strings);
  if (value === null || typeof value !== "object") return [];
  const { d, ...rest } = value;
  return [...(d ? sides(d) : []), ...Object.values(rest).flatMap(strings)];
}

function sides(pieces) {
  let old = "", now = "";
  for (let place = 0; place < pieces.length; place += 3) {
    old += pieces[place] + pieces[place + 1];
    now += pieces[place] + pieces[place + 2];
  }
  return [old, now];
}

function matches() {
  const sought = asked.q.toLowerCase().split(/\s+/).filter(Boolean);
  const bound = asked.value === "" ? NaN : Number(asked.value.replace(",", "."));
  const kind = INDEX.kinds.indexOf(asked.kind), tag = INDEX.tags.indexOf(asked.tag);
  return CASES.filter((item) => {
    if (asked.suite !== "" && item.suite !== Number(asked.suite)) return false;
    if (asked.version !== "" && item.label !== asked.version) return false;
    if (asked.verdict !== "" && INDEX.verdicts[item.verdict] !== asked.verdict) return false;
    if (asked.kind !== "" && !item.kinds.includes(kind)) return false;
    if (asked.tag !== "" && !item.tags.includes(tag)) return false;
    if (asked.score !== "" && !Number.isNaN(bound)) {
      const score = scoreOf(item, asked.score);
      if (score === null || !(asked.op === "<=" ? score <= bound : score >= bound)) return false;
    }
    return sought.every((word) => haystack(item).includes(word));
  });
}

const text = (value) => (item) => value(item).toLowerCase();
const SORTS = {
  example: text((item) => item.id),
  suite: (item) => item.suite,
  version: (item) => INDEX.suites[item.suite].versions.indexOf(item.label),
  verdict: (item) => item.verdict,
  change: (item) => (item.kinds.length ? item.kinds.map((kind) => INDEX.kinds[kind]).join() : null),
  tags: (item) => (item.tags.length ? item.tags.map((tag) => INDEX.tags[tag]).join() : null),
  latency: (item) => item.latency,
};

/** By verdict, versions that do not pass first, then by what was lost. */
function inOrderOfHarm(cases) {
  const passes = (item) => !INDEX.suites[item.suite].failed[item.version];
  return [...cases].sort((one, other) => one.verdict - other.verdict || passes(one) - passes(other)
    || one.number - other.number);
}

/** By what a column shows, and what has nothing there always last; by harm where no column is asked for. */
function sorted(cases) {
  if (asked.sort === "") return inOrderOfHarm(cases);
  const down = asked.sort.startsWith("-");
  const name = down ? asked.sort.slice(1) : asked.sort;
  const key = name.startsWith("score:") ? (item) => scoreOf(item, name.slice(6)) : SORTS[name] ?? SORTS.verdict;
  const missing = (value) => value === null || value === undefined || Number.isNaN(value);
  const keyed = cases.map((item) => [key(item), item]);
  const order = new Intl.Collator("en", { numeric: true });
  keyed.sort(([one, first], [other, second]) => {
    if (missing(one) || missing(other)) return missing(one) - missing(other) || first.number - second.number;
    const by = typeof one === "string" ? order.compare(one, other) : one === other ? 0 : one < other ? -1 : 1;
    return (down ? -by : by) || first.number - second.number;
  });
  return keyed.map(([, item]) => item);
}

function columns() {
  const suites = asked.suite === "" ? INDEX.suites : [INDEX.suites[Number(asked.suite)]].filter(Boolean);
  const terms = [...new Set(suites.flatMap((suite) => suite.terms.map((term) => term.name)))];
  return [
    { key: "example", name: "example", cell: null },
    INDEX.suites.length > 1 && asked.suite === ""
      && { key: "suite", name: "suite", cell: (item) => INDEX.suites[item.suite].name },
    present.versions.length > 1 && { key: "version", name: "version", cell: (item) => item.label },
    { key: "verdict", name: "verdict", cell: verdictChip },
    ...terms.map((term) => ({ key: `score:${term}`, name: term, number: true, cell: (item) => scoreCell(item, term) })),
    present.kinds.length > 0 && {
      key: "change", name: "kind of change", words: true, cell: (item) => item.kinds.map((kind) => INDEX.kinds[kind]).join(", "),
    },
    present.tags.length > 0 && {
      key: "tags", name: "tags", words: true, cell: (item) => item.tags.map((tag) => INDEX.tags[tag]).join(", "),
    },
  ].filter(Boolean);
}

function scoreCell(item, term) {
  const score = scoreOf(item, term);
  return score === null ? "" : shown(score, termOf(item.suite, term).digits);
}

function verdictChip(item) {
  const verdict = INDEX.verdicts[item.verdict];
  const chip = h("span", { class: `chip ${verdict}` }, verdict);
  const failed = !(item.flags & PASSED) && (verdict === "changed" || verdict === "unchanged");
  return failed ? h("span", {}, chip, " the test failed") : chip;
}

function drawHead(shownColumns) {
  const cells = shownColumns.map(({ key, name, number }) => {
    const by = asked.sort === key ? "ascending" : asked.sort === `-${key}` ? "descending" : null;
    const arrow = by === "ascending" ? " ↑" : by === "descending" ? " ↓" : "";
    const click = () => {
      ask({ sort: asked.sort === key ? `-${key}` : asked.sort === `-${key}` ? "" : key });
      head.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
    };
    return h("th", { role: "columnheader", scope: "col", "aria-sort": by, class: number ? "number" : null },
      h("button", { type: "button", "data-key": key, click }, name, h("span", { "aria-hidden": "true" }, arrow)));
  });
  head.replaceChildren(h("tr", { role: "row" }, cells));
}

function drawRows(shownColumns) {
  const first = Number(asked.page) * PAGE;
  const rows = matching.slice(first, first + PAGE).map((item) => h("tr", { role: "row", "data-number": item.number },
    h("th", { role: "rowheader", scope: "row" }, h("button", { type: "button", class: "open", dir: "auto" }, item.id)),
    shownColumns.slice(1).map(({ name, cell, number, words }) => {
      const said = cell(item);
      return h("td", { role: "cell", "data-name": name, class: number ? "number" : words ? "words" : null }, said);
    })));
  body.replaceChildren(...rows);
  if (!rows.length) {
    body.append(h("tr", { role: "row" }, h("td", { role: "cell", colspan: shownColumns.length, class: "none" }, "No example matches.")));
  }
}

function drawPages() {
  const last = Math.max(Math.ceil(matching.length / PAGE) - 1, 0);
  const page = Number(asked.page);
  const button = (name, target) => h("button", {
    type: "button", disabled: target < 0 || target > last, click: () => turnTo(target),
  }, name);
  pages.hidden = last === 0;
  pages.replaceChildren(
    button("First", page === 0 ? -1 : 0), button("Previous", page - 1),
    h("span", {}, `page ${page + 1} of ${last + 1}`), button("Next", page + 1), button("Last", page === last ? -1 : last),
  );
}

function turnTo(page) {
  ask({ page: String(page) });
  document.getElementById("examples").scrollIntoView();
  body.querySelector("button.open")?.focus({ preventScroll: true });
}

function drawExamples() {
  matching = sorted(matches());
  const last = Math.max(Math.ceil(matching.length / PAGE) - 1, 0);
  const page = Math.min(Math.max(Math.trunc(Number(asked.page)) || 0, 0), last);
  asked.page = String(page);
  const shownColumns = columns();
  drawHead(shownColumns);
  drawRows(shownColumns);
  drawPages();
  const all = counted(CASES.length, "case");
  const which = matching.length === CASES.length ? all : `${matching.length.toLocaleString("en")} of ${all}`;
  found.textContent = `${which}, ${asked.sort === "" ? "the worst first" : "sorted"}`;
}

function choice(name, label, entries) {
  const select = h("select", { name, change: () => ask({ [name]: select.value }) },
    entries.map(([value, said]) => h("option", { value }, said)));
  return h("label", {}, h("span", {}, label), select);
}

function drawFilters() {
  const words = (list) => [["", "all"], ...list.map((word) => [word, word])];
  const terms = [...new Set(INDEX.suites.flatMap((suite) => suite.terms.map((term) => term.name)))];
  let waiting = 0;
  const search = h("input", {
    type: "search", name: "q", placeholder: "id, output, input …", autocomplete: "off",
    input: () => { clearTimeout(waiting); waiting = setTimeout(() => ask({ q: search.value }), 150); },
  });
  const value = h("input", {
    type: "text", inputmode: "decimal", name: "value", size: "5", placeholder: "0.8", "aria-label": "score to compare with",
    input: () => { clearTimeout(waiting); waiting = setTimeout(() => ask({ value: value.value }), 150); },
  });
  const sorts = [["", "the worst first"], ["example", "example"], ["version", "version"],
    ...terms.flatMap((term) => [[`score:${term}`, `${term}, lowest first`], [`-score:${term}`, `${term}, highest first`]])];
  filters.append(...[
    h("label", { class: "search" }, h("span", {}, "Search"), search),
    choice("verdict", "Verdict", words(present.verdicts.map((verdict) => INDEX.verdicts[verdict]))),
    present.versions.length > 1 && choice("version", "Version", words(present.versions)),
    INDEX.suites.length > 1
      && choice("suite", "Suite", [["", "all"], ...INDEX.suites.map((suite, number) => [String(number), suite.name])]),
    present.kinds.length > 0 && choice("kind", "Kind of change", words(present.kinds.map((kind) => INDEX.kinds[kind]))),
    present.tags.length > 0 && choice("tag", "Tag", words(present.tags.map((tag) => INDEX.tags[tag]))),
    terms.length > 0 && h("fieldset", {}, h("legend", {}, "Score"),
      choice("score", "Score of", [["", "any metric"], ...terms.map((term) => [term, term])]),
      choice("op", "is", [["<=", "at most"], [">=", "at least"]]), value),
    h("div", { class: "narrow" }, choice("sort", "Order", sorts)),
    h("button", { type: "button", id: "reset", click: () => { ask({ ...NOTHING_ASKED }); search.focus(); } }, "Reset"),
  ].filter(Boolean));
  filters.addEventListener("submit", (event) => event.preventDefault());
}

/** The form says what is asked, wherever the question came from. */
function fillFilters() {
  for (const field of filters.elements) {
    if (field.name && field.name in asked && field !== document.activeElement) field.value = asked[field.name];
  }
}

function startExamples() {
  drawFilters();
  explorer.hidden = false;
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-number]");
    if (row && !String(getSelection())) ask({ case: row.dataset.number });
  });
  listeners.push(fillFilters);
  let drawn = "";
  listeners.push(() => {
    const question = JSON.stringify({ ...asked, case: "" });
    if (question !== drawn) drawExamples();
    drawn = JSON.stringify({ ...asked, case: "" });
  });
}

/** The button of the row before or after the one that has the focus; at a page's end that of the next page. */
function step(by) {
  const rows = [...body.querySelectorAll("button.open")];
  const place = rows.indexOf(document.activeElement);
  const next = place === -1 ? (by > 0 ? 0 : -1) : place + by;
  if (rows[next]) return rows[next].focus();
  const page = Number(asked.page) + by;
  if (place === -1 || page < 0 || page * PAGE >= matching.length) return undefined;
  turnTo(page);
  return by < 0 ? [...body.querySelectorAll("button.open")].at(-1)?.focus() : undefined;
}
