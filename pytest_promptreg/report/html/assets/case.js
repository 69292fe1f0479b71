// One case, opened: why it is what it is, both outputs side by side, and what the model was given.

const dialog = document.getElementById("case");
let opener = null;

/** Both sides of a difference as two lists of nodes: shared texts, and marked ones that one side has. */
function marked(pieces) {
  const old = [], now = [];
  for (let place = 0; place < pieces.length; place += 3) {
    const [same, removed, added] = pieces.slice(place, place + 3);
    if (same) { old.push(same); now.push(same); }
    if (removed) old.push(...hugged("del", removed));
    if (added) now.push(...hugged("ins", added));
  }
  return [old, now];
}

/** A mark hugs its words: the white space before them stays outside. */
function hugged(tag, text) {
  const bare = text.trimStart();
  return bare ? [text.slice(0, text.length - bare.length), h(tag, {}, bare)] : [h(tag, {}, text)];
}

function outputs(item, texts, heading = "h3") {
  const suite = INDEX.suites[item.suite];
  const nothing = (why) => [h("em", {}, why)];
  let old, now;
  if (texts.d) [old, now] = marked(texts.d);
  else {
    old = texts.e ? [texts.o] : texts.a === undefined ? nothing("no accepted output") : [texts.a];
    now = texts.o === undefined ? nothing("no output") : [texts.o];
  }
  const filled = (nodes) => (nodes.length && nodes.some((node) => node !== "") ? nodes : nothing("empty"));
  return [
    h(heading, {}, texts.e ? "The outputs, which are the same" : "The outputs side by side",
      texts.s ? `: the worst of ${texts.s.length} samples` : ""),
    texts.o !== undefined && texts.a !== undefined
      && h("p", { class: "dim" }, "There is too much text in this run to mark what changed in every output."),
    h("table", { class: "words" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, `baseline${suite.baseline ? ` (${suite.baseline})` : ""}`),
        h("th", { scope: "col" }, item.label))),
      h("tbody", {}, h("tr", {}, h("td", { dir: "auto" }, filled(old)), h("td", { dir: "auto" }, filled(now))))),
    texts.s && h("details", {}, h("summary", {}, "All samples"),
      h("ol", {}, texts.s.map((sample) => h("li", {}, h("pre", { dir: "auto" }, sample))))),
  ];
}

function scores(item, texts) {
  const terms = INDEX.suites[item.suite].terms.filter((term, place) => item.scores[place] !== null);
  if (!terms.length) return [];
  const own = EXAMPLE_TEXTS.of(item.exampleNumber).g;
  return [h("h3", {}, "Scores"), wide("Scores", h("table", { class: "numbers" },
    h("thead", {}, h("tr", {}, ["metric", "score", "best", "gate"].map((name) => h("th", {
      scope: "col", class: name === "score" || name === "best" ? "number" : null,
    }, name)))),
    h("tbody", {}, terms.map((term) => {
      const gates = own ? own[term.name] ?? [] : term.gates;
      const broken = (texts.b ?? []).some((line) => line === term.name || line.startsWith(`${term.name} `));
      return h("tr", { class: broken ? "broken" : null },
        h("th", { scope: "row" }, term.name),
        h("td", { class: "number" }, shown(scoreOf(item, term.name), term.digits), broken ? " (breach)" : ""),
        h("td", { class: "number" }, shown(asNumber(term.best), term.digits)),
        h("td", {}, gates.length ? gates.join("; ") : "none"));
    }))))];
}

function given(item) {
  const texts = EXAMPLE_TEXTS.of(item.exampleNumber);
  const parts = [];
  if (texts.r !== undefined) parts.push(h("h3", {}, "Reference: the expected answer"), h("pre", { dir: "auto" }, texts.r));
  if (texts.i.length) {
    parts.push(h("h3", {}, "Inputs"), h("dl", { class: "inputs" },
      texts.i.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, h("pre", { dir: "auto" }, value))])));
  }
  if (item.tags.length) parts.push(h("p", {}, `Tags: ${item.tags.map((tag) => INDEX.tags[tag]).join(", ")}`));
  if (texts.w) parts.push(h("p", { class: "dim" }, `Declared in ${texts.w}`));
  return parts;
}

function callFacts(item, texts) {
  const told = [
    ["came from", item.flags & REPLAYED ? "a recorded call" : item.flags & CALLED ? "a call in this run" : null],
    ["latency", item.latency === null ? null : seconds(item.latency)],
    ["tokens in", item.input], ["tokens out", item.output],
    ["cost", item.cost === null ? null : `$${item.cost.toPrecision(3)}`],
    ["tried again after", texts.r ? texts.r.join(", ") : null],
  ].filter(([, value]) => value !== null && value !== undefined);
  return told.length
    ? [h("h3", {}, "The call"), h("dl", { class: "facts" }, told.map(([name, value]) => h("div", {},
      h("dt", {}, name), h("dd", {}, String(value)))))]
    : [];
}

function reasons(item, texts, heading = "h3") {
  const verdict = INDEX.verdicts[item.verdict];
  return [
    (texts.b ?? []).map((line) => h("p", { class: "breach" }, line)),
    texts.m && h("p", { class: "breach" }, texts.m),
    !(item.flags & PASSED) && (verdict === "changed" || verdict === "unchanged")
      && h("p", { class: "breach" }, "A check that the test makes by itself failed."),
    texts.f && [h(heading, {}, `What kind of change it is: ${item.kinds.map((kind) => INDEX.kinds[kind]).join(", ")}`),
      h("ul", {}, texts.f.map(([name, detail]) => h("li", {}, h("b", {}, name), detail ? `: ${detail}` : "")))],
    texts.w && h("p", {}, `Worth a look: ${texts.w.join(", ")}`),
  ].flat();
}

/** Everything about a case, as elements. */
function caseParts(item) {
  const texts = TEXTS.of(item.number);
  return [reasons(item, texts), outputs(item, texts), scores(item, texts), given(item), callFacts(item, texts),
    texts.n ? [h("p", { class: "dim" }, "Run it alone: ", h("code", {}, texts.n))] : []].flat();
}

function caseHeading(item) {
  const suite = INDEX.suites.length > 1 ? `${INDEX.suites[item.suite].name}, ` : "";
  return [h("span", { dir: "auto" }, item.id), " ", verdictChip(item), h("small", {}, ` ${suite}version ${item.label}`)];
}

function neighbour(by) {
  const place = matching.findIndex((item) => item.number === Number(asked.case));
  return place === -1 ? undefined : matching[place + by];
}

function go(by) {
  const next = neighbour(by);
  if (next) ask({ case: String(next.number), page: String(Math.floor(matching.indexOf(next) / PAGE)) });
}

function drawCase() {
  const item = asked.case === "" ? undefined : CASES[Number(asked.case)];
  if (!item) {
    if (dialog.open) dialog.close();
    return;
  }
  const before = neighbour(-1), after = neighbour(1);
  const focused = dialog.open ? document.activeElement?.dataset?.go : undefined;
  dialog.replaceChildren(
    h("div", { class: "bar" },
      h("h2", { id: "case-heading" }, caseHeading(item)),
      h("div", { class: "buttons" },
        h("button", { type: "button", "data-go": "-1", disabled: !before, click: () => go(-1) }, "← Previous"),
        h("button", { type: "button", "data-go": "1", disabled: !after, click: () => go(1) }, "Next →"),
        h("button", { type: "button", "data-go": "0", click: () => dialog.close() }, "Close"))),
    h("div", { class: "content", tabindex: "0", role: "region", "aria-label": "The case" }, caseParts(item)));
  if (!dialog.open) {
    opener = document.activeElement;
    dialog.showModal();
    dialog.querySelector(".content").focus();
  } else {
    const button = focused && dialog.querySelector(`[data-go="${focused}"]:not(:disabled)`);
    (button || dialog.querySelector(".content")).focus();
  }
}

function startCase() {
  listeners.push(drawCase);
  dialog.addEventListener("close", () => {
    const number = asked.case;
    if (number !== "") ask({ case: "" });
    const row = body.querySelector(`tr[data-number="${CSS.escape(number)}"] button`);
    (opener && opener.isConnected && opener !== document.body ? opener : row)?.focus();
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "ArrowLeft") go(-1);
    else if (event.key === "ArrowRight") go(1);
  });
}
