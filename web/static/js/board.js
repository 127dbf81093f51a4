// The board page: rows and live races from the stream, the finisher's moment, and the slow scroll for the big screen.
import { flag } from "./formats.js";
import { LiveRaces } from "./live_race.js";
import { Rows } from "./rows.js";
import { follow } from "./stream.js";
import { fillSummary } from "./summary.js";

const HIGHLIGHT_MS = 12000; // these four are DREM's (its website/leaderboard)
const BACK_TO_TOP_MS = 60000;
const SCROLL_EVERY_MS = 600000;
const SCROLL_ROW_MS = 1000;
const HANDS_OFF_MS = 20000; // somebody is reading: do not scroll away from under the finger

const list = document.getElementById("rows");
const { event, track, format } = list.dataset;
const options = {
  event,
  average: format === "average",
  flags: "flag" in list.dataset,
  trackNames: Object.fromEntries([...document.querySelectorAll("data.track-name")].map((one) => [one.value, one.textContent])),
};
options.bestMs = () => (options.average ? null : (rows.order[0]?.value ?? null));
const rows = new Rows(list, document.getElementById("t-row"), options);
const races = new LiveRaces(document.getElementById("races"), document.getElementById("t-race"), options);
const link = document.getElementById("link");
const summary = document.getElementById("summary");
const lines = new Map();
let version = Number(list.dataset.version);
let touchedAt = -Infinity;
let timers = [];

for (const kind of ["pointerdown", "wheel", "keydown", "touchmove"]) {
  addEventListener(kind, () => (touchedAt = performance.now()), { passive: true });
}
const handsOff = () => performance.now() - touchedAt > HANDS_OFF_MS;
const toTop = () => scrollTo({ top: 0, behavior: "smooth" });

function showEmpty() {
  document.getElementById("empty").hidden = rows.order.length > 0;
  document.querySelector(".cols").hidden = rows.order.length === 0;
}

function celebrate({ racer_id: id, previous_place: before }) {
  const one = rows.byId.get(id);
  if (!one) return;
  stopMoment();
  fillSummary(summary, one, before, options);
  summary.hidden = false;
  one.element.classList.add("lit");
  if (handsOff()) one.element.scrollIntoView({ block: "center", behavior: "smooth" });
  timers = [setTimeout(stopMoment, HIGHLIGHT_MS), setTimeout(() => handsOff() && toTop(), BACK_TO_TOP_MS)];
}

function stopMoment() {
  clearTimeout(timers[0]);
  summary.hidden = true;
  for (const element of list.querySelectorAll(".lit")) element.classList.remove("lit");
}

function slowScroll() {
  if (!handsOff() || !summary.hidden) return;
  const step = setInterval(() => {
    const root = document.scrollingElement;
    const atEnd = root.scrollTop + innerHeight >= root.scrollHeight - 2;
    if (atEnd || !handsOff() || !summary.hidden) {
      clearInterval(step);
      if (atEnd) toTop();
    } else scrollBy({ top: list.firstElementChild?.offsetHeight ?? 60, behavior: "smooth" });
  }, SCROLL_ROW_MS);
}
if ("scroll" in list.dataset) setInterval(slowScroll, SCROLL_EVERY_MS);

function showNext() {
  const waiting = [...lines].filter(([, racers]) => racers.length);
  document.getElementById("next").replaceChildren(
    ...waiting.map(([id, racers]) => {
      const line = document.createElement("p");
      line.className = "next";
      const title = document.createElement("b");
      title.textContent = waiting.length > 1 ? `Next on ${options.trackNames[id]}` : "Next";
      const names = racers.map((racer) => {
        const name = document.createElement("span");
        name.append(racer.username, ...(racer.country && options.flags ? [" ", flag(racer.country)] : []));
        return name;
      });
      line.append(title, ...names.flatMap((name) => [" ", name]));
      return line;
    }),
  );
}

const shownHere = (one) => track === "combined" || one.track_id === track;

const stream = `/api/events/${encodeURIComponent(event)}/live?track=${encodeURIComponent(track)}&format=${format}`;
follow(() => `${stream}&version=${version}`, {
  snapshot(message) {
    version = message.version;
    if (message.rows) rows.all(message.rows);
    races.all(message.races.filter(shownHere));
    lines.clear();
    for (const line of message.next.filter(shownHere)) lines.set(line.track_id, line.racers);
    showNext();
    showEmpty();
  },
  board(message) {
    if (message.version <= version) return undefined;
    if (message.previous_version !== version || !rows.change(message)) {
      version = -1; // what is shown is not what the server has: ask for all of it
      return "again";
    }
    version = message.version;
    showEmpty();
    if (message.finished) celebrate(message.finished);
    return undefined;
  },
  race(race) {
    if (shownHere(race)) races.update(race);
  },
  queue(line) {
    if (!shownHere(line)) return;
    lines.set(line.track_id, line.next);
    showNext();
  },
  link(isLive) {
    link.hidden = isLive;
    races.link(isLive);
  },
});
