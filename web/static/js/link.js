// The marker of a crew page's live link: says "live" only while the stream speaks, and opens it again when it must.
const SILENT_MS = 5000; // the server beats every 2 s
const NO_LINK_MS = 2000;
const FIRST_LINK_MS = 4000;
const LONGEST_PATIENCE_MS = 60000;

/** Follow the stream of `stream` (an element with hx-sse:connect and hx-trigger="listen"); `heard()` at each message. */
export function followLink(stream, link, heard) {
  let heardAt = performance.now();
  let linked = false;
  let isTold = false; // until then the page's own words come by themselves (`late`)
  let patienceMs = SILENT_MS;

  function setLinked(now, words = "not live: trying again") {
    linked = now;
    isTold = true;
    link.className = now ? "pill live" : "pill off";
    link.textContent = now ? "live" : words;
    document.body.classList.toggle("not-live", !now);
  }

  // Not before the page listens: the first message says what its clocks show at this very moment.
  const listen = () => htmx.trigger(stream, "listen");
  document.addEventListener("DOMContentLoaded", listen);

  for (const name of ["htmx:sse:after:connection", "htmx:sse:after:message", "beat"]) {
    stream.addEventListener(name, (event) => {
      if (name === "htmx:sse:after:connection" && event.detail.connection.status !== 200) return;
      heardAt = performance.now();
      if (name !== "htmx:sse:after:connection") patienceMs = SILENT_MS;
      setLinked(true);
      heard();
    });
  }
  stream.addEventListener("htmx:sse:error", (event) => {
    const { status } = event.detail;
    if (status === 401 || status === 403) setLinked(false, "signed out: reload the page");
    else setLinked(false);
  });
  stream.addEventListener("htmx:sse:close", () => setLinked(false));
  stream.addEventListener("htmx:sse:before:connection", () => {
    if (performance.now() - heardAt > 1500) setLinked(false);
  });
  setInterval(() => {
    const silence = performance.now() - heardAt;
    if ((linked && silence > SILENT_MS) || (!isTold && silence > NO_LINK_MS)) setLinked(false);
    // An access point that restarted leaves connections that nobody ends: TCP would wait for minutes. One that is only
    // slow gets more time at each try, or its first message would never arrive.
    const reader = stream._htmx?.sse?.reader;
    if (reader && silence > patienceMs) {
      patienceMs = Math.min(patienceMs * 2, LONGEST_PATIENCE_MS);
      reader.cancel().catch(() => {});
    }
    // A first connection that failed is not tried again by itself.
    if (!linked && silence > FIRST_LINK_MS && !stream._htmx?.sse) {
      heardAt = performance.now();
      listen();
    }
  }, 500);
}
