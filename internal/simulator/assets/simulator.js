// What the page does as plain forms, without the reload: keys type into the
// box, forms are sent by fetch, and each phone asks every two seconds whether
// something came.
"use strict";

const pollEvery = 2000;
const measureAfter = 150;
const busy = new WeakSet();

// Keys that type a character. The others are sent.
const types = (button) => button && button.name === "key" && /^[0-9*#]$/.test(button.value);

function type(input, character) {
  const start = input.selectionStart ?? input.value.length;
  const end = input.selectionEnd ?? start;
  input.setRangeText(character, start, end, "end");
}

function rub(input) {
  const start = input.selectionStart ?? input.value.length;
  const end = input.selectionEnd ?? start;
  input.setRangeText("", start === end ? Math.max(start - 1, 0) : start, end, "end");
}

// show puts a phone's new HTML in place, part by part: what did not change is
// not touched, so that a reader is told of what did, once.
function show(card, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("article");
  if (!fresh) return null;
  const held = document.activeElement;
  for (const part of card.querySelectorAll("[data-part]")) {
    const now = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    if (now && now.innerHTML !== part.innerHTML) part.innerHTML = now.innerHTML;
  }
  card.dataset.version = fresh.dataset.version;
  const input = card.querySelector("[name=typed]");
  input.placeholder = fresh.querySelector("[name=typed]").placeholder;
  if (held instanceof HTMLButtonElement && !held.isConnected && held.value) {
    const again = card.querySelector(`button[name="${held.name}"][value="${held.value}"]`);
    (again && !again.disabled ? again : input).focus();
  }
  return fresh;
}

function lost(card) {
  const screen = card.querySelector('[data-part="screen"]');
  const p = document.createElement("p");
  p.className = "own";
  p.textContent = document.body.dataset.lost;
  screen.replaceChildren(p);
  card.dataset.version = "";
}

async function send(form, button) {
  const card = form.closest("article");
  if (busy.has(card)) return; // a phone does one thing at a time
  busy.add(card);
  card.setAttribute("aria-busy", "true");
  const body = new URLSearchParams(new FormData(form));
  if (button && button.name) body.set(button.name, button.value);
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "Lafia-Fragment": "1" } });
    const fresh = answer.ok && show(card, await answer.text());
    if (!fresh) return lost(card);
    const text = form.querySelector("textarea");
    if (!text) {
      card.querySelector("[name=typed]").value = fresh.querySelector("[name=typed]").value;
    } else if (!fresh.querySelector('[data-part="smsnote"] p')) {
      text.value = "";
      form.querySelector("[data-meter]").textContent = "";
    }
  } catch {
    lost(card);
  } finally {
    busy.delete(card);
    card.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-act]")) return;
  event.preventDefault();
  const button = event.submitter;
  const input = form.querySelector("[name=typed]");
  if (types(button)) type(input, button.value);
  else if (button && button.value === "rub") rub(input);
  else send(form, button);
});

async function poll() {
  if (document.hidden) return;
  for (const card of document.querySelectorAll("article")) {
    if (busy.has(card)) continue;
    const { number, slot, version, poll } = card.dataset;
    const query = new URLSearchParams({ phone: number, slot, seen: version });
    try {
      const answer = await fetch(`${poll}&${query}`);
      if (answer.status === 200 && !busy.has(card)) show(card, await answer.text());
    } catch {
      return; // the next round tries again
    }
  }
}

async function measure(area) {
  const meter = area.form.querySelector("[data-meter]");
  const text = area.value;
  let said = text ? String([...text].length) : "";
  if (text) {
    try {
      const body = new URLSearchParams({ text, medium: "sms" });
      const answer = await fetch(area.dataset.measure, { method: "POST", body });
      if (answer.status === 200) said = (await answer.json()).said;
    } catch {
      // the number of characters must do
    }
  }
  if (area.value === text) meter.textContent = said;
}

const waiting = new WeakMap();
document.addEventListener("input", (event) => {
  const area = event.target;
  if (!area.matches("[data-measure]")) return;
  clearTimeout(waiting.get(area));
  waiting.set(area, setTimeout(measure, measureAfter, area));
});

(async () => {
  for (;;) {
    await new Promise((done) => setTimeout(done, pollEvery));
    await poll();
  }
})();
