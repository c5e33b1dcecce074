"use strict";
(() => {
  const get = id => document.getElementById(id);
  const SPARE = 8;
  const list = get("list"), rows = get("rows"), form = get("filters");
  // What can be scrolled must be reached by the keyboard, and nothing else need be.
  const reach = () => document.querySelectorAll(".scroll,pre").forEach(node => {
    if (node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1) node.tabIndex = 0;
    else node.removeAttribute("tabindex");
  });
  addEventListener("resize", reach);
  addEventListener("toggle", reach, true);
  reach();
  if (!list) { document.documentElement.dataset.ready = "1"; return; }
  get("explorer").hidden = false;
  get("unscripted").hidden = true;
  let data, shown = [], active = 0, opened = -1, asked = 0, jumping = true;
  // A row is higher on a phone, where the task stands below the item.
  const height = () => parseFloat(getComputedStyle(list).getPropertyValue("--row"));
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

  // What a model wrote is text and nothing else: controls, direction overrides and what leaves nothing to be seen are spelt
  // out, but for joiners and variants, of which emoji and many scripts are made.
  const plain = text => text.replace(/(?![\n\t\u200c\u200d\ufe0e\ufe0f])[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u2800]/gu,
    char => char === "\r" ? "" : "[U+" + char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "]");
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
  const go = (item, jump) => {
    if (location.hash === address(item)) { open(item, jump); return; }
    jumping = jump;
    location.hash = address(item);
  };
  // Ids of one benchmark begin alike: where there is no room, both ends stay.
  const brief = id => list.clientWidth > 600 || id.length < 14 ? id : id.slice(0, 4) + "…" + id.slice(-8);
  const address = item => "#sample/" + encodeURIComponent(data.tasks[data.task[item]].name) + "/" + encodeURIComponent(data.id[item]);

  function draw() {
    const each = height(), first = Math.max(0, Math.floor(list.scrollTop / each) - SPARE);
    const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / each) + 2 * SPARE);
    rows.style.height = shown.length * each + "px";
    const fresh = document.createDocumentFragment();
    for (let place = first; place < last; place++) {
      const item = shown[place], [closed, open] = pair(item), row = make("div", undefined, "row");
      row.id = "row-" + place;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", item === opened);
      row.setAttribute("aria-setsize", shown.length);
      row.setAttribute("aria-posinset", place + 1);
      row.style.top = place * each + "px";
      row.dataset.place = place;
      if (place === active) row.classList.add("active");
      const task = data.tasks[data.task[item]].name;
      row.setAttribute("aria-label", plain(data.id[item] + ", " + task + "; closed: " + mark(closed, item) + "; open: " + mark(open, item)));
      row.append(make("span", brief(data.id[item])), make("span", task), make("span", mark(closed, item), "side closed"), make("span", mark(open, item), "side open"));
      fresh.append(row);
    }
    rows.replaceChildren(fresh);
    // What is scrolled out of sight is not in the document and cannot be pointed to.
    if (get("row-" + active)) list.setAttribute("aria-activedescendant", "row-" + active);
    else list.removeAttribute("aria-activedescendant");
  }

  const outcomes = {
    all: () => true,
    closed: (c, o) => c > o && o >= 0, open: (c, o) => o > c && c >= 0,
    both: (c, o) => c >= 500 && o >= 500, none: (c, o) => c >= 0 && o >= 0 && c < 500 && o < 500,
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
      if (!keep) list.scrollTop = 0;
      get("count").textContent = shown.length.toLocaleString("en") + (shown.length === 1 ? " sample" : " samples") + (done ? "" : ", still searching");
      draw();
    };
    show(!texts.length);
    for (let place = 0; place < texts.length; place++) {
      let entry;
      try { entry = await textOf(texts[place]); } catch (error) { if (turn === asked) get("count").textContent = "Texts cannot be searched: " + error.message; return; }
      if (turn !== asked) return;
      const [question, target, answers] = entry ?? ["", "", {}];
      if ([question, target, ...Object.values(answers).flat()].some(text => text.toLowerCase().includes(query))) found.push(texts[place]);
      if (place % 500 === 499 || place === texts.length - 1) { found.sort((a, b) => a - b); show(place === texts.length - 1); }
    }
  }

  function answer(system, item, entry) {
    const box = make("section"), about = data.systems[system], side = about.open ? "open" : "closed";
    const heading = make("h4", side + ": " + about.short, "side " + side);
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
    return make("pre", text);
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
    else target.append(make("p", problem || (task.text ? "No text is stored for this sample." :
      task.own ? "No text is shown, so that this report can be passed on: these are questions of somebody's own. `opengap report --own-text` and `opengap view --own-text` show them." :
      "No text is shown: it may not be passed on. It lies in text.parquet of the run, on the machine that ran it.")));
    pairs.append(answer(closed, item, entry), answer(other, item, entry));
    target.append(pairs);
    reach();
    if (jump) { title.scrollIntoView({ block: "start" }); title.focus({ preventScroll: true }); }
  }

  function follow() {
    const parts = location.hash.slice(1).split("/").map(part => { try { return decodeURIComponent(part); } catch { return ""; } });
    const task = data.tasks.findIndex(one => one.name === parts[1]);
    if (parts[0] === "samples" && task >= 0) {
      form.elements.task.value = task;
      filter();
      get("samples").scrollIntoView();
    } else if (!location.hash) {
      opened = -1;
      get("sample").replaceChildren();
      draw();
    } else if (parts[0] === "sample") {
      const item = data.id.findIndex((id, place) => id === parts[2] && data.task[place] === task);
      if (item < 0) { get("sample").replaceChildren(make("p", "There is no sample of that address in this report.")); return; }
      const place = shown.indexOf(item);
      if (place >= 0 && jumping) list.scrollTop = Math.max(0, (place - 4) * height());
      open(item, jumping);
      jumping = true;
    }
  }
  list.addEventListener("scroll", draw, { passive: true });
  list.addEventListener("click", event => {
    const row = event.target.closest(".row");
    if (row) go(shown[+row.dataset.place], false);
  });
  list.addEventListener("keydown", event => {
    const each = height(), page = Math.floor(list.clientHeight / each) - 1;
    // From where one sees, should the active row have been scrolled away.
    const seen = Math.ceil(list.scrollTop / each);
    if (active < seen - 1 || active > seen + page) active = seen - (event.key === "ArrowDown");
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: shown.length - 1 }[event.key];
    if (event.key === "Enter" && shown.length) go(shown[active], true);
    else if (to === undefined) return;
    else {
      active = Math.max(0, Math.min(shown.length - 1, to));
      if (active * each < list.scrollTop) list.scrollTop = active * each;
      if ((active + 1) * each > list.scrollTop + list.clientHeight) list.scrollTop = (active + 1) * each - list.clientHeight;
      draw();
    }
    event.preventDefault();
  });
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("input", event => {
    filter(true);
    if (opened >= 0 && ["closed", "open"].includes(event.target.name)) open(opened, false);
  });
  addEventListener("resize", draw);
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
