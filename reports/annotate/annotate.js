// One review at a time: which one, its label, and the keys.

import { showText } from "./review_text.js";
import { Saver, get } from "./saving.js";

const $ = (id) => document.getElementById(id);
const NOTE_PAUSE = 800; // milliseconds without typing until a note is saved
const EVERYTHING = { filter: "all", label: "", query: "" };

let rows = [];
let seq = 0; // the newest change this page knows
let lastChange = null; // what an undo would revert
let view = []; // the rows that the filter and the search let through
let at = 0; // place in the view; its length means "past the end"
let wanted = EVERYTHING;
let noteTimer = 0;
let undoing = false;

const saver = new Saver(showSaved);
const current = () => view[at];
const labelButtons = [...document.querySelectorAll("button.label")];

// ---- what the server says

function take(data, answered) {
  for (const fresh of data.rows) {
    const row = rows[fresh.row];
    // What waits to be saved is newer than what the server knows, and is refused there if somebody else was faster.
    if (!row.pending) Object.assign(row, fresh);
    else if (row === answered) row.version = fresh.version;
  }
  seq = data.seq;
  lastChange = data.change;
}

async function load() {
  const answer = await get("state");
  if (!answer.ok) throw new Error(answer.data.error);
  rows = answer.data.rows.map((row) => ({ ...row, pending: 0 }));
  seq = answer.data.seq;
  lastChange = answer.data.change;
  select(EVERYTHING);
  at = Math.max(0, view.findIndex((row) => row.label === null && !row.mark));
  show();
  showSaved();
}

async function refresh() {
  if (document.hidden || !rows.length || saver.waiting.length) return;
  try {
    const answer = await get(`changes?since=${seq}`);
    if (!answer.ok || !answer.data.rows.length || saver.waiting.length) return;
    take(answer.data);
    show();
  } catch {
    // Nothing is lost by it: the next change will tell that the server is gone.
  }
}

// ---- changing

function change(row, fields) {
  const next = { label: row.label, note: row.note, mark: row.mark, ...fields };
  if (next.label === row.label && next.note === row.note && next.mark === row.mark) return true;
  if (saver.problem) return refuse();
  Object.assign(row, next);
  row.pending += 1;
  const body = () => ({ row: row.row, version: row.version, since: seq, ...next });
  saver.add({ path: "row", body, row, done: (answer) => changed(row, answer) });
  return true;
}

function changed(row, answer) {
  row.pending -= 1;
  if (answer.ok) {
    take(answer.data, row);
    if (row === current()) showAnnotations(row);
    return showCounts();
  }
  saver.drop(row);
  row.pending = 0;
  if (answer.data.rows) take(answer.data);
  else load().catch(() => {}); // refused as malformed: show what the file says
  say(`Not saved: ${answer.data.error}`);
  go(row);
}

function refuse() {
  $("problem").classList.remove("shake");
  void $("problem").offsetWidth; // lets the animation begin again
  $("problem").classList.add("shake");
  say("Not taken: earlier answers are not saved yet.");
  return false;
}

function label(name) {
  const row = current();
  if (!row || !keepNote()) return;
  const settles = wanted.filter === "dispute" || row.mark === "settled";
  if (!change(row, { label: name, mark: settles ? "settled" : "" })) return;
  flash(labelButtons.find((button) => button.dataset.label === name));
  move(1);
}

// The next review comes at once, so the button tells for a moment what was taken.
function flash(button) {
  button.classList.add("taken");
  setTimeout(() => button.classList.remove("taken"), 350);
}

function unlabel() {
  const row = current();
  // What was settled stays so: its label before that is the one that agreement is measured on.
  if (row && keepNote() && change(row, { label: null, mark: row.mark === "settled" ? "settled" : "" })) show();
}

function skip() {
  const row = current();
  if (row && keepNote() && (row.label !== null || change(row, { mark: "skipped" }))) move(1);
}

function undo() {
  if (!keepNote()) return;
  if (saver.problem) return refuse();
  if (lastChange === null && !saver.waiting.length) return say("There is nothing to undo.");
  undoing = true;
  const done = (answer) => {
    undoing = false;
    if (answer.data.rows) take(answer.data);
    if (!answer.ok) say(answer.data.error);
    else say("Undone.");
    if (answer.ok) go(rows[answer.data.row]);
    else show();
  };
  saver.add({ path: "undo", body: () => ({ change: lastChange ?? 0, since: seq }), row: null, done });
}

// The server ends after everything before it in the queue is on disk.
function finish() {
  if (!keepNote()) return;
  if (saver.problem) return refuse();
  const done = (answer) => {
    if (!answer.ok) return say(answer.data.error);
    rows = view = [];
    for (const part of document.querySelectorAll("header, main")) part.hidden = true;
    $("ended").hidden = false;
  };
  saver.add({ path: "end", body: () => ({}), row: null, done });
}

// The note is saved after a pause, and before anything else happens to the review.
function keepNote() {
  clearTimeout(noteTimer);
  const row = current();
  // A half of a surrogate pair cannot be saved.
  const note = $("note").value.replace(/\p{Surrogate}/gu, "\ufffd").trim();
  if (!row || note === row.note) return true;
  const kept = change(row, { note });
  showCounts();
  return kept;
}

// ---- which review

const FILTERS = {
  all: () => true,
  unlabelled: (row) => row.label === null,
  labelled: (row) => row.label !== null,
  skipped: (row) => row.mark === "skipped",
  note: (row) => row.note !== "",
  dispute: (row) => row.second !== undefined && row.mark !== "settled",
  settled: (row) => row.mark === "settled",
  label: (row, name) => row.label === name,
};

const folded = (text) => text.normalize("NFC").toLowerCase();

function select(want) {
  wanted = want;
  const query = folded(want.query.trim());
  const found = (row) => [row.text, row.note, row.id].some((part) => folded(part).includes(query));
  view = rows.filter((row) => FILTERS[want.filter](row, want.label) && (!query || found(row)));
  at = 0;
  $("search").value = want.query;
  for (const option of $("filter").options) {
    option.selected = option.value === want.filter && (option.dataset.label ?? "") === want.label;
  }
}

function choose(want) {
  if (!keepNote()) return;
  select({ ...wanted, ...want });
  show();
}

function chooseFilter() {
  const option = $("filter").selectedOptions[0];
  choose({ filter: option.value, label: option.dataset.label ?? "" });
}

function move(step) {
  if (!keepNote()) return;
  at = Math.min(Math.max(at + step, 0), view.length);
  show();
}

function go(row) {
  if (!view.includes(row)) select(EVERYTHING);
  at = view.indexOf(row);
  show();
}

// ---- showing

function show() {
  const row = current();
  for (const id of ["text", "note-field", "id"]) $(id).hidden = !row;
  for (const id of ["skip", "forward"]) $(id).disabled = !row;
  for (const button of labelButtons) button.disabled = !row;
  $("back").disabled = at === 0;
  $("end").hidden = Boolean(row);
  $("more").hidden = true;
  showCounts();
  showAnnotations(row);
  if (!row) return showEnd();
  $("place").textContent = `${at + 1} of ${view.length}` + (row.mark ? ` · ${row.mark}` : "");
  showText($("id"), row.id);
  showText($("text"), row.text || "(no text)");
  $("more").hidden = !row.chars; // only what was cut has a length
  $("more").textContent = `Show all ${row.chars?.toLocaleString("en")} characters`;
  if ($("note").value !== row.note) $("note").value = row.note;
  fitNote();
  window.scrollTo(0, 0);
  $("card").scrollTop = 0;
}

function showEnd() {
  const left = rows.filter((row) => row.label === null && !row.mark).length;
  const skipped = rows.filter(FILTERS.skipped).length;
  const narrowed = wanted.filter !== "all" || wanted.query;
  $("place").textContent = "";
  $("note").value = "";
  $("to-unlabelled").hidden = left === 0 || (wanted.filter === "unlabelled" && !wanted.query && !view.length);
  $("to-skipped").hidden = skipped === 0;
  const what = view.length ? "End of this list." : "No review here.";
  $("end-text").textContent = left
    ? `${narrowed ? what : "That was the last review."} ${left} ${left === 1 ? "has" : "have"} no label yet.`
    : `${skipped ? `${skipped} skipped, all others` : "All reviews"} are labelled. Press Done to finish.`;
}

function showAnnotations(row) {
  for (const button of labelButtons) {
    button.setAttribute("aria-pressed", String(Boolean(row) && row.label === button.dataset.label));
  }
  if ($("agreement")) $("agreement").hidden = wanted.filter !== "dispute";
  const disputed = wanted.filter === "dispute" && row?.second !== undefined;
  $("annotations").hidden = !disputed;
  if (!disputed) return;
  const chip = (who, name) => {
    const element = document.createElement("span");
    const value = document.createElement("bdi");
    value.textContent = name ?? "no label";
    element.append(`${who} `, value);
    return element;
  };
  $("annotations").replaceChildren(chip("This file:", row.label), chip("Second:", row.second));
}

function showCounts() {
  const done = rows.filter((row) => row.label !== null && !row.pending).length; // what is on disk
  $("progress").max = rows.length || 1;
  $("progress").value = done;
  const skipped = rows.filter(FILTERS.skipped).length;
  $("count").textContent = `${done} / ${rows.length} labelled` + (skipped ? `, ${skipped} skipped` : "");
  for (const option of $("filter").options) {
    const count = rows.filter((row) => FILTERS[option.value](row, option.dataset.label)).length;
    option.textContent = `${option.dataset.name} (${count})`;
  }
}

function showSaved() {
  const waiting = saver.waiting.length;
  const state = saver.problem ? "problem" : waiting ? "saving" : "saved";
  const words = { problem: "Not saved", saving: "Saving…", saved: "Saved" };
  $("saved").dataset.state = state;
  $("saved").textContent = words[state];
  $("problem").hidden = !saver.problem;
  $("reason").textContent = `${saver.problem} This page keeps trying to save what is below. `
    + "If labeler annotate was started again, it has a new address: open it and re-enter them.";
  const items = saver.waiting.map(({ row, path }) => {
    const item = document.createElement("li");
    showText(item, row ? `${row.id}: ${row.label ?? "no label"}${row.note ? `, note: ${row.note}` : ""}` : path);
    return item;
  });
  $("unsaved").replaceChildren(...items);
}

let toastTimer = 0;
function say(words) {
  clearTimeout(toastTimer);
  $("toast").textContent = words;
  $("toast").hidden = false;
  toastTimer = setTimeout(() => ($("toast").hidden = true), 4000);
}

function fitNote() {
  $("note").style.height = "auto";
  $("note").style.height = `${$("note").scrollHeight + 2}px`;
}

async function showAll() {
  const row = current();
  try {
    const answer = await get(`text?row=${row.row}`);
    if (!answer.ok) return say("The text could not be fetched.");
    row.text = answer.data.text;
    delete row.chars;
    if (row === current()) show();
  } catch {
    say("The server does not answer.");
  }
}

// ---- keys and clicks

// Kazakh and Russian layouts have other characters on these keys, so the place of the key counts there.
function keyName(event) {
  if (/^[\x21-\x7e]$/.test(event.key) && !/^[!-.:-@]$/.test(event.key)) return event.key.toLowerCase();
  if (event.key.length > 1 || event.key === " " || event.key === "?" || event.shiftKey) return event.key;
  const place = /^(?:Digit|Numpad|Key)(\w)$/.exec(event.code);
  if (place) return place[1].toLowerCase();
  return event.code === "Slash" ? "/" : event.key;
}

const KEYS = {
  " ": skip,
  "0": unlabel,
  u: undo,
  n: () => $("note").focus(),
  "/": () => $("search").focus(),
  "?": () => $("keys").showModal(),
};
const ARROWS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || $("keys").open) return;
  const typing = event.target.matches("input, textarea, select");
  if (typing) {
    if (event.key === "Escape" || (event.key === "Enter" && event.target !== $("note"))) event.target.blur();
    return;
  }
  const name = keyName(event);
  if (event.target.matches("button, summary") && (name === " " || name === "Enter")) return;
  const action = /^[1-9]$/.test(name) ? labelButtons[name - 1] && (() => label(labelButtons[name - 1].dataset.label)) : KEYS[name];
  if (name in ARROWS && !(name.endsWith("Up") || name.endsWith("Down"))) move(ARROWS[name]);
  else if (action && event.repeat) return event.preventDefault(); // a key held down is one answer, not many
  else if (action && undoing) say("Wait: the undo is being saved.");
  else if (action) action();
  else return;
  event.preventDefault();
}

function onClick(id, action) {
  $(id).addEventListener("click", action);
}

document.addEventListener("keydown", onKey);
// After a click the keyboard belongs to the page again: space must skip, not press the same button.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && event.detail > 0) button.blur();
});
for (const button of labelButtons) button.addEventListener("click", () => label(button.dataset.label));
onClick("back", () => move(-1));
onClick("forward", () => move(1));
onClick("skip", skip);
onClick("undo", undo);
onClick("done", finish);
onClick("more", showAll);
onClick("retry", () => saver.run());
onClick("help", () => $("keys").showModal());
onClick("close", () => $("keys").close());
onClick("to-unlabelled", () => choose({ ...EVERYTHING, filter: "unlabelled" }));
onClick("to-skipped", () => choose({ ...EVERYTHING, filter: "skipped" }));
$("filter").addEventListener("change", () => {
  chooseFilter();
  $("filter").blur();
});
$("search").addEventListener("input", () => choose({ query: $("search").value }));
$("note").addEventListener("input", () => {
  clearTimeout(noteTimer);
  noteTimer = setTimeout(keepNote, NOTE_PAUSE);
  $("saved").dataset.state = "saving";
  $("saved").textContent = "Typing…";
  fitNote();
});
$("note").addEventListener("blur", keepNote);
document.addEventListener("visibilitychange", refresh);
window.addEventListener("focus", refresh);
window.addEventListener("beforeunload", (event) => {
  keepNote();
  if (saver.waiting.length) event.preventDefault();
});

load().catch(() => {
  $("saved").dataset.state = "problem";
  $("saved").textContent = "Not loaded";
  say("The reviews could not be loaded. Is labeler annotate still running?");
});
