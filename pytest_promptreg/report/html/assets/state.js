// What the reader has asked for. It stands behind the # of the address, so that a view can be sent to a colleague.

const NOTHING_ASKED = {
  q: "", suite: "", version: "", verdict: "", kind: "", tag: "", score: "", op: "<=", value: "",
  sort: "", page: "0", case: "",
};
let asked = { ...NOTHING_ASKED };
const listeners = [];

function readView(hash) {
  const given = new URLSearchParams(hash.slice(1));
  const read = { ...NOTHING_ASKED };
  for (const name of Object.keys(read)) if (given.has(name)) read[name] = given.get(name);
  return read;
}

function writeAddress() {
  const changed = Object.entries(asked).filter(([name, value]) => value !== NOTHING_ASKED[name]);
  const hash = new URLSearchParams(changed).toString();
  try {
    history.replaceState(null, "", hash ? `#${hash}` : `${location.pathname}${location.search}`);
  } catch {
    // Inside a frame without an origin the address stays as it is.
  }
}

/** Show what an address or a link asks for; a link to a case alone keeps the view behind it. */
function follow(hash) {
  if (!hash.includes("=")) return; // a place in the page
  const given = [...new URLSearchParams(hash.slice(1)).keys()];
  const opens = given.length === 1 && given[0] === "case";
  asked = opens ? { ...asked, case: readView(hash).case } : readView(hash);
  writeAddress();
  for (const listener of listeners) listener();
  if (!opens) document.getElementById("examples").scrollIntoView();
}

/** Take a change in, tell it in the address, and draw. A new question begins at the first page of its answer. */
function ask(changes) {
  const question = Object.keys(changes).some((name) => name !== "page" && name !== "case");
  asked = { ...asked, ...(question ? { page: "0" } : {}), ...changes };
  writeAddress();
  for (const listener of listeners) listener();
}
