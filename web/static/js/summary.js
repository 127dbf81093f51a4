// The finisher's moment at the foot of the board: DREM's race summary (its website/leaderboard).
import { flag, gap, initials, lap } from "./formats.js";

function node(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

const figure = (label, text, className) => node("div", "", node("dt", "", label), node("dd", className, text));

/** Places won or lost: places before and now, null when there was none. */
export function change(before, now) {
  if (now == null) return ["–", ""];
  if (before == null) return ["new", "delta up"];
  if (before === now) return ["=", "delta"];
  return before > now ? [`▲ ${before - now}`, "delta up"] : [`▼ ${now - before}`, "delta down"];
}

/** Fill `section` from one row of the board. */
export function fillSummary(section, { standing, place, gap: behind }, before, { average, flags }) {
  const avatar = node("span", "avatar", initials(standing.username));
  if (standing.country && flags) avatar.append(flag(standing.country));
  const best = standing.best_average;
  const figures = [
    figure("Rank", place == null ? "–" : String(place)),
    figure("Change", ...change(before, place)),
    figure("Gap to best", behind == null ? "–" : behind ? gap(behind) : "leading"),
  ];
  if (average) {
    figures.push(
      figure(best ? `Best average, laps ${best.first_lap}–${best.last_lap}` : "Best average", lap(best?.average_ms)),
      figure("Longest valid run", String(standing.longest_valid_run)),
    );
  } else {
    figures.push(
      figure("Fastest", lap(standing.best_ms)),
      figure("Average lap", lap(standing.mean_ms)),
      figure("Completion", `${standing.completion_percent} %`),
      figure("Laps per run", standing.laps_per_run.toFixed(1)),
    );
  }
  section.className = `summary c-${standing.colour ?? "blue"}`;
  section.replaceChildren(
    node("div", "rn", avatar, node("b", "nm", standing.username + (standing.by_proxy ? "*" : ""))),
    node("dl", "", ...figures),
  );
}
