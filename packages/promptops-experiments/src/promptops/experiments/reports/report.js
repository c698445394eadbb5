(function () {
  "use strict";
  const PAGE = 100;
  const $ = (id) => document.getElementById(id);
  const make = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined && text !== null) element.textContent = text;
    if (name) element.className = name;
    return element;
  };

  // ---- theme: automatic, light, dark
  const themes = ["auto", "light", "dark"];
  const words = { auto: "automatic", light: "light", dark: "dark" };
  let theme = "auto";
  const remember = (value) => { try { localStorage.setItem("promptops-theme", value); } catch (_) { /* not allowed here */ } };
  const showTheme = () => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    $("theme").textContent = "Theme: " + words[theme];
  };
  try {
    const kept = localStorage.getItem("promptops-theme");
    if (themes.includes(kept)) theme = kept;
  } catch (_) { /* not allowed here */ }
  $("theme").hidden = false;
  $("theme").addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    remember(theme);
    showTheme();
  });
  showTheme();

  // ---- data: read as text, never run
  const section = $("examples");
  if (!section) return;
  const data = JSON.parse($("data").textContent);
  const rows = data.rows.map((raw, place) => ({
    place, id: raw[0], repetition: raw[1], headline: raw[2], fields: raw[3], left: raw[5] || [],
    sides: new Map(raw[4].map((side) => [side[0], {
      output: side[1], error: side[2], latency: side[3],
      evaluations: new Map(side[4].map((one) => [one[0], { score: one[1], label: one[2], why: one[3], error: one[4] }])),
    }])),
  }));
  const state = { view: 0, metric: 0, show: "all", words: [], sort: null, down: false, page: 0, found: rows, at: -1 };
  const view = () => data.views[state.view];

  const score = (row, side) => {
    const cell = row.sides.get(side);
    const one = cell && cell.evaluations.get(state.metric);
    return one && one.score !== null ? one.score : null;
  };
  // Two answers to different questions are neither better nor worse.
  const leftOut = (row) => row.left.includes(state.view);
  const gain = (row) => {
    if (leftOut(row)) return null;
    const sides = view().sides;
    const before = score(row, sides[0]), after = score(row, sides[1]);
    if (before === null || after === null) return null;
    return data.lower.includes(state.metric) ? before - after : after - before;
  };
  const difference = (row) => {
    if (leftOut(row)) return null;
    const sides = view().sides;
    const before = score(row, sides[0]), after = score(row, sides[1]);
    return before === null || after === null ? null : after - before;
  };
  const failed = (row) => view().sides.some((side) => {
    const cell = row.sides.get(side);
    if (!cell) return false;
    return cell.error !== null || [...cell.evaluations.values()].some((one) => one.error !== null);
  });
  const number = (value) => value === null ? "–" : String(Number(value.toPrecision(4)));
  const signed = (value) => value === null ? "–" : (value > 0 ? "+" : value < 0 ? "−" : "") + number(Math.abs(value));
  const haystack = (row) => {
    if (row.text === undefined) {
      const parts = [row.id || "", row.headline];
      for (const field of row.fields) parts.push(field[1]);
      for (const side of row.sides.values()) {
        parts.push(side.output, side.error || "");
        for (const one of side.evaluations.values()) parts.push(one.label || "", one.error || "");
      }
      row.text = parts.join("\n").toLowerCase();
    }
    return row.text;
  };

  // ---- which rows, in which order
  const kept = (row) => {
    if (!view().sides.some((side) => row.sides.has(side))) return false;
    if (state.show === "errors") { if (!failed(row)) return false; }
    else if (state.show !== "all") {
      const change = gain(row);
      if (change === null) return false;
      if (state.show === "worse" ? change >= 0 : state.show === "better" ? change <= 0 : change !== 0) return false;
    }
    return state.words.every((word) => haystack(row).includes(word));
  };
  const keyOf = (row) => {
    if (state.sort === "example") return row.headline || row.id || "";
    if (state.sort === "difference") return difference(row);
    return score(row, Number(state.sort));
  };
  const refresh = () => {
    const found = rows.filter(kept);
    if (state.sort !== null) {
      const keys = new Map(found.map((row) => [row, keyOf(row)]));
      const direction = state.down ? -1 : 1;
      const texts = new Intl.Collator(undefined, { numeric: true });
      found.sort((first, second) => {
        const a = keys.get(first), b = keys.get(second);
        if (a === null || b === null) return a === b ? first.place - second.place : a === null ? 1 : -1;
        const order = typeof a === "string" ? texts.compare(a, b) : a - b;
        return order * direction || first.place - second.place;
      });
    } else if (state.show === "worse" || state.show === "better") {
      found.sort((a, b) => Math.abs(gain(b)) - Math.abs(gain(a)) || a.place - b.place);
    }
    state.found = found;
    state.page = 0;
    draw();
  };

  // ---- the table
  const head = () => {
    const columns = [["example", "example", ""]];
    for (const side of view().sides) columns.push([String(side), data.experiments[side], "n"]);
    if (view().compared) columns.push(["difference", "difference", "n"]);
    const line = make("tr");
    for (const [key, title, name] of columns) {
      const cell = make("th", null, name);
      cell.scope = "col";
      if (state.sort === key) cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      const button = make("button", title, "sort");
      button.type = "button";
      button.dataset.sort = key;
      button.append(make("span", state.sort === key ? (state.down ? " ▼" : " ▲") : "", "arrow"));
      button.lastChild.setAttribute("aria-hidden", "true");
      button.addEventListener("click", () => {
        if (state.sort !== key) { state.sort = key; state.down = false; }
        else if (!state.down) state.down = true;
        else { state.sort = null; state.down = false; }
        refresh();
        section.querySelector(`[data-sort="${key}"]`).focus();
      });
      cell.append(button);
      line.append(cell);
    }
    $("rows-head").replaceChildren(line);
  };
  const scoreText = (row, side) => {
    const cell = row.sides.get(side);
    if (!cell) return "–";
    if (cell.error !== null) return "failed";
    const one = cell.evaluations.get(state.metric);
    if (!one) return "–";
    if (one.error !== null) return "error";
    return one.score !== null ? number(one.score) : one.label || "–";
  };
  const line = (row, place) => {
    const element = make("tr");
    element.dataset.place = place;
    const name = make("th");
    name.scope = "row";
    const open = make("button", row.headline || row.id || "(row without an example)", "open");
    open.type = "button";
    open.tabIndex = -1;
    open.addEventListener("click", () => show(place));
    name.append(open);
    const which = [row.headline ? row.id : "", row.repetition === 1 ? "" : "repetition " + row.repetition,
      leftOut(row) ? "left out: the example changed" : ""];
    const id = which.filter(Boolean).join(", ");
    if (id) name.append(make("small", id));
    element.append(name);
    for (const side of view().sides) {
      const text = scoreText(row, side);
      element.append(make("td", text, text === "failed" || text === "error" ? "n bad" : "n"));
    }
    if (view().compared) {
      const change = gain(row);
      const tone = change === null || change === 0 ? "" : change > 0 ? "good" : "bad";
      const mark = change === null || change === 0 ? "" : change > 0 ? "▲ " : "▼ ";
      const cell = make("td", null, "n " + tone);
      if (mark) {
        cell.append(make("span", mark));
        cell.append(make("span", change > 0 ? "better by " : "worse by ", "hidden"));
      }
      cell.append(signed(difference(row)));
      element.append(cell);
    }
    return element;
  };
  const openers = () => [...$("rows").querySelectorAll(".open")];
  const draw = () => {
    head();
    const pages = Math.max(1, Math.ceil(state.found.length / PAGE));
    const start = state.page * PAGE;
    $("rows").replaceChildren(...state.found.slice(start, start + PAGE).map((row, index) => line(row, start + index)));
    const first = openers()[0];
    if (first) first.tabIndex = 0;
    const total = state.found.length.toLocaleString("en");
    $("count").textContent = state.found.length === 1 ? "1 row" : total + " rows";
    $("page").textContent = `page ${(state.page + 1).toLocaleString("en")} of ${pages.toLocaleString("en")}`;
    $("before").disabled = state.page === 0;
    $("after").disabled = state.page === pages - 1;
    $("pager").hidden = pages === 1;
    $("nothing").hidden = state.found.length > 0;
  };
  const turn = (by) => {
    const pages = Math.max(1, Math.ceil(state.found.length / PAGE));
    const page = Math.min(Math.max(state.page + by, 0), pages - 1);
    if (page === state.page) return false;
    state.page = page;
    draw();
    return true;
  };
  const focusRow = (place) => {
    const page = Math.floor(place / PAGE);
    if (page !== state.page) { state.page = page; draw(); }
    for (const button of openers()) button.tabIndex = -1;
    const target = openers()[place - state.page * PAGE];
    if (!target) return;
    target.tabIndex = 0;
    target.focus();
  };

  // ---- one row, side by side
  const dialog = $("detail");
  const fact = (term, text) => {
    const pair = make("div");
    const value = make("dd");
    value.append(make("pre", text));
    pair.append(make("dt", term), value);
    return pair;
  };
  const sideOf = (row, side) => {
    const box = make("section");
    box.append(make("h3", data.experiments[side]));
    const cell = row.sides.get(side);
    if (!cell) { box.append(make("p", "This experiment has no such row.", "facts")); return box; }
    box.append(cell.error !== null ? make("p", cell.error, "bad") : make("pre", cell.output));
    if (cell.evaluations.size) {
      const scores = make("dl", null, "scores");
      for (const [metric, one] of cell.evaluations) {
        const pair = make("div", null, metric === state.metric ? "chosen" : "");
        const said = one.error !== null ? one.error
          : [one.score !== null ? number(one.score) : "", one.label || ""].filter(Boolean).join(" ") || "–";
        pair.append(make("dt", data.metrics[metric]), make("dd", said, one.error !== null ? "bad" : ""));
        if (one.why) pair.append(make("dd", one.why, "why"));
        scores.append(pair);
      }
      box.append(scores);
    }
    if (cell.latency !== null) box.append(make("p", number(cell.latency) + " ms", "facts"));
    return box;
  };
  const show = (place) => {
    const row = state.found[place];
    state.at = place;
    $("detail-title").textContent = row.headline || row.id || "(row without an example)";
    const where = `row ${(place + 1).toLocaleString("en")} of ${state.found.length.toLocaleString("en")}`;
    const parts = [row.id === null ? "" : "example " + row.id, "repetition " + row.repetition, where,
      leftOut(row) ? "left out: the example changed, and what is shown of it is what the first experiment had" : ""];
    $("detail-facts").textContent = parts.filter(Boolean).join(", ");
    $("detail-fields").replaceChildren(...row.fields.map((field) => fact(field[0], field[1])));
    $("detail-sides").replaceChildren(...view().sides.map((side) => sideOf(row, side)));
    $("previous").disabled = place === 0;
    $("next").disabled = place === state.found.length - 1;
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    $("detail-title").focus();
  };
  const step = (by) => {
    const place = state.at + by;
    if (place >= 0 && place < state.found.length) show(place);
  };
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  $("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => focusRow(state.at));
  dialog.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowRight" || event.key === "j") step(1);
    else if (event.key === "ArrowLeft" || event.key === "k") step(-1);
    else return;
    event.preventDefault();
  });

  // ---- controls
  const choices = (select, texts, label) => {
    select.replaceChildren(...texts.map((text, index) => {
      const option = make("option", text);
      option.value = String(index);
      return option;
    }));
    label.hidden = texts.length < 2;
  };
  choices($("view"), data.views.map((one) => one.name), $("view-label"));
  choices($("metric"), data.metrics, $("metric-label"));
  const kinds = () => {
    const wanted = view().compared
      ? [["all", "all rows"], ["worse", "worse"], ["better", "better"], ["same", "the same"], ["errors", "with errors"]]
      : [["all", "all rows"], ["errors", "with errors"]];
    if (!wanted.some(([value]) => value === state.show)) state.show = "all";
    $("show").replaceChildren(...wanted.map(([value, text]) => {
      const option = make("option", text);
      option.value = value;
      return option;
    }));
    $("show").value = state.show;
  };
  $("view").addEventListener("change", () => { state.view = Number($("view").value); state.sort = null; kinds(); refresh(); });
  $("metric").addEventListener("change", () => { state.metric = Number($("metric").value); refresh(); });
  $("show").addEventListener("change", () => { state.show = $("show").value; refresh(); });
  $("search").addEventListener("input", () => {
    state.words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    refresh();
  });
  $("search").addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") { event.preventDefault(); focusRow(state.page * PAGE); }
  });
  $("before").addEventListener("click", () => turn(-1));
  $("after").addEventListener("click", () => turn(1));
  $("rows").addEventListener("keydown", (event) => {
    const own = event.target.closest("tr");
    if (!own || event.altKey || event.ctrlKey || event.metaKey) return;
    const place = Number(own.dataset.place), last = state.found.length - 1;
    const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: PAGE, PageUp: -PAGE };
    let target = null;
    if (event.key in steps) target = Math.min(Math.max(place + steps[event.key], 0), last);
    else if (event.key === "Home") target = 0;
    else if (event.key === "End") target = last;
    if (target === null) return;
    event.preventDefault();
    focusRow(target);
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, select, textarea, dialog");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      $("search").focus();
    }
  });
  for (const button of document.querySelectorAll("button.jump")) {
    button.addEventListener("click", () => {
      state.view = Number(button.dataset.view);
      state.metric = Number(button.dataset.metric);
      state.show = button.dataset.show;
      state.sort = null;
      state.words = [];
      $("search").value = "";
      $("view").value = String(state.view);
      $("metric").value = String(state.metric);
      kinds();
      refresh();
      section.scrollIntoView();
      focusRow(0);
    });
    button.disabled = false;
  }
  $("controls").hidden = false;
  $("table").hidden = false;
  kinds();
  refresh();
})();
