"use strict";
// Only what has changed is put in place, so that neither focus nor a reader's place is lost.
setInterval(async () => {
  const answer = await fetch("/live").catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("runs");
  const shown = document.getElementById("runs");
  if (fresh && fresh.innerHTML !== shown.innerHTML) shown.replaceChildren(...fresh.children);
}, 2000);
