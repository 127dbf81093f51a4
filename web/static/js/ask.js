// A request that ends: a connection may be dead without a word, and fetch alone would wait for minutes.
const BEGIN_MS = 8000; // until the answer begins
const REST_MS = 30000; // slow Wi-Fi is not dead

/** What is at `address`, as { status, redirected, text }. Throws when no answer came in time, as fetch does. */
export async function ask(address) {
  const abort = new AbortController(); // AbortSignal.timeout is younger than many phones
  let timer = setTimeout(() => abort.abort(), BEGIN_MS);
  try {
    const answer = await fetch(address, { signal: abort.signal });
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(), REST_MS);
    return { status: answer.status, redirected: answer.redirected, text: await answer.text() };
  } finally {
    clearTimeout(timer);
  }
}
