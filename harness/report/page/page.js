"use strict";
(() => {
  const get = id => document.getElementById(id);
  const HEIGHT = 34, SPARE = 8;
  const list = get("list"), rows = get("rows"), form = get("filters");
  if (!list) { document.documentElement.dataset.ready = "1"; return; }
  let data, shown = [], active = 0, opened = -1, asked = 0;
  const blocks = new Map(), waiting = new Map();

  const inflate = async text => {
    const bytes = Uint8Array.from(atob(text), char => char.charCodeAt(0));
    return JSON.parse(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text());
  };
  // Blocks of a large report lie beside the page as scripts, since a page opened from a folder may not fetch.
  window.opengapBlock = (number, text) => waiting.get(number)?.(text);
  const packed = number => {
    const inside = get("block-" + number);
    if (inside) return Promise.resolve(inside.textContent);
    return new Promise((resolve, reject) => {
      waiting.set(number, resolve);
      const script = document.createElement("script");
      script.src = "samples/" + String(number).padStart(4, "0") + ".js";
      script.onload = () => script.remove();
      script.onerror = () => reject(new Error("samples/ is missing beside this page"));
      document.head.append(script);
    });
  };
  const block = number => {
    if (!blocks.has(number)) {
      if (blocks.size > 30) blocks.delete(blocks.keys().next().value);
      blocks.set(number, packed(number).then(inflate));
    }
    return blocks.get(number);
  };
  const textOf = async item => (await block(Math.floor(item / data.block)))[item % data.block];

  // What a model wrote is text and nothing else: controls and direction overrides are spelt out.
  const plain = text => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g,
    char => char === "\r" ? "" : "[U+" + char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "]");
  const make = (tag, text, name) => {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = plain(String(text));
    if (name) node.className = name;
    return node;
  };
  const pair = item => {
    const task = data.tasks[data.task[item]];
    const side = name => +form.elements[name].value;
    return [side("closed") < 0 ? task.closed : side("closed"), side("open") < 0 ? task.open : side("open")];
  };
  const mark = (system, item) => {
    const score = data.score[system][item], status = data.statuses[data.status[system][item]];
    const worth = score < 0 ? "–" : score === 1000 ? "✓ right" : score === 0 ? "✗ wrong" : (score / 10).toFixed(1);
    return status === "ok" || status === undefined ? worth : score > 0 ? worth + ", " + status : status;
  };
  // Ids of one benchmark begin alike: where there is no room, both ends stay.
  const brief = id => list.clientWidth > 600 || id.length < 20 ? id : id.slice(0, 5) + "…" + id.slice(-12);
  const address = item => "#sample/" + encodeURIComponent(data.tasks[data.task[item]].name) + "/" + encodeURIComponent(data.id[item]);

  function draw() {
    const first = Math.max(0, Math.floor(list.scrollTop / HEIGHT) - SPARE);
    const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / HEIGHT) + 2 * SPARE);
    const fresh = document.createDocumentFragment();
    for (let place = first; place < last; place++) {
      const item = shown[place], [closed, open] = pair(item), row = make("div", undefined, "row");
      row.id = "row-" + place;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", item === opened);
      row.setAttribute("aria-setsize", shown.length);
      row.setAttribute("aria-posinset", place + 1);
      row.style.top = place * HEIGHT + "px";
      row.dataset.place = place;
      if (place === active) row.classList.add("active");
      row.append(make("span", brief(data.id[item])), make("span", data.tasks[data.task[item]].name),
        make("span", mark(closed, item), "side closed"), make("span", mark(open, item), "side open"));
      fresh.append(row);
    }
    rows.replaceChildren(fresh);
    list.setAttribute("aria-activedescendant", shown.length ? "row-" + active : "");
  }

  const outcomes = {
    all: () => true,
    closed: (c, o) => c > o && o >= 0, open: (c, o) => o > c && c >= 0,
    both: (c, o) => c > 0 && o > 0, none: (c, o) => c === 0 && o === 0,
  };
  async function filter(keep) {
    const turn = ++asked, task = +form.elements.task.value, outcome = outcomes[form.elements.outcome.value];
    const status = form.elements.status.value, query = form.elements.query.value.trim().toLowerCase(), deep = form.elements.texts.checked;
    const found = [], texts = [];
    for (let item = 0; item < data.id.length; item++) {
      if (task >= 0 && data.task[item] !== task) continue;
      const [c, o] = pair(item);
      if (!outcome(data.score[c][item], data.score[o][item])) continue;
      if (status && data.statuses[data.status[c][item]] !== status && data.statuses[data.status[o][item]] !== status) continue;
      if (!query || data.id[item].toLowerCase().includes(query) || data.tasks[data.task[item]].name.toLowerCase().includes(query)) found.push(item);
      else if (deep) texts.push(item);
    }
    const show = done => {
      shown = found; active = keep ? Math.max(0, shown.indexOf(opened)) : 0;
      rows.style.height = shown.length * HEIGHT + "px";
      if (!keep) list.scrollTop = 0;
      get("count").textContent = shown.length.toLocaleString("en") + (shown.length === 1 ? " sample" : " samples") + (done ? "" : ", still searching");
      draw();
    };
    show(!texts.length);
    for (let place = 0; place < texts.length; place++) {
      const entry = await textOf(texts[place]);
      if (turn !== asked) return;
      if (entry && JSON.stringify(entry).toLowerCase().includes(query)) found.push(texts[place]);
      if (place % 500 === 499 || place === texts.length - 1) { found.sort((a, b) => a - b); show(place === texts.length - 1); }
    }
  }

  function answer(system, item, entry) {
    const box = make("section"), about = data.systems[system], heading = make("h4", about.short, "side " + (about.open ? "open" : "closed"));
    box.append(heading, make("p", about.name + " · " + mark(system, item), "meta id"));
    const [text, reasoning] = entry?.[2]?.[system] ?? ["", ""];
    if (reasoning) {
      const more = make("details");
      more.append(make("summary", "reasoning"), readable(reasoning));
      box.append(more);
    }
    if (entry) box.append(readable(text || "(no text)"));
    return box;
  }
  function readable(text) {
    const node = make("pre", text);
    node.tabIndex = 0;
    return node;
  }
  async function open(item, jump) {
    opened = item;
    const place = shown.indexOf(item), target = get("sample"), task = data.tasks[data.task[item]];
    if (place >= 0) active = place;
    draw();
    let entry = null, problem = "";
    try { entry = await textOf(item); } catch (error) { problem = error.message; }
    if (opened !== item) return;
    const [closed, other] = pair(item), link = make("a", "link to this sample"), pairs = make("div", undefined, "pair");
    link.href = address(item);
    const title = make("h3", task.name + " / " + data.id[item]), meta = make("p", "", "meta");
    title.tabIndex = -1;
    meta.append(link);
    target.replaceChildren(title, meta);
    if (entry) target.append(make("h4", "Question"), readable(entry[0]), make("h4", "Expected"), readable(entry[1] || "(nothing stored)"));
    else target.append(make("p", problem || (task.text ? "No text is stored for this sample." : "The text of this task may not be passed on: it stays on the machine that ran it.")));
    pairs.append(answer(closed, item, entry), answer(other, item, entry));
    target.append(pairs);
    history.replaceState(null, "", address(item));
    if (jump) { title.scrollIntoView({ block: "start" }); title.focus({ preventScroll: true }); }
  }

  function follow() {
    const parts = location.hash.slice(1).split("/").map(part => { try { return decodeURIComponent(part); } catch { return ""; } });
    const task = data.tasks.findIndex(one => one.name === parts[1]);
    if (parts[0] === "samples" && task >= 0) {
      form.elements.task.value = task;
      filter();
      get("samples").scrollIntoView();
    } else if (parts[0] === "sample") {
      const item = data.id.findIndex((id, place) => id === parts[2] && data.task[place] === task);
      if (item < 0) { get("sample").replaceChildren(make("p", "There is no sample of that address in this report.")); return; }
      const place = shown.indexOf(item);
      if (place >= 0) list.scrollTop = Math.max(0, (place - 4) * HEIGHT);
      open(item, true);
    }
  }
  list.addEventListener("scroll", draw, { passive: true });
  list.addEventListener("click", event => {
    const row = event.target.closest(".row");
    if (row) open(shown[+row.dataset.place], false);
  });
  list.addEventListener("keydown", event => {
    const page = Math.floor(list.clientHeight / HEIGHT) - 1;
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: shown.length - 1 }[event.key];
    if (event.key === "Enter" && shown.length) open(shown[active], true);
    else if (to === undefined) return;
    else {
      active = Math.max(0, Math.min(shown.length - 1, to));
      if (active * HEIGHT < list.scrollTop) list.scrollTop = active * HEIGHT;
      if ((active + 1) * HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = (active + 1) * HEIGHT - list.clientHeight;
      draw();
    }
    event.preventDefault();
  });
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("input", () => { filter(true); if (opened >= 0) open(opened, false); });
  window.addEventListener("hashchange", follow);

  inflate(get("index").textContent).then(async found => {
    data = found;
    const choose = (name, label, value) => form.elements[name].append(new Option(plain(label), value));
    data.tasks.forEach((task, number) => choose("task", task.name, number));
    const seen = new Set(data.status.flat());
    data.statuses.forEach((status, number) => seen.has(number) && choose("status", status, status));
    data.systems.forEach((system, number) => choose(system.open ? "open" : "closed", system.short, number));
    await filter();
    follow();
    document.documentElement.dataset.ready = performance.now().toFixed(0);
  }).catch(error => { get("count").textContent = "The samples cannot be shown: " + error.message; });
})();
