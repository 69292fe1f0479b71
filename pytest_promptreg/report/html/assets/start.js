// Theme, keys, printing; and then everything is drawn once.

const PRINTED = 200;

function startTheme() {
  const root = document.documentElement, button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("promptreg-theme"); } catch { /* a frame without an origin keeps nothing */ }
  const draw = () => {
    const dark = chosen ? chosen === "dark" : system.matches;
    if (chosen) root.dataset.theme = chosen; else delete root.dataset.theme;
    button.textContent = dark ? "Light colours" : "Dark colours";
  };
  button.addEventListener("click", () => {
    const dark = chosen ? chosen === "dark" : system.matches;
    chosen = dark ? "light" : "dark";
    try { localStorage.setItem("promptreg-theme", chosen); } catch { /* it holds for this visit */ }
    draw();
  });
  system.addEventListener("change", draw);
  button.hidden = false;
  draw();
}

function startKeys() {
  const search = filters.querySelector("[name=q]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || dialog.open) return;
    const typing = event.target.closest?.("input, select, textarea");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      search.scrollIntoView({ block: "center" });
      search.focus();
    } else if (event.key === "Escape" && event.target === search && asked.q !== "") {
      search.value = "";
      ask({ q: "" });
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp")
      && (event.target === search || event.target.closest?.("#cases tbody"))) {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && event.target === search) {
      event.preventDefault();
      if (asked.q !== search.value) ask({ q: search.value });
    }
  });
}

/** Paper gets every case that breached, failed or could not be judged, up to a number, and no table to click on. */
function fillPaper() {
  const paper = document.getElementById("printed");
  const harmless = INDEX.verdicts.indexOf("changed");
  const told = inOrderOfHarm(CASES.filter((item) => !(item.flags & PASSED) || item.verdict < harmless));
  paper.replaceChildren(...told.slice(0, PRINTED).map((item) => {
    const texts = TEXTS.of(item.number);
    return h("article", { class: "case" }, h("h3", {}, caseHeading(item)), reasons(item, texts, "h4"),
      outputs(item, texts, "h4"));
  }));
  if (told.length) paper.prepend(h("h2", {}, `To be read first: ${counted(told.length, "case")}`));
  if (told.length > PRINTED) paper.append(h("p", {}, `and ${told.length - PRINTED} more`));
}

document.documentElement.classList.add("scripted");
startTheme();
startExamples();
startCase();
startPlots();
startKeys();
addEventListener("beforeprint", fillPaper);
addEventListener("afterprint", () => document.getElementById("printed").replaceChildren());
addEventListener("hashchange", () => follow(location.hash));
document.addEventListener("click", (event) => { // inside a frame without an origin the browser would not follow it
  const link = event.target.closest?.('a[href*="="]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  follow(link.getAttribute("href"));
});
asked = readView(location.hash);
for (const listener of listeners) listener();
document.documentElement.dataset.ready = "yes";
