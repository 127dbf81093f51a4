// The board's rows: kept in order, filled from standings, renumbered here so that a message carries changed rows only.
import { flag, gap, initials, lap, put } from "./formats.js";

/** The rows in `list`, cloned from `template`. Starts from what the server rendered, so the page needs no second copy. */
export class Rows {
  constructor(list, template, options) {
    this.list = list;
    this.template = template;
    this.options = options;
    this.byId = new Map();
    this.order = [...list.children].map((element, index, all) => this.adopt(element, all[index - 1])); // as shown
  }

  /** A row of the first answer: what ranks it is read back from its text. */
  adopt(element, above) {
    const text = element.querySelector(".tm").textContent;
    const place = element.querySelector(".pl").textContent;
    const value = /^\d/.test(text) ? Number(text.slice(0, -7)) * 60000 + Math.round(Number(text.slice(-6)) * 1000) : null;
    const tied = value != null && above?.querySelector(".pl").textContent === place;
    return this.remember({ id: element.dataset.id, element, value, tied, colour: element.classList[0] });
  }

  /** A row as the server now has it. */
  take(standing) {
    const element = this.byId.get(standing.racer_id)?.element ?? this.template.content.firstElementChild.cloneNode(true);
    const value = this.options.average ? standing.best_average?.average_ms ?? null : standing.best_ms;
    const colour = `c-${standing.colour ?? "blue"}`;
    return this.remember({ id: standing.racer_id, element, value, tied: standing.tied, colour, standing, fresh: true });
  }

  remember(one) {
    this.byId.set(one.id, one);
    return one;
  }

  /** Everything new. Elements that are there already are used again. */
  all(standings) {
    const order = standings.map((standing) => this.take(standing));
    const there = new Set(order.map((one) => one.id));
    for (const id of this.byId.keys()) if (!there.has(id)) this.byId.delete(id);
    this.show(order);
  }

  /** Changed rows at their new indexes; answers false when the result is not what the server has. */
  change({ rows, removed, count }) {
    const moved = new Set([...removed, ...rows.map((row) => row.racer_id)]);
    const order = this.order.filter((one) => !moved.has(one.id));
    for (const { index, ...standing } of rows) order.splice(index, 0, this.take(standing));
    for (const id of removed) this.byId.delete(id);
    this.show(order);
    return order.length === count;
  }

  /** Places and gaps follow from the order (web/board_delta.py `numbered`); then the list is put in it. */
  show(order) {
    this.order = order;
    const first = order[0]?.value ?? null;
    let place = null;
    order.forEach((one, index) => {
      if (one.value == null || first == null) place = null;
      else if (!one.tied || place == null) place = index + 1;
      one.place = place;
      one.gap = place == null ? null : one.value - first;
      if (one.fresh) this.fill(one);
      this.rank(one);
      const there = this.list.children[index];
      if (there !== one.element) this.list.insertBefore(one.element, there ?? null);
    });
    while (this.list.children.length > order.length) this.list.lastElementChild.remove();
  }

  fill(one) {
    const { standing, element, value } = one;
    one.fresh = false;
    element.dataset.id = one.id;
    const [avatar, name] = [element.querySelector(".avatar"), element.querySelector(".nm")];
    avatar.replaceChildren(initials(standing.username));
    if (standing.country && this.options.flags) avatar.append(flag(standing.country));
    name.href = `/racers/${encodeURIComponent(one.id)}?event=${encodeURIComponent(this.options.event)}`;
    put(name.firstElementChild, standing.username);
    name.querySelector("sup")?.remove();
    if (standing.by_proxy) name.append(proxyMark());
    put(element.querySelector(".lp"), `${standing.valid_laps}/${standing.valid_laps + standing.invalid_laps}`);
    put(element.querySelector(".tm"), value == null ? "DNF" : lap(value));
  }

  rank({ element, place, gap: behind, colour }) {
    put(element.querySelector(".pl"), place == null ? "–" : String(place));
    put(element.querySelector(".gp"), behind ? gap(behind) : "");
    const lit = element.classList.contains("lit") ? " lit" : "";
    const shown = `${colour}${place && place <= 3 ? ` p${place}` : ""}${lit}`;
    if (element.className !== shown) element.className = shown;
  }
}

function proxyMark() {
  const mark = document.createElement("sup");
  mark.title = "Raced by proxy";
  mark.textContent = "*";
  return mark;
}
