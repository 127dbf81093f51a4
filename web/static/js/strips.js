// The strip check: a sound and a flash for each hit, silence that counts on, the end of a test to be heard.
import { followLink } from "./link.js";
import { play, startSound, toggleMute } from "./sounds.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const check = document.getElementById("check");
let hits = counted();
let tests = ended();

function counted() {
  return new Map([...check.querySelectorAll("[data-line]")].map((line) => [line.dataset.line, Number(line.dataset.hits)]));
}

function ended() {
  return [...check.querySelectorAll("[data-test]")].map((test) => test.dataset.test + test.dataset.passed);
}

function sync() {
  const [now, before] = [counted(), hits];
  hits = now;
  let isHit = false;
  for (const [line, count] of now) {
    if (!(count > (before.get(line) ?? count))) continue;
    isHit = true;
    flash(check.querySelector(`[data-line="${CSS.escape(line)}"]`));
  }
  const [then, verdicts] = [tests, ended()];
  tests = verdicts;
  const done = verdicts.find((verdict, place) => verdict !== then[place] && verdict.startsWith("done"));
  if (done) play(done === "done1" ? "best" : "invalid");
  else if (isHit) play("lap");
  paintAges();
}

// A hit between two pictures would not be seen otherwise.
function flash(line) {
  if (calm.matches) return;
  const colour = getComputedStyle(line).getPropertyValue("--ok");
  line.animate([{ boxShadow: `inset 0 0 0 .6rem ${colour}` }, { boxShadow: "inset 0 0 0 0 transparent" }], 500);
}

function paintAges() {
  for (const age of check.querySelectorAll("[data-age]")) {
    if (age.seen !== age.dataset.stamp) [age.seen, age.since] = [age.dataset.stamp, performance.now()];
    const seconds = Math.floor((Number(age.dataset.age) + performance.now() - age.since) / 1000);
    const silence = seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
    const text = seconds < 2 ? "Just now" : `Silent for ${silence}`;
    if (age.textContent !== text) age.textContent = text;
  }
}

startSound(document.getElementById("mute"));
followLink(document.getElementById("stream"), document.getElementById("link"), sync);
document.addEventListener("htmx:after:swap", sync);
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "m" && !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey) toggleMute();
});
setInterval(paintAges, 250);
