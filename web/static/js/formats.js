// How times and names look; the same forms as web/formats.py.
const two = (n) => String(n).padStart(2, "0");

/** 9123 is "00:09.123". */
export function lap(ms) {
  if (ms == null) return "–";
  const whole = Math.max(0, Math.floor(ms));
  return `${two(Math.floor(whole / 60000))}:${two(Math.floor(whole / 1000) % 60)}.${String(whole % 1000).padStart(3, "0")}`;
}

/** 118390 is "01:58.3". */
export function countdown(ms) {
  return ms == null ? "–" : lap(ms).slice(0, -2);
}

/** 1234 is "+1.234"; nothing for null. */
export function gap(ms) {
  if (ms == null) return "";
  const seconds = `${Math.floor(ms / 1000) % 60}.${String(ms % 1000).padStart(3, "0")}`;
  return ms < 60000 ? `+${seconds}` : `+${Math.floor(ms / 60000)}:${seconds.padStart(6, "0")}`;
}

/** "anna.lee" is "AL". */
export function initials(name) {
  const words = name.split(/[ ._-]+/).filter(Boolean).map((word) => [...word][0]);
  if (!words.length) return "?";
  return words[0].toUpperCase() + (words[1] && /[\p{L}\p{N}]/u.test(words[1]) ? words[1].toUpperCase() : "");
}

const regions = typeof Intl.DisplayNames === "function" ? new Intl.DisplayNames(["en"], { type: "region" }) : null;

/** The flag as base.html's CSS wants it: emoji, or the letters where there is none. */
export function flag(country) {
  const outer = document.createElement("span");
  outer.className = "flag";
  outer.title = regions?.of(country) ?? country;
  const picture = document.createElement("i");
  picture.textContent = String.fromCodePoint(...[...country].map((letter) => 0x1f1a5 + letter.charCodeAt(0)));
  const letters = document.createElement("b");
  letters.textContent = country;
  outer.append(picture, letters);
  return outer;
}

/** Write text only when it changed, so that nothing is laid out for nothing. */
export function put(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
