// Presses on the race: each gets an id and a stamp, and is sent until the box has answered, in order, one after the other.
// The same press sent twice counts once (the id), it counts when it was pressed (the stamp), a double click is one press,
// and what was not answered yet is shown.
import { startBoxClock, stampOf } from "./box_clock.js";

const SAME_PRESS_MS = 250; // a double click; nobody means two laps or two resets this fast
const TRY_AGAIN_MS = [200, 400, 800, 1500]; // then every 1.5 s
const ANSWER_MS = 4000;
const SHOW_AFTER_MS = 700;

const waiting = [];
let sending = false;
let list = null;
let changed = () => {};
let last = { kind: "", lap: null, at: -1e9 };

/** A UUID without crypto.randomUUID, which plain HTTP does not have. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

export function startPresses(unsentList, onChange) {
  list = unsentList;
  changed = onChange;
  startBoxClock();
  addEventListener("beforeunload", (event) => {
    if (waiting.length) event.preventDefault();
  });
}

/** Kinds that wait for an answer. */
export function pendingKinds() {
  return new Set(waiting.map((one) => one.action.kind));
}

/** A press at `now` of performance.now(). */
export function press(raceId, fields, now = performance.now()) {
  const lap = fields.lap ?? null;
  if (fields.kind === last.kind && lap === last.lap && now - last.at < SAME_PRESS_MS) return;
  last = { kind: fields.kind, lap, at: now };
  const at = new Date(Date.now() - (performance.now() - now));
  waiting.push({ raceId, action: { ...fields, action_id: newId() }, stamp: stampOf(now), tries: 0, at });
  show();
  setTimeout(show, SHOW_AFTER_MS + 20);
  send();
}

async function send() {
  if (sending) return;
  sending = true;
  while (waiting.length) {
    const one = waiting[0];
    const done = await tried(one);
    if (waiting[0] === one && done) waiting.shift();
    show();
    if (!done) await pause(TRY_AGAIN_MS[Math.min(one.tries++, TRY_AGAIN_MS.length - 1)]);
  }
  sending = false;
}

/** True once the box has answered, whatever it said; false when it is to be sent again. */
async function tried(one) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ANSWER_MS);
  try {
    const answer = await fetch(`/api/races/${encodeURIComponent(one.raceId)}/actions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrftoken": token() },
      body: bodyOf(one),
      signal: abort.signal,
    });
    if (answer.ok) {
      await answer.text(); // an answer left unread holds one of the browser's six connections
      return true;
    }
    if (answer.status >= 500) {
      one.why = (await problem(answer)).text;
      return false;
    }
    const { text } = await problem(answer);
    say(text, "bad");
    if (answer.status === 401) setTimeout(() => (location.href = `/sign-in?next=${encodeURIComponent(location.pathname)}`), 1500);
    return true;
  } catch {
    one.why = "The box does not answer.";
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** The stamp's ns are written as they are: a Number would round them from 2^53 on. */
function bodyOf({ action, stamp }) {
  if (!stamp) return JSON.stringify(action);
  const rest = JSON.stringify({ ...action, pressed_boot_id: stamp.bootId });
  return `{"pressed_at_ns":${stamp.ns},${rest.slice(1)}`;
}

async function problem(answer) {
  try {
    const { message, remedy } = await answer.json();
    return { text: `${message} ${remedy}` };
  } catch {
    return { text: "That did not work. Try again." };
  }
}

function token() {
  return JSON.parse(document.body.getAttribute("hx-headers:inherited") || "{}")["x-csrftoken"] || "";
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const say = (text, kind) => document.dispatchEvent(new CustomEvent("toast", { detail: { text, kind } }));

const NAMES = { start: "Start", pause: "Pause", resume: "Resume", lap: "Lap", reset: "Reset +1", undo_reset: "Reset −1", dnf: "Did not finish", undo_lap: "Undo lap", end: "End race", cancel_end: "Back to the race" };

/** When it will count; the other kinds are corrections and ends, which have no moment. */
function when({ action, stamp }) {
  if (!NAMES[action.kind]) return "";
  return stamp ? " It will count as pressed." : " It will count when it arrives.";
}

/**
 * What has not been answered for a moment, each with a way to let it go.
 *
 * A press keeps its row for as long as it waits: a button made anew between a finger's touch and its lifting would
 * never hear of the click.
 */
function show() {
  const old = waiting.filter((one) => one.tries > 0 || Date.now() - one.at > SHOW_AFTER_MS);
  const rows = old.map((one) => (one.row ??= rowOf(one)));
  for (const row of [...list.children]) if (!rows.includes(row)) row.remove();
  rows.forEach((row, place) => {
    if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
    const text = wordsOf(old[place]);
    if (row.firstChild.textContent !== text) row.firstChild.textContent = text;
  });
  list.closest("section").hidden = old.length === 0;
  changed();
  document.dispatchEvent(new CustomEvent("presses", { detail: { waiting: waiting.length } }));
}

function rowOf(one) {
  const row = document.createElement("li");
  row.className = "split";
  const drop = document.createElement("button");
  drop.type = "button";
  drop.className = "btn small";
  drop.textContent = "Do not send";
  drop.addEventListener("click", () => {
    const place = waiting.indexOf(one);
    if (place >= 0) waiting.splice(place, 1);
    show();
  });
  row.append(document.createElement("span"), drop);
  return row;
}

function wordsOf(one) {
  const kind = one.action.kind.replaceAll("_", " ");
  const name = NAMES[one.action.kind] ?? kind[0].toUpperCase() + kind.slice(1);
  const why = one.why ?? (one === waiting[0] ? "Sending…" : "Waits its turn.");
  return `${name}, pressed ${one.at.toLocaleTimeString()}. ${why}${when(one)}`;
}
