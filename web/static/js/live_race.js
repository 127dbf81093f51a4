// Who is on the track: one card for each live race, with clocks that run by this device between the server's messages.
import { countdown, flag, initials, lap, put } from "./formats.js";

const WORDS = { ready: "Ready to start", running: "On the track", paused: "Paused", over: "Finished" };

/** Cards in `section`, cloned from `template`. `options`: average, flags (bool), trackNames ({id: name}), bestMs() or none. */
export class LiveRaces {
  constructor(section, template, options) {
    this.section = section;
    this.template = template;
    this.options = options;
    this.races = new Map();
    this.stopped = false;
    this.frame = this.frame.bind(this);
  }

  /** All live races, as the snapshot has them. */
  all(races) {
    this.races.clear();
    this.section.replaceChildren();
    for (const race of races) this.update(race);
  }

  /** One race as it is now; a race that is handed in or thrown away goes. */
  update(race) {
    let card = this.races.get(race.race_id)?.card;
    if (!(race.state in WORDS)) {
      card?.remove();
      this.races.delete(race.race_id);
      return;
    }
    for (const [id, other] of this.races) {
      // A track has one live race: a new one there means that the old one is over, whatever we have missed.
      if (other.race.track_id === race.track_id && id !== race.race_id) {
        other.card.remove();
        this.races.delete(id);
      }
    }
    if (!card) {
      card = this.template.content.firstElementChild.cloneNode(true);
      card.dataset.race = race.race_id;
      this.section.append(card);
    }
    this.races.set(race.race_id, { race, card, at: performance.now(), slots: slotsOf(card) });
    this.fill(this.races.get(race.race_id));
    requestAnimationFrame(this.frame);
  }

  /** Clocks of a lost link stand still. */
  link(isLive) {
    this.stopped = !isLive;
    this.section.classList.toggle("stale", this.stopped);
    if (isLive) requestAnimationFrame(this.frame);
  }

  fill({ race, card, slots }) {
    card.className = `race c-${race.colour ?? "blue"}`;
    card.dataset.state = race.state;
    put(slots.name, race.username + (race.by_proxy ? "*" : ""));
    const avatar = card.querySelector(".avatar");
    avatar.replaceChildren(initials(race.username));
    if (race.country && this.options.flags) avatar.append(flag(race.country));
    put(slots.state, race.time_up && race.state !== "over" ? "Time is up: last lap" : WORDS[race.state]);
    put(slots.track, this.options.trackNames[race.track_id] ?? "");
    put(slots.run, race.run ? `, run ${race.run}` : "");
    const best = race.best_average;
    if (this.options.average) {
      put(slots["best-label"], best ? `Best average, laps ${best.first_lap}–${best.last_lap}` : "Best average");
      put(slots.best, lap(best?.average_ms));
    } else put(slots.best, lap(race.best_ms));
    put(slots.last, lap(race.last_lap?.lap_ms));
    slots.last.className = lapClass(race, this.options.bestMs?.());
    put(slots["lap-label"], `Lap ${race.laps + 1}`);
    slots.left.parentElement.hidden = race.race_left_ms == null;
    this.clocks(this.races.get(race.race_id), performance.now());
  }

  clocks({ race, at, slots, card }, now) {
    const since = race.state === "running" && !this.stopped ? now - at : 0;
    const left = race.race_left_ms == null ? null : Math.max(0, race.race_left_ms - since);
    put(slots.left, countdown(left));
    put(slots.lap, lap(race.lap_elapsed_ms + since));
    card.classList.toggle("ending", left != null && left <= 10000 && race.state === "running");
  }

  frame(now) {
    cancelAnimationFrame(this.next);
    if (this.stopped) return;
    let running = false;
    for (const one of this.races.values()) {
      if (one.race.state !== "running") continue;
      this.clocks(one, now);
      running = true;
    }
    if (running) this.next = requestAnimationFrame(this.frame);
  }
}

/** Red: invalid; purple: at or below the event's best; green: the racer's own best; yellow: slower (drem.md 4.3). */
function lapClass({ last_lap: last, best_ms: best }, eventBest) {
  if (!last) return "";
  if (!last.valid) return "t-bad";
  if (eventBest != null && last.lap_ms <= eventBest) return "t-best";
  return last.lap_ms <= best ? "t-own" : "t-slow";
}

function slotsOf(card) {
  return Object.fromEntries([...card.querySelectorAll("[data-f]")].map((slot) => [slot.dataset.f, slot]));
}
