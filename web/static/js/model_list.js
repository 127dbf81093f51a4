// The list of models follows by itself: what changed is drawn anew, what somebody has opened or types in stays.
import { ask } from "./ask.js";

const CHECKING_MS = 1500; // one of them is being looked into: its racer waits for the word
const NAMES = { ok: "ok", bad: "bad" };

/** Keep `section` as the server has it. `data-every`: also without cause, in so many seconds (the crew's list). */
export function watchModels(section) {
  if (!section) return { look: async () => {}, expect: async () => {} };
  const everyMs = Number(section.dataset.every || 0) * 1000;
  let timer = 0;
  let asked = null;
  let next = null;
  let isLost = false;
  const awaited = new Set(); // models that came from here, and whose word nobody has said yet

  async function fetchFresh() {
    const answer = await ask(location.href).catch(() => null);
    isLost = !answer || answer.status >= 500;
    if (answer?.status !== 200 || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(answer.text, "text/html").getElementById(section.id);
    if (fresh) follow(section, fresh, awaited);
  }

  /** Ask now. An answer that was on its way may be older than what is asked for: then once more. */
  function look() {
    clearTimeout(timer);
    if (asked) {
      next ??= asked.then(() => {
        next = null;
        return look();
      });
      return next;
    }
    asked = fetchFresh().finally(() => {
      asked = null;
      plan();
    });
    return asked;
  }

  /** A model that was sent from here is there: say what becomes of it, also where that was quick. */
  function expect(modelId) {
    awaited.add(`m-${modelId}`);
    return look();
  }

  function plan() {
    clearTimeout(timer);
    const isChecking = section.querySelector("[data-status=UPLOADED]");
    const afterMs = isChecking || isLost ? CHECKING_MS : everyMs;
    if (afterMs && !document.hidden) timer = setTimeout(look, afterMs);
  }

  document.addEventListener("visibilitychange", () => !document.hidden && look());
  section.addEventListener("toggle", (event) => !event.target.open && look(), true);
  addEventListener("online", look);
  plan();
  return { look, expect };
}

/** Rows by their id; everything else is taken as it comes. */
function follow(section, fresh, awaited) {
  for (const row of fresh.querySelectorAll("[data-status]")) {
    if (!awaited.has(row.id) || row.dataset.status === "UPLOADED") continue;
    awaited.delete(row.id);
    if (!document.getElementById(row.id)) tell(row);
  }
  const [now, then] = [section.querySelector("[data-rows]"), fresh.querySelector("[data-rows]")];
  if (!now || !then) {
    if (!isBusy(section)) section.replaceChildren(...fresh.childNodes);
    return;
  }
  for (const part of fresh.querySelectorAll("[data-part]")) {
    section.querySelector(`[data-part="${part.dataset.part}"]`)?.replaceWith(part);
  }
  const old = new Map([...now.children].map((row) => [row.id, row]));
  const rows = [...then.children].map((row) => kept(old.get(row.id), row));
  for (const row of [...now.children]) if (!rows.includes(row)) row.remove();
  rows.forEach((row, place) => now.children[place] !== row && now.insertBefore(row, now.children[place] ?? null));
}

function kept(old, row) {
  if (!old) return row;
  const isNews = old.dataset.status !== row.dataset.status;
  if (isNews) {
    tell(row);
    old.dataset.status = row.dataset.status;
    old.dataset.late = "";
  }
  // News waits only for what is open; it may take the focus from a button.
  const stays = "late" in old.dataset ? isOpen(old) : old.dataset.stamp === row.dataset.stamp || isBusy(old);
  if (stays) return old;
  old.replaceWith(row);
  return row;
}

/** Somebody is about to rename or delete it. */
function isBusy(element) {
  return isOpen(element) || element.contains(document.activeElement);
}

function isOpen(element) {
  return element.querySelector("details[open]") !== null;
}

function tell(row) {
  const { told, look } = row.dataset;
  if (told) document.dispatchEvent(new CustomEvent("toast", { detail: { text: told, kind: NAMES[look] ?? "" } }));
}
