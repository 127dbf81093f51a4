// Home, a racer's page and one's own page: live races from the stream, the rest of the page fetched again when it changed.
import { ask } from "./ask.js";
import { LiveRaces } from "./live_race.js";
import { follow } from "./stream.js";

const OWN_MS = 500; // my own result is worth a quick look
const OTHERS_MS = 10000; // a hall full of phones must not ask all at once

const TRY_AGAIN_MS = [1000, 3000, 6000];

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

/** A function that asks for `address`, again where no answer came; null when there is nothing new to show. */
function asker(address) {
  let latest = 0;
  let shown = 0;
  return async () => {
    const asking = ++latest;
    for (const pauseMs of [...TRY_AGAIN_MS, 0]) {
      const answer = await ask(address).catch(() => null);
      if (answer && answer.status < 500) {
        if (asking < shown) return null;
        shown = asking;
        return answer.status === 200 ? answer : null;
      }
      await new Promise((done) => setTimeout(done, pauseMs * (0.5 + Math.random())));
      if (asking !== latest) return null; // whoever asked since tries for both
    }
    return null;
  };
}

const askPage = asker(location.href);
const askTurn = asker("/me/turn");

async function fetchParts() {
  waiting = 0;
  const answer = await askPage();
  const fresh = answer && new DOMParser().parseFromString(answer.text, "text/html").getElementById("parts");
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
  const answer = await askTurn();
  if (!answer || answer.redirected) return; // signed out meanwhile
  turns.innerHTML = answer.text;
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
