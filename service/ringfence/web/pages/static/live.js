// Makes an open page live: told that something has changed, it asks for itself again and puts in what differs of the
// parts marked `data-live`. Nothing depends on it. It never moves the focus and never touches what somebody works in.
"use strict";
(() => {
  const page = document.body;
  if (!page.dataset.events || !window.EventSource || !window.fetch) return;
  const watches = page.dataset.watches.split(" ");
  const liveness = document.getElementById("liveness");
  const again = 30000; // ms until a refused or broken stream is tried again
  let source = null;
  let retry = 0;
  let due = 0;
  let asking = false;
  let seen = { version: page.dataset.version, calls: null };

  const tell = (alive) => {
    if (!liveness) return;
    const words = alive ? liveness.dataset.liveWords : liveness.dataset.lostWords;
    if (liveness.textContent !== words) liveness.textContent = words;
  };

  const inUse = (part) => {
    if (part.contains(document.activeElement) && document.activeElement !== page) return true;
    const selection = window.getSelection();
    if (selection && !selection.isCollapsed && part.contains(selection.anchorNode)) return true;
    return Array.from(part.querySelectorAll("input, select, textarea")).some(
      (field) => field.type !== "hidden" && (field.value !== (field.dataset.was ?? field.defaultValue ?? field.value)
        || field.checked !== (field.defaultChecked ?? field.checked)));
  };

  const putIn = (part, fresh) => {
    if (part.innerHTML === fresh.innerHTML && part.className === fresh.className) return;
    const open = Array.from(part.querySelectorAll("details[open][id]"), (one) => one.id);
    part.className = fresh.className;
    // Copied to a list before any of it moves: the nodes leave `fresh` while they are put in.
    part.replaceChildren(...fresh.childNodes);
    for (const id of open) {
      const one = document.getElementById(id);
      if (one) one.open = true;
    }
  };

  const ask = async () => {
    due = 0;
    if (asking) { plan(500); return; }
    asking = true;
    try {
      const answer = await fetch(location.href, {
        credentials: "same-origin",
        cache: "no-store",
        headers: { "X-Ringfence-Live": "1" }, // what is said once is for the page that is being opened
      });
      if (answer.redirected || answer.status === 401) { stop(); tell(false); return; }
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      let left = false;
      for (const part of document.querySelectorAll("[data-live][id]")) {
        const other = fresh.getElementById(part.id);
        if (!other) continue;
        if (inUse(part)) { left = left || part.innerHTML !== other.innerHTML; continue; }
        putIn(part, other);
      }
      if (left) plan(3000);
    } catch {
      tell(false);
    } finally {
      asking = false;
    }
  };

  const plan = (wait) => {
    if (!due) due = setTimeout(ask, wait);
  };

  const hear = (event) => {
    tell(true);
    const now = JSON.parse(event.data);
    const differs = (watches.includes("version") && now.version !== seen.version)
      || (watches.includes("calls") && seen.calls !== null && now.calls !== seen.calls);
    seen = now;
    if (differs) plan(Math.random() * now.spread_ms);
  };

  const stop = () => {
    if (source) source.close();
    source = null;
  };

  const start = () => {
    clearTimeout(retry);
    if (source) return;
    source = new EventSource(page.dataset.events);
    source.addEventListener("seen", hear);
    source.addEventListener("open", () => tell(true));
    source.addEventListener("error", () => {
      tell(false);
      if (source && source.readyState === EventSource.CLOSED) {
        stop();
        retry = setTimeout(start, again);
      }
    });
  };

  // A page nobody looks at gives its connection back: a browser has few of them for one address.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else { start(); plan(0); }
  });
  window.addEventListener("pagehide", stop);
  for (const field of document.querySelectorAll("select")) field.dataset.was = field.value;
  if (!document.hidden) start();
})();
