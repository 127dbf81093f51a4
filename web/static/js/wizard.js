// The race wizard: the box and the address know where it stands. This looks whether that is still so, says when the
// box does not answer, and gives the keyboard the step's own button.
const page = document.querySelector("main");
const link = document.getElementById("link");
const flow = () => document.getElementById("flow");
const startedWith = { race: flow().dataset.race, step: flow().dataset.step };
let step = startedWith.step;
let shown = panelKey();
let unanswered = 0;
let isLeaving = false;

function panel() {
  return document.querySelector("#race > .tk");
}

/** What the strip of steps depends on: the race on the track, whether it is over, what it is driven with. */
function panelKey() {
  const now = panel();
  return now ? [now.dataset.race, now.dataset.state === "over", now.querySelector(".tk-drives")?.textContent].join("|") : "";
}

function look() {
  const now = flow();
  // Somebody made the race, or handed it in: another page, with another script. While a press has no answer yet, the
  // browser would ask whether to leave; and to leave twice is to begin anew.
  if (now.dataset.race !== startedWith.race || (panel() && panel().dataset.race !== startedWith.race)) {
    if (unanswered || isLeaving) return;
    isLeaving = true;
    location.replace(now.dataset.here);
    return;
  }
  if (panel() && panelKey() !== shown) {
    shown = panelKey();
    htmx.trigger(document.getElementById("strip"), "stale");
  }
  if (now.dataset.step !== step) {
    step = now.dataset.step;
    now.querySelector("[data-first]")?.focus();
  }
}

function setLinked(isLinked) {
  if (startedWith.race) return; // the panel's stream says it
  link.hidden = false;
  link.className = isLinked ? "pill live" : "pill off";
  link.textContent = isLinked ? "live" : "not live: trying again";
}

document.addEventListener("htmx:after:swap", look);
document.addEventListener("presses", (event) => {
  unanswered = event.detail.waiting;
  if (!unanswered) look();
});
page.addEventListener("htmx:after:request", (event) => {
  if (event.detail.ctx.sourceElement?.matches?.("[data-poll]")) setLinked(event.detail.ctx.response.status < 400);
});
// What asks by itself needs no toast each second.
for (const name of ["htmx:error", "htmx:response:error"]) {
  page.addEventListener(name, (event) => {
    if (!event.detail.ctx?.sourceElement?.matches?.("[data-poll], #strip")) return;
    if (event.detail.ctx.response?.status === 401) return;
    event.stopPropagation();
    setLinked(false);
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "n" || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select") || document.querySelector("dialog[open]")) return;
  document.querySelector("#flow a[data-next]")?.click();
});
