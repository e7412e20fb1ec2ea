"use strict";
// Updates rest while nobody looks; where they fail, or none come, the page says how old its figures are.
const LATE_MS = 15_000;
const aged = document.getElementById("aged");
const agedSaid = document.getElementById("aged-said");
let fresh = Date.now();
let looked = fresh;
let why = "";
let stale = false;

function age() {
  const seconds = Math.max(Math.round((Date.now() - fresh) / 1000), 1);
  if (seconds === 1) return "1 second";
  if (seconds < 120) return `${seconds} seconds`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;
}

function tell() {
  if (!aged || document.hidden) return;
  const was = stale;
  stale = why !== "" || Date.now() - Math.max(fresh, looked) > LATE_MS;
  aged.hidden = !stale;
  if (stale) aged.textContent = `Not up to date: these figures are ${age()} old. ${why}`;
  if (was === stale) return; // the age moves on in sight; aloud only a change is told
  document.body.classList.toggle("stale", stale);
  for (const each of document.querySelectorAll(".live-word")) each.textContent = stale ? "Not live" : "Live";
  agedSaid.textContent = stale ? `The figures are no longer up to date. ${why}` : "The figures are up to date again.";
}

function failed(reason) {
  why = reason;
  tell();
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.hasAttribute("data-poll")) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  looked = Date.now();
  if (!document.hidden) for (const each of document.querySelectorAll("[data-poll]")) htmx.trigger(each, "seen");
});
for (const silence of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(silence, () => failed("The page's server does not answer."));
}
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  failed(status === 503 ? "Redis does not answer the page's server." : `The page's server answers ${status}.`);
});
document.addEventListener("htmx:afterSwap", () => {
  fresh = Date.now();
  failed("");
});
if (aged) setInterval(tell, 1000);

// A file that is too large is told before it is sent.
document.addEventListener("change", (event) => {
  const most = Number(event.target.dataset.most);
  if (!most) return;
  const size = event.target.files[0]?.size ?? 0;
  event.target.setCustomValidity(size > most ? "This file is too large: use shipper dead import." : "");
  event.target.reportValidity();
});
