// One file on its way to the box, in pieces, over a Wi-Fi that comes and goes. Knows no page: it tells `changed()`.
//
// The box says how much of the file it holds, on its disk; after anything that went wrong it is asked, never guessed.
// No hash is sent: a page that came over plain HTTP has no crypto.subtle. The box looks into the whole file anyway.
const FIRST_PIECE = 256 * 1024;
const LEAST_PIECE = 64 * 1024;
const PIECE_MS = 1500; // a piece is what a lost link costs, so it is as large as this link carries in that time
const SLOW_PIECE_MS = 4000;
const STALLED_MS = 12000; // no byte moved: the link is dead, though nobody said so
const ANSWER_MS = 60000; // all bytes are out; the box writes them, and at the end reads the whole file once more
const CALL_MS = 10000;
const AGAIN_MS = [300, 1000, 2000, 4000, 8000];
const ASLEEP_MS = 2500;
const RATE_OVER_MS = 5000;
const JUST_NOW_MS = 5000;
const GOES_ON = new Set(["sending", "checking", "lost"]);

/** The file's own time; null where the device knows none and puts in the moment of choosing: it would never be the same. */
function modifiedAt({ lastModified }) {
  return Math.abs(Date.now() - lastModified) < JUST_NOW_MS ? null : new Date(lastModified).toISOString();
}

/** The box says no: trying again by itself would bring the same answer. */
class Refused extends Error {
  constructor({ message, remedy }) {
    super(message);
    this.remedy = remedy;
  }
}

/** The link is lost or the box cannot just now; `words` only when it said something worth showing. */
class Lost extends Error {
  constructor(words = "", afterMs = 0) {
    super(words);
    this.afterMs = afterMs;
  }
}

export class Transfer {
  /** `state`: waiting, sending, lost, paused, checking, done, failed, gone. `offset`: bytes the box holds for sure. */
  constructor(file, { racerId, token, changed }) {
    Object.assign(this, { file, racerId, token, changed, state: "waiting", offset: 0, sent: 0, wentOnAt: 0, problem: null });
    this.name = file.name;
    this.size = file.size;
    this.id = null;
    this.sure = false;
    this.tries = 0;
    this.piece = FIRST_PIECE;
    this.samples = [];
    this.stop = () => {};
    this.beginning = null;
  }

  get isOver() {
    return ["done", "failed", "gone"].includes(this.state);
  }

  /** Bytes in a second, of the last seconds; 0 while nothing moves. */
  get rate() {
    const now = performance.now();
    const recent = this.samples.filter((one) => one.at > now - RATE_OVER_MS);
    if (recent.length < 2) return 0;
    return Math.max(0, ((this.sent - recent[0].sent) * 1000) / Math.max(200, now - recent[0].at));
  }

  /** Send until it is over or paused. */
  async run() {
    this.#say("sending");
    while (GOES_ON.has(this.state)) {
      try {
        await this.#step();
        this.tries = 0;
      } catch (error) {
        if (!GOES_ON.has(this.state)) break;
        if (error instanceof Refused) this.#fail(error);
        else await this.#rest(error);
      }
    }
  }

  pause() {
    if (this.isOver) return;
    this.#say("paused");
    this.#halt();
  }

  /** Take back what the box holds of it. The link may be gone too: the box clears up by itself after a day. */
  async cancel() {
    this.#say("gone");
    this.#halt();
    await this.beginning;
    if (this.id) await this.#call("DELETE", `/api/uploads/${this.id}`).catch(() => null);
  }

  /** The network is back, or the phone woke up: do not sit out the pause, and do not trust a link that slept. */
  wake() {
    this.tries = 0;
    if (this.state === "lost" || performance.now() - this.movedAt > ASLEEP_MS) this.stop();
  }

  /** Again after a refusal: it goes on where it stopped. */
  again() {
    this.problem = null;
    this.sure = false;
    this.#say("waiting");
  }

  /** End what is under way, but for the first question: the box may hold the file by then, under an id only it tells. */
  #halt() {
    if (!this.beginning) this.stop();
  }

  #say(state) {
    this.state = state;
    if (state !== "sending" && state !== "lost") this.samples = [];
    this.changed(this);
  }

  #fail(error) {
    const isForGood = error.status === 400 || error.status === 413; // another try would bring the same
    this.problem = { message: error.message, remedy: error.remedy, isForGood };
    this.#say("failed");
  }

  #moved(sent) {
    this.movedAt = performance.now();
    this.sent = sent;
    this.samples = [...this.samples.filter((one) => one.at > this.movedAt - RATE_OVER_MS), { at: this.movedAt, sent }];
    if (this.state === "lost") this.state = "sending";
    this.changed(this);
  }

  /** One question, or one piece. */
  async #step() {
    if (this.id === null) await this.#first();
    else if (!this.sure) await this.#ask();
    else if (this.offset < this.size) await this.#send();
    else this.#say("done");
  }

  async #first() {
    const begun = this.#begin();
    this.beginning = begun.catch(() => null).finally(() => (this.beginning = null));
    await begun;
  }

  async #begin() {
    if (!this.size) throw Object.assign(new Refused(EMPTY), { status: 400 });
    const { name: file_name, size: size_bytes } = this.file;
    const about = { file_name, size_bytes, modified_at: modifiedAt(this.file) };
    if (this.racerId) about.racer_id = this.racerId === "box" ? null : this.racerId;
    const begun = await this.#call("POST", "/api/uploads", about);
    this.id = begun.upload_id;
    this.most = begun.chunk_bytes;
    this.wentOnAt = begun.offset;
    this.#holds(begun);
  }

  async #ask() {
    try {
      this.#holds(await this.#call("GET", `/api/uploads/${this.id}`));
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404) throw error;
      this.id = null; // cleared up meanwhile: from the start
      await this.#first();
    }
  }

  #holds({ offset, model_id }) {
    if (!Number.isInteger(offset)) throw new Lost(); // not our box: a hotel's sign-in page says 200 to everything
    this.offset = offset;
    this.sure = true;
    this.modelId = model_id ?? null;
    if (this.state === "checking" && offset < this.size) this.state = "sending";
    this.#moved(offset);
  }

  async #send() {
    const from = this.offset;
    const body = await this.#read(from, Math.min(this.size, from + Math.min(this.piece, this.most)));
    if (!GOES_ON.has(this.state)) return;
    this.sure = false;
    const began = performance.now();
    if (from + body.byteLength >= this.size) this.isLast = true;
    const answer = await this.#put(`/api/uploads/${this.id}?offset=${from}`, body, (loaded) => this.#moved(from + loaded));
    this.#holds(answer);
    if (answer.offset === from) throw new Lost(); // somebody else's turn, or no room for a byte: not at once again
    const took = performance.now() - began;
    if (took < PIECE_MS / 2) this.piece = Math.min(this.piece * 2, this.most);
    else if (took > SLOW_PIECE_MS) this.piece = Math.max(LEAST_PIECE, this.piece / 2);
  }

  async #read(from, to) {
    try {
      return await this.file.slice(from, to).arrayBuffer();
    } catch {
      throw new Refused({
        message: "This device can no longer read the file.",
        remedy: "Choose it once more: it goes on where it stopped.",
      });
    }
  }

  async #rest(error) {
    this.sure = false;
    this.piece = Math.max(LEAST_PIECE, this.piece / 2);
    this.sent = this.offset;
    this.why = error instanceof Lost ? error.message : "";
    this.#say("lost");
    const least = AGAIN_MS[Math.min(this.tries++, AGAIN_MS.length - 1)];
    await new Promise((done) => {
      // Not all at the same moment: a whole hall comes back when the box does.
      const timer = setTimeout(done, Math.max(error.afterMs ?? 0, least * (0.75 + Math.random() / 2)));
      this.stop = () => (clearTimeout(timer), done());
    });
    this.stop = () => {};
  }

  /** A small question to the box, as JSON. */
  async #call(method, address, body) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), CALL_MS);
    this.stop = () => abort.abort();
    try {
      const headers = { "x-csrftoken": this.token, ...(body && { "content-type": "application/json" }) };
      const answer = await fetch(address, { method, headers, body: body && JSON.stringify(body), signal: abort.signal });
      return this.#understood(answer.status, await answer.text(), answer.headers.get("retry-after"));
    } catch (error) {
      throw error instanceof Refused || error instanceof Lost ? error : new Lost();
    } finally {
      clearTimeout(timer);
      this.stop = () => {};
    }
  }

  /** A piece. XMLHttpRequest, because fetch does not tell how much has gone out. */
  #put(address, body, progress) {
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      let isOut = false;
      this.movedAt = performance.now();
      const guard = setInterval(() => {
        if (performance.now() - this.movedAt > (isOut ? ANSWER_MS : STALLED_MS)) request.abort();
      }, 1000);
      this.stop = () => request.abort();
      request.upload.onprogress = (event) => progress(event.loaded);
      request.upload.onload = () => {
        isOut = true;
        progress(body.byteLength);
        if (this.isLast && this.state === "sending") this.#say("checking");
      };
      request.onloadend = () => {
        clearInterval(guard);
        this.stop = () => {};
        try {
          done(this.#understood(request.status, request.responseText, request.getResponseHeader("retry-after")));
        } catch (error) {
          failed(error);
        }
      };
      request.open("PUT", address);
      request.setRequestHeader("x-csrftoken", this.token);
      request.setRequestHeader("content-type", "application/octet-stream");
      request.send(body);
    });
  }

  /** The answer's JSON, or the error that it is. A piece out of place is no error: the box says what it holds. */
  #understood(status, text, retryAfter) {
    let said = {};
    try {
      said = text ? JSON.parse(text) : {};
    } catch {
      if (status < 400) throw new Lost(); // the hotel's sign-in page, or half an answer
    }
    if (status >= 200 && status < 300) return said;
    const stands = said.offset ?? said.upload?.offset;
    if (status === 409 && Number.isInteger(stands)) return { ...said, offset: stands };
    const words = said.message ? { message: said.message, remedy: said.remedy ?? "" } : NO_WORDS;
    if (status === 0) throw new Lost();
    if (status >= 500 || status === 429 || status === 408) {
      throw new Lost(said.message ? `${words.message} ${words.remedy}` : "", Number(retryAfter || 0) * 1000);
    }
    throw Object.assign(new Refused(status === 401 ? SIGNED_OUT : words), { status });
  }
}

const NO_WORDS = { message: "The box did not take it.", remedy: "Reload the page and choose the file again." };
const EMPTY = { message: "This file is empty.", remedy: "Look whether the download had finished, and choose it again." };
const SIGNED_OUT = {
  message: "You are signed out.",
  remedy: "Sign in and choose the file once more: it goes on where it stopped.",
};
