// The timekeeper's and the queue's page: clocks, keys, sounds; presses are in press.js, the link's marker in link.js.
import { followLink } from "./link.js";
import { startPresses, press, pendingKinds } from "./press.js";
import { play, startSound, toggleMute } from "./sounds.js";

const KEYS = { l: "lap", enter: "lap", r: "reset", e: "undo_reset", d: "dnf", u: "undo_lap", x: "end", s: "submit", c: "cancel_end" };

const race = document.getElementById("race");
let shown = { stamp: null, race: null, laps: 0, at: 0 };

followLink(document.getElementById("stream"), document.getElementById("link"), sync);

// ---- the panel: what came, and running the clocks from then on

function panel() {
  return race?.firstElementChild;
}

function sync() {
  const now = panel();
  if (!now || now.dataset.stamp === shown.stamp) return;
  const { race: raceId, laps, sound, stamp } = now.dataset;
  const count = Number(laps || 0);
  if (raceId && raceId === shown.race && count > shown.laps) play(sound);
  shown = { stamp, race: raceId, laps: count, at: performance.now() };
  markPending();
  // A focused button that became disabled would swallow the keys.
  if (document.activeElement?.disabled) document.activeElement.blur();
  paint();
}

function clockText(ms) {
  const tenths = Math.floor(Math.max(0, ms) / 100);
  const minutes = Math.floor(tenths / 600);
  return `${String(minutes).padStart(2, "0")}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

function paint() {
  const now = panel();
  if (!now?.dataset.race) return;
  const run = now.dataset.state === "running" ? performance.now() - shown.at : 0;
  const left = now.dataset.left === "" ? Number(now.dataset.elapsed) + run : Number(now.dataset.left) - run;
  set(now.querySelector("[data-clock=race]"), clockText(left));
  set(now.querySelector("[data-clock=lap]"), clockText(Number(now.dataset.lap) + run));
  now.querySelector(".tk-clocks")?.classList.toggle("last-seconds", now.dataset.left !== "" && left <= 10000);
}

function set(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function paintAges() {
  for (const age of document.querySelectorAll("[data-age]")) {
    if (age.seen !== age.dataset.stamp) [age.seen, age.since] = [age.dataset.stamp, performance.now()];
    const seconds = Math.floor((Number(age.dataset.age) + performance.now() - age.since) / 1000);
    set(age, seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`);
  }
}

function frame() {
  paint();
  requestAnimationFrame(frame);
}

// ---- presses

function markPending() {
  const kinds = pendingKinds();
  for (const button of document.querySelectorAll("[data-kind]")) {
    const waits = button.dataset.kind !== "set_validity" && kinds.has(button.dataset.kind);
    button.classList.toggle("pending", waits);
  }
}

function button(kind) {
  const found = race.querySelector(`button[data-kind="${kind}"]`);
  return found && !found.disabled ? found : null;
}

function act(kind, event) {
  const raceId = panel()?.dataset.race;
  if (raceId) press(raceId, { kind }, pressedAt(event));
}

/** When it was pressed, by performance.now(): a page that was busy drawing hears of it later. */
function pressedAt(event) {
  const now = performance.now();
  return event.timeStamp > now - 1000 && event.timeStamp < now ? event.timeStamp : now;
}

function submitted(event) {
  const form = event.target;
  if (!form.matches("[data-act]")) return;
  event.preventDefault();
  const data = new FormData(form, event.submitter);
  const kind = data.get("kind");
  if (event.submitter?.dataset.confirm) {
    document.getElementById(event.submitter.dataset.confirm).showModal();
    return;
  }
  const fields = {};
  if (data.has("lap")) fields.lap = Number(data.get("lap"));
  for (const name of ["valid", "by_proxy"]) if (data.has(name)) fields[name] = data.get(name) === "1";
  press(form.dataset.act, { kind, ...fields }, pressedAt(event));
}

// A key belongs to the page unless somebody types, a dialog is open, or a button was reached with Tab. What the race has
// just hidden keeps the focus until the browser draws, and takes no key.
function isTaken(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return true;
  const target = event.target;
  if (!target.getClientRects().length) return false;
  if (target.closest("input:not([type=checkbox], [type=radio]), textarea, select")) return true;
  const activates = event.key === " " || event.key === "Enter";
  return activates && target.closest("a, button, summary, input");
}

function kindOf(event) {
  const key = event.key.toLowerCase();
  if (key === " ") return ["start", "pause", "resume"].find(button);
  if (key === "r" && event.shiftKey) return "undo_reset";
  return KEYS[key];
}

function keyed(event) {
  if (isTaken(event)) return;
  const key = event.key.toLowerCase();
  if (key === "m" && !event.repeat) toggleMute();
  else if (key === "n") {
    if (!event.repeat) race.querySelector("[data-next]")?.click();
  } else {
    const kind = kindOf(event);
    if (!kind && key !== " ") return;
    event.preventDefault();
    if (event.repeat || !kind) return;
    if (button(kind)) act(kind, event);
  }
}

if (race) {
  startPresses(document.querySelector("[data-unsent]"), () => markPending());
  startSound(document.getElementById("mute"));
  document.addEventListener("submit", submitted);
  document.addEventListener("keydown", keyed);
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && !isTaken(event)) event.preventDefault();
  });
  // After a press with mouse or finger the keys belong to the page again.
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button, a[hx-get]");
    if (pressed && event.detail > 0) pressed.blur();
    if (pressed?.dataset.do) act(pressed.dataset.do, event);
  });
  document.addEventListener("htmx:after:swap", sync);
  sync();
  frame();
  setInterval(paintAges, 250);
}
