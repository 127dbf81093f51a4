// Every staff page: one press makes one post, and a refusal is shown as words, never swapped in.
"use strict";

function say(text, kind) {
  document.dispatchEvent(new CustomEvent("toast", { detail: { text, kind } }));
}

// A form that was sent is not sent again by a second click; pages that come back from the cache may.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]") || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    say("It was sent, and the box has not answered yet. Does it take long? Reload the page and look.", "");
    return;
  }
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-once][data-sent]")) delete form.dataset.sent;
});

// A connection may be dead without a word (the access point restarted), and a browser keeps six: what only reads gives
// up soon, so that the next try finds a live one. What writes may wait for a slow disk: `defaultTimeout`. An answer that
// has begun may take its time on slow Wi-Fi.
const READ_MS = 4000;
const ANSWER_MS = 30000;
document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  const { request, sourceElement } = ctx;
  if (sourceElement?.hasAttribute("hx-sse:connect")) return;
  if (request.method === "GET") request.timeout ??= READ_MS;
  const abort = request.abort;
  request.abort = (why) => {
    abort(why);
    // htmx takes it for a cancelled request, and says nothing, where browsers do not know AbortSignal.reason yet.
    if (why === "timeout" && request.signal.reason !== why) htmx.trigger(sourceElement, "htmx:error", { ctx, error: why });
  };
});
document.addEventListener("htmx:before:response", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement?.hasAttribute("hx-sse:connect")) return;
  clearTimeout(ctx.requestTimeout);
  ctx.requestTimeout = setTimeout(() => ctx.request.abort?.("timeout"), ANSWER_MS);
});

document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  if (ctx.response.status === 401) {
    location.href = `/sign-in?next=${encodeURIComponent(location.pathname)}`;
    return;
  }
  ctx.sourceElement?.closest?.("dialog form:not([data-stays])")?.closest("dialog").close();
  const words = new DOMParser().parseFromString(ctx.text, "text/html").body.textContent.trim().replace(/\s+/g, " ");
  say(words || "That did not work. Try again.", "bad");
});

document.addEventListener("htmx:error", (event) => {
  const { ctx, error } = event.detail;
  if (!ctx || ctx.sourceElement?.hasAttribute("hx-sse:connect")) return;
  if (ctx.request.method === "GET") say("The box does not answer. Check the Wi-Fi.", "bad");
  else if (error === "timeout" && !ctx.sourceElement?.matches?.("[data-harmless]"))
    say("The box did not answer in time. Look whether it was done; if not, press again.", "bad");
  else say("The box does not answer. Check the Wi-Fi, then press again.", "bad");
});

// What was asked for into a dialog opens it; what was done in one closes it, but for a form that `data-stays`.
document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  const dialog = ctx.target?.closest?.("dialog");
  if (dialog && !dialog.open && !dialog.contains(ctx.sourceElement)) dialog.showModal();
});
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.response.status < 400 && ctx.sourceElement?.matches?.("dialog form[method=post]:not([data-stays])")) ctx.sourceElement.closest("dialog").close();
});

// A search whose racer was taken is empty again, and ready for the next name unless the keys belong to the race now.
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  const field = ctx.sourceElement?.dataset?.clears;
  if (!field || ctx.response.status >= 400) return;
  const input = document.getElementById(field);
  input.value = "";
  document.getElementById("found").replaceChildren();
  if ("thenRace" in ctx.sourceElement.dataset) input.blur();
  else input.focus();
});

// What was typed before htmx listened, on slow Wi-Fi, is searched for too.
document.addEventListener("DOMContentLoaded", () => {
  for (const input of document.querySelectorAll("input[type=search][hx-get]")) {
    if (input.value !== input.defaultValue) htmx.trigger(input, "input");
  }
});

// Enter in a search takes the first racer found, also when the answer is still on its way.
let waiting = null;
function takeFirstFound(input, name) {
  const list = document.querySelector("#found [data-found]");
  if (!list || list.dataset.found !== name || input.value.trim() !== name) return false;
  const button = [...list.querySelectorAll("button")].find((one) => one.offsetParent);
  if (button) button.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.repeat || !event.target.matches("[data-takes-first]")) return;
  event.preventDefault();
  const input = event.target;
  const name = input.value.trim();
  waiting?.disconnect();
  if (!name || takeFirstFound(input, name)) return;
  const mine = (waiting = new MutationObserver(() => {
    if (takeFirstFound(input, name)) mine.disconnect();
  }));
  mine.observe(document.getElementById("found").parentElement, { childList: true, subtree: true }); // the wizard's list is replaced
});

// Whoever types on, goes elsewhere, or was told that nothing came, has taken that Enter back.
for (const name of ["input", "focusout", "htmx:error", "htmx:response:error"]) {
  document.addEventListener(name, (event) => {
    const from = event.isTrusted ? event.target : event.detail?.ctx?.sourceElement;
    if (from?.matches?.("[data-takes-first]")) waiting?.disconnect();
  });
}

// A search beside a form: Enter searches, and does not leave the page with what is ticked.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("[data-enter-searches]")) return;
  event.preventDefault();
  htmx.trigger(event.target, "search");
});

// What somebody has opened or closed stays so while the page lives, also when the number in its name changes.
const nameOf = (details) => details.querySelector("summary")?.textContent.replace(/\d+/g, "");
htmx.registerExtension("keeps-details", {
  htmx_before_morph_node(oldNode, { newNode }) {
    if (oldNode.localName === "details" && newNode.localName === "details" && nameOf(oldNode) === nameOf(newNode)) newNode.open = oldNode.open;
  },
});

// Unlike a mouse, a finger rests: no zoom and no selection on the big buttons. Keyboard: "/" goes to the search.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  const search = document.querySelector("input[type=search]");
  if (search && search.offsetParent) {
    event.preventDefault();
    search.focus();
  }
});
