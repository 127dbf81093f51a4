// The box's steady clock as this device knows it, for stamping presses (docs/api.md, "Late presses").
// Each answer of GET /api/clock is right to half its round trip; in BigInt, as its ns outgrow a Number after 104 days.
const FIRST = 5; // at once: the first press may come soon
const EVERY_MS = 10_000; // sooner than the box closes an idle connection, and its opening would count as delay
const KEEP_MS = 15 * 60_000; // the box takes no older press
const DRIFT = 50e-6; // crystals: 3 ms in a minute
const NOISE_MS = 5;
const APART_MS = 250; // the steady clock against the time of day: it stood still while the device slept
const ANSWER_MS = 4_000;

let known = []; // { at, error, offset, bootId, apart }: oldest first, all of one boot and agreeing with each other
let last = null;

const inNs = (ms) => BigInt(Math.round(ms * 1e6));
const apartNow = () => Date.now() - performance.now();

/** Ask now and from then on. */
export function startBoxClock() {
  burst();
  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", () => document.hidden || burst());
}

async function burst() {
  for (let n = 0; n < FIRST; n += 1) await ask();
}

async function ask() {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ANSWER_MS);
  try {
    const sent = performance.now();
    const answer = await fetch("/api/clock", { cache: "no-store", signal: abort.signal });
    const heard = performance.now();
    const text = await answer.text();
    if (answer.ok) learn(sent, heard, BigInt(/"mono_ns":\s*(\d+)/.exec(text)[1]), JSON.parse(text).boot_id);
  } catch {
    // Away; what is known already still holds.
  } finally {
    clearTimeout(timer);
  }
}

/** One answer: the box's clock was `monoNs` between `sent` and `heard` of ours. What contradicts it is forgotten. */
export function learn(sent, heard, monoNs, bootId) {
  const error = (heard - sent) / 2;
  const one = { at: heard, error, offset: monoNs - inNs(sent + error), bootId, apart: apartNow() };
  known = [...known.filter((other) => agree(other, one)), one];
}

function agree(old, one) {
  const between = old.offset > one.offset ? old.offset - one.offset : one.offset - old.offset;
  return old.bootId === one.bootId && between <= inNs(wrongAt(old, one.at) + one.error + NOISE_MS);
}

const wrongAt = (one, now) => one.error + (now - one.at) * DRIFT;

/** What is known best now, or undefined. */
function best() {
  const now = performance.now();
  const apart = apartNow();
  known = known.filter((one) => now - one.at < KEEP_MS && Math.abs(apart - one.apart) < APART_MS);
  return known.reduce((a, b) => (a && wrongAt(a, now) < wrongAt(b, now) ? a : b), undefined);
}

/** The stamp { ns, bootId } of a press at `at` of performance.now(), or null when the box's clock is not known. */
export function stampOf(at) {
  const clock = best();
  if (!clock) return null;
  let ns = clock.offset + inNs(at);
  // A better estimate must not turn two presses round.
  if (last?.bootId === clock.bootId && ns <= last.ns && last.ns - ns < inNs(1000)) ns = last.ns + 1n;
  last = { ns, bootId: clock.bootId };
  return last;
}
