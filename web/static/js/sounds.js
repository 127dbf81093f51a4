// A sound for each lap: one note for a lap, two falling for an invalid one, three rising for the best. M mutes, remembered.
const NOTES = { lap: [880], invalid: [330, 220], best: [784, 988, 1319] }; // Hz: the three differ in number and direction
const NOTE_S = 0.11;
const VOLUME = 0.25;

let audio = null;
let muted = false;
let button = null;

export function startSound(muteButton) {
  button = muteButton;
  try {
    muted = localStorage.getItem("muted") === "1";
  } catch {
    muted = false; // storage may be forbidden; then it is not remembered
  }
  button.hidden = false;
  button.addEventListener("click", toggleMute);
  // Browsers let a page make sound only after somebody touched it.
  for (const name of ["pointerdown", "keydown"]) addEventListener(name, wake, { once: true });
  show();
}

export function toggleMute() {
  muted = !muted;
  try {
    localStorage.setItem("muted", muted ? "1" : "0");
  } catch {
    /* not remembered */
  }
  wake();
  show();
}

export function play(name) {
  const notes = NOTES[name];
  document.dispatchEvent(new CustomEvent("lap-sound", { detail: { name, muted } }));
  if (!notes || muted || !audio) return;
  notes.forEach((frequency, place) => note(frequency, audio.currentTime + place * NOTE_S));
}

function note(frequency, at) {
  const tone = audio.createOscillator();
  const gain = audio.createGain();
  tone.frequency.value = frequency;
  tone.type = "triangle";
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(VOLUME, at + 0.01);
  gain.gain.exponentialRampToValueAtTime(0.001, at + NOTE_S);
  tone.connect(gain).connect(audio.destination);
  tone.start(at);
  tone.stop(at + NOTE_S + 0.02);
}

function wake() {
  try {
    audio ??= new AudioContext();
    audio.resume();
  } catch {
    audio = null; // no sound card
  }
}

function show() {
  button.setAttribute("aria-pressed", String(!muted));
  button.firstChild.textContent = muted ? "Muted " : "Sound on ";
}
