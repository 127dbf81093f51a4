// The list of models follows by itself: what changed is drawn anew, what somebody has opened or types in stays.
import { ask } from "./ask.js";

const CHECKING_MS = 1500; // one of them is being looked into: its racer waits for the word
const NAMES = { ok: "ok", bad: "bad" };

/** Keep `section` as the server has it. `data-every`: also without cause, in so many seconds (the crew's list). */
export function watchModels(section) {
  if (!section) return { look: async () => {} };
  const everyMs = Number(section.dataset.every || 0) * 1000;
  let timer = 0;
  let asked = null;

  async function fetchFresh() {
    const answer = await ask(location.href).catch(() => null);
    if (answer?.status !== 200 || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(answer.text, "text/html").getElementById(section.id);
    if (fresh) follow(section, fresh);
  }

  /** Ask now; those who ask meanwhile get the same answer. */
  function look() {
    clearTimeout(timer);
    asked ??= fetchFresh().finally(() => {
      asked = null;
      plan();
    });
    return asked;
  }

  function plan() {
    clearTimeout(timer);
    const isChecking = section.querySelector("[data-status=UPLOADED]");
    const afterMs = isChecking ? CHECKING_MS : everyMs;
    if (afterMs && !document.hidden) timer = setTimeout(look, afterMs);
  }

  document.addEventListener("visibilitychange", () => !document.hidden && look());
  addEventListener("online", look);
  plan();
  return { look };
}

/** Rows by their id; everything else is taken as it comes. */
function follow(section, fresh) {
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
  if (old.dataset.status !== row.dataset.status) tell(row);
  else if (old.dataset.stamp === row.dataset.stamp || isBusy(old)) return old;
  old.replaceWith(row);
  return row;
}

/** Somebody is about to rename or delete it. */
function isBusy(element) {
  return element.querySelector("details[open]") !== null || element.contains(document.activeElement);
}

function tell(row) {
  const { told, look } = row.dataset;
  if (told) document.dispatchEvent(new CustomEvent("toast", { detail: { text: told, kind: NAMES[look] ?? "" } }));
}
