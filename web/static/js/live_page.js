// Home, a racer's page and one's own page: live races from the stream, the rest of the page fetched again when it changed.
import { LiveRaces } from "./live_race.js";
import { follow } from "./stream.js";

const OWN_MS = 500; // my own result is worth a quick look
const OTHERS_MS = 10000; // a hall full of phones must not ask all at once

const section = document.getElementById("races");
const { live: event, format, racer } = section.dataset;
const link = document.getElementById("link");
const parts = document.getElementById("parts");
const turns = "turn" in section.dataset ? document.getElementById("turns") : null;
const template = document.getElementById("t-race");
const options = {
  average: format === "average",
  flags: true,
  trackNames: Object.fromEntries([...document.querySelectorAll("data.track-name")].map((one) => [one.value, one.textContent])),
};
const races = template ? new LiveRaces(section, template, options) : null;
const mine = (race) => !racer || race.racer_id === racer;
let version = Number(section.dataset.version);
let waiting = 0;
let missed = false;
let told = turns?.textContent ?? "";

async function fetchParts() {
  waiting = 0;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("parts");
  if (fresh) parts.replaceChildren(...fresh.childNodes);
}

function refresh(withinMs) {
  missed = document.hidden; // nobody looks: ask when somebody does
  if (!parts || waiting || missed) return;
  waiting = setTimeout(fetchParts, Math.random() * withinMs);
}

document.addEventListener("visibilitychange", () => !document.hidden && missed && refresh(OWN_MS));

async function fetchTurn() {
  if (!turns) return;
  const answer = await fetch("/me/turn").catch(() => null);
  if (!answer?.ok || answer.redirected) return; // signed out meanwhile
  turns.innerHTML = await answer.text();
  if (turns.textContent !== told) {
    told = turns.textContent;
    if (turns.querySelector(".bad, .warn")) navigator.vibrate?.([200, 100, 200]);
  }
}
const stream = `/api/events/${encodeURIComponent(event)}/live?track=combined&format=${format}`;
follow(() => `${stream}&version=${version}`, {
  snapshot(message) {
    races?.all(message.races.filter(mine));
    if (message.version !== version) refresh(OTHERS_MS);
    version = message.version;
    fetchTurn();
  },
  board(message) {
    version = message.version;
    refresh(message.finished?.racer_id === racer ? OWN_MS : OTHERS_MS);
  },
  race(race) {
    if (mine(race)) races?.update(race);
    if (race.state === "ready" && mine(race)) fetchTurn();
  },
  queue() {
    if (!racer) refresh(OTHERS_MS);
    setTimeout(fetchTurn, Math.random() * 1000);
  },
  link(isLive) {
    link.hidden = isLive;
    races?.link(isLive);
  },
});
