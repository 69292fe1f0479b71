// What the reader has asked for. It stands behind the # of the address, so that a view can be sent to a colleague.

const NOTHING_ASKED = {
  q: "", suite: "", version: "", verdict: "", kind: "", tag: "", score: "", op: "<=", value: "",
  sort: "", page: "0", case: "",
};
let asked = { ...NOTHING_ASKED };
const listeners = [];

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const read = { ...NOTHING_ASKED };
  for (const name of Object.keys(read)) if (given.has(name)) read[name] = given.get(name);
  return read;
}

const addressIsView = () => location.hash.includes("=");

function writeAddress() {
  const changed = Object.entries(asked).filter(([name, value]) => value !== NOTHING_ASKED[name]);
  const hash = new URLSearchParams(changed).toString();
  try {
    history.replaceState(null, "", hash ? `#${hash}` : `${location.pathname}${location.search}`);
  } catch {
    // Inside a frame without an origin the address stays as it is.
  }
}

/** Take a change in, tell it in the address, and draw. A new question begins at the first page of its answer. */
function ask(changes) {
  const question = Object.keys(changes).some((name) => name !== "page" && name !== "case");
  asked = { ...asked, ...(question ? { page: "0" } : {}), ...changes };
  writeAddress();
  for (const listener of listeners) listener();
}
