// What every page has: the light/dark switch, toasts, and whether this device draws emoji flags (Windows does not).
const root = document.documentElement;

function drawsFlags() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 20;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return false;
  context.textBaseline = "top";
  context.font = "16px system-ui, sans-serif";
  context.fillText("\u{1F1E9}\u{1F1EA}", 0, 0); // letters are drawn in one grey; a flag brings colour
  const pixels = context.getImageData(0, 0, 20, 20).data;
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] > 40 && Math.abs(pixels[i] - pixels[i + 2]) > 60) return true;
  }
  return false;
}

if (drawsFlags()) root.classList.add("emoji-flags");

const toggle = document.querySelector("[data-theme-toggle]");
if (toggle) {
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  });
}

// An open dialog covers everything that is not in it: the messages go where they are seen, and back when it closes.
const toastBox = document.getElementById("toasts");
function bringToasts() {
  const seen = document.querySelector("dialog[open]") ?? document.body;
  if (toastBox.parentElement !== seen) seen.append(toastBox);
}
document.addEventListener("close", bringToasts, true);

/** Show a short message at the foot of the page; `kind` is "ok", "bad" or "". Other scripts send a "toast" event. */
function toast(text, kind = "") {
  bringToasts();
  for (const old of toastBox.children) if (old.textContent === text) old.remove(); // said again, not twice
  const item = document.createElement("div");
  item.className = `toast ${kind}`;
  item.textContent = text;
  toastBox.append(item);
  setTimeout(() => item.remove(), kind === "bad" ? 8000 : 4000);
}
document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.kind));

// <button data-open="id"> opens a <dialog>, [data-close] closes the one it is in.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open)?.showModal();
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  if (event.target.closest("[data-print]")) window.print();
});
