// The pages of models: choose or drop files, see them go, and the list that follows by itself. The sending is in transfer.js.
import { put } from "./formats.js";
import { watchModels } from "./model_list.js";
import { Transfer } from "./transfer.js";

const form = document.getElementById("upload");
const list = document.getElementById("transfers");
const blank = document.getElementById("t-transfer");
const token = form?.querySelector("[name=_csrf]")?.value ?? "";
const transfers = [];
const models = watchModels(document.getElementById("models"));
let atWork = null;

const WORDS = {
  waiting: ["", "Waits its turn"],
  sending: ["info", "Sending"],
  lost: ["warn", "No connection"],
  paused: ["", "Paused"],
  checking: ["info", "Almost there"],
  done: ["ok", "Here"],
  failed: ["bad", "Not taken"],
};
const HELD_MS = 800; // a browser says several times a second that files are held over the page, and not always that they left
const LOST = "It goes on by itself as soon as the Wi-Fi is back.";

// ---- files

function take(files) {
  for (const file of files) {
    const known = transfers.find((one) => isSame(one.file, file) && one.state !== "gone");
    if (known && !known.isOver) continue; // chosen twice
    if (known) forget(known);
    add(file);
  }
  work();
}

const isSame = (a, b) => a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;

function add(file) {
  const transfer = new Transfer(file, { racerId: form.dataset.racer, token, changed: show });
  transfers.push(transfer);
  transfer.row = rowOf(transfer);
  list.append(transfer.row);
  hideUnfinished(file);
  show(transfer);
}

/** One after the other: two at once share the same air, and both are late. */
async function work() {
  if (atWork) return;
  while ((atWork = transfers.find((one) => one.state === "waiting"))) {
    await atWork.run();
    if (atWork.state === "done") await arrived(atWork);
  }
}

async function arrived(transfer) {
  const isKnown = document.getElementById(`m-${transfer.modelId}`);
  if (isKnown) say(`${transfer.name} is here already: nothing new was made.`, "ok");
  await (isKnown ? models.look() : models.expect(transfer.modelId));
  setTimeout(() => forget(transfer), 1500);
}

function forget(transfer) {
  transfer.row.remove();
  const place = transfers.indexOf(transfer);
  if (place >= 0) transfers.splice(place, 1);
  paintSection();
}

/** What the server listed as unfinished is shown as a row that moves from now on. */
function hideUnfinished(file) {
  for (const row of document.querySelectorAll("[data-unfinished]")) {
    if (row.dataset.unfinished === file.name && Number(row.dataset.size) === file.size) row.remove();
  }
}

// ---- rows

function rowOf(transfer) {
  const row = blank.content.firstElementChild.cloneNode(true);
  row.querySelector("[data-f=name]").textContent = transfer.name;
  row.querySelector("progress").setAttribute("aria-label", transfer.name);
  row.addEventListener("click", (event) => act(transfer, event.target.closest("[data-do]")?.dataset.do));
  return row;
}

function act(transfer, what) {
  if (what === "pause") transfer.pause();
  if (what === "go") transfer.again();
  if (what === "cancel") {
    transfer.cancel();
    forget(transfer);
  }
  work();
}

function show(transfer) {
  const { row, state } = transfer;
  if (!row) return;
  row.dataset.state = state;
  const [look, word] = WORDS[state] ?? ["", ""];
  const pill = row.querySelector("[data-f=state]");
  pill.className = `pill ${look}`;
  put(pill, word);
  const bar = row.querySelector("progress");
  bar.max = Math.max(1, transfer.size);
  bar.value = transfer.sent;
  put(row.querySelector("[data-f=bytes]"), bytesOf(transfer));
  put(row.querySelector("[data-f=rate]"), rateOf(transfer));
  put(row.querySelector("[data-f=why]"), whyOf(transfer));
  for (const button of row.querySelectorAll("[data-do]")) button.hidden = !offers(transfer, button.dataset.do);
  put(row.querySelector("[data-do=go]"), state === "failed" ? "Try again" : "Go on");
  put(row.querySelector("[data-do=cancel]"), state === "failed" ? "Close" : "Cancel");
  paintSection();
}

function offers({ state, problem }, what) {
  if (what === "pause") return ["sending", "lost"].includes(state);
  if (what === "go") return state === "paused" || (state === "failed" && !problem.isForGood);
  return !["checking", "done"].includes(state);
}

function bytesOf({ state, sent, size }) {
  if (state === "done") return `${megabytes(size)}, all there`;
  return `${megabytes(sent, size).split(" ")[0]} of ${megabytes(size)}`;
}

function rateOf(transfer) {
  if (transfer.state !== "sending") return "";
  const { rate } = transfer;
  if (rate < 1000) return "";
  return `${megabytes(rate)}/s · ${left((transfer.size - transfer.sent) / rate)}`;
}

function whyOf(transfer) {
  if (transfer.state === "failed") return `${transfer.problem.message} ${transfer.problem.remedy}`;
  if (transfer.state === "lost") return transfer.why || LOST;
  if (transfer.state === "checking") return "The box reads it once more from its disk.";
  if (transfer.wentOnAt > 0 && !transfer.isOver) return `Went on at ${megabytes(transfer.wentOnAt)}, where it had stopped.`;
  return "";
}

function left(seconds) {
  if (seconds < 1) return "1 s left";
  return seconds < 90 ? `${Math.ceil(seconds)} s left` : `${Math.round(seconds / 60)} min left`;
}

/** As web/formats.py writes it; `of`: in the unit of this size. */
function megabytes(bytes, of = bytes) {
  return of < 100000 ? `${Math.max(Math.round(bytes / 1000), Math.min(bytes, 1))} kB` : `${(bytes / 1000000).toFixed(1)} MB`;
}

function paintSection() {
  list.closest("section").hidden = list.children.length === 0;
}

// ---- the network, the phone's sleep

const wake = () => transfers.forEach((one) => one.wake());
addEventListener("online", wake);
addEventListener("pageshow", wake);
document.addEventListener("visibilitychange", () => !document.hidden && wake());
addEventListener("beforeunload", (event) => {
  if (transfers.some((one) => ["sending", "lost", "checking", "waiting"].includes(one.state))) event.preventDefault();
});
setInterval(() => atWork && show(atWork), 500);

// ---- choosing and dropping

function begin() {
  const input = form.querySelector("input[type=file]");
  form.classList.add("scripted");
  input.required = false;
  input.multiple = true;
  const chosen = () => {
    take([...input.files]);
    input.value = ""; // the same file may be chosen again
  };
  input.addEventListener("change", chosen);
  if (input.files.length) chosen(); // on slow Wi-Fi, before this script was here
  form.addEventListener("submit", (event) => event.preventDefault());
  let timer = 0;
  const over = (isOver) => {
    clearTimeout(timer);
    document.body.classList.toggle("dropping", isOver);
    if (isOver) timer = setTimeout(over, HELD_MS, false);
  };
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over(true);
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over(false);
    take(dropped(event.dataTransfer));
  });
}

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

function dropped(data) {
  const items = [...data.items].filter((item) => item.kind === "file");
  const folders = items.filter((item) => item.webkitGetAsEntry?.()?.isDirectory);
  if (folders.length) {
    say("That is a folder: your browser has unpacked the download. Download it again and drop the .tar.gz or .tar itself.", "bad");
  }
  return items.filter((item) => !folders.includes(item)).map((item) => item.getAsFile()).filter(Boolean);
}

const say = (text, kind) => document.dispatchEvent(new CustomEvent("toast", { detail: { text, kind } }));

if (form) begin();
