// The live stream of an event: one EventSource, opened again when it is lost or silent, closed while nobody looks.
const SILENCE_MS = 12000; // the server is never silent for more than 8 s
const BROKEN_MS = 2000; // a reconnect that works at once is not worth alarming anybody
const FIRST_RETRY_MS = 300;
const LONGEST_RETRY_MS = 8000;
const HIDDEN_MS = 30000; // a phone in a pocket lets go of its connection
const NAMES = ["snapshot", "race", "board", "queue", "beat"];

/**
 * Follow the stream at `address()` until the page goes.
 *
 * `handlers[name](data)` for each message, `handlers.link(isLive)` when that changes. A handler that answers "again"
 * wants a fresh snapshot: the stream is opened anew. The first message of each connection is a snapshot.
 */
export function follow(address, handlers) {
  let source = null;
  let timer = 0;
  let hiddenTimer = 0;
  let attempt = 0;
  let heardAt = performance.now();
  let brokenAt = null;
  let live = null;

  const tell = (isLive) => {
    if (isLive === live) return;
    live = isLive;
    document.documentElement.dataset.live = String(live);
    handlers.link?.(live);
  };
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const again = (afterMs) => {
    close();
    timer = setTimeout(open, afterMs);
  };
  const lost = () => {
    brokenAt ??= performance.now();
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt++);
    again(longest * (0.5 + Math.random())); // spread out: a whole hall comes back at once after a restart
  };
  const heard = (name, text) => {
    heardAt = performance.now();
    brokenAt = null;
    attempt = 0;
    tell(true);
    if (handlers[name]?.(JSON.parse(text)) === "again") again(200 * Math.random());
  };
  function open() {
    close();
    const opened = new EventSource(address());
    source = opened;
    for (const name of NAMES) opened.addEventListener(name, (event) => source === opened && heard(name, event.data));
    opened.onerror = () => source === opened && lost();
  }

  setInterval(() => {
    const now = performance.now();
    if (now - heardAt > SILENCE_MS || (brokenAt !== null && now - brokenAt > BROKEN_MS)) tell(false);
    if (source && now - heardAt > SILENCE_MS) {
      heardAt = now;
      brokenAt ??= now;
      lost();
    }
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
      hiddenTimer = setTimeout(() => {
        close();
        tell(false);
      }, HIDDEN_MS);
    } else if (!source) {
      attempt = 0;
      open();
    }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && open());
  open();
}
