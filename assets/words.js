// The Words tab: words that look at words. Two sentences with a band from each word to those it looked at, as thick as
// the weight; pointing at a word, tapping it or going to it with the arrow keys lights what it looked at, or who looked
// at it, in the sentences and in the map of the same weights.
const drawRibbon = (() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const SIDES = ["keys", "queries"];
  const SHAPES = ["is-across", "is-down", "is-text"];
  const THICKEST = 24; // pixels of a band that is the whole of a word's attention
  const LEAST = 0.02; // of it: fainter bands are not drawn
  const MOST_DOWN = 24; // words of a sentence that are written one below the other
  const MOST_SAID = 3;

  const percent = (share) => (share < 0.01 ? "under 1%" : `${Math.round(100 * share)}%`);
  const make = (tag, name, text = "") => {
    const element = document.createElement(tag);
    element.className = name;
    element.textContent = text;
    return element;
  };

  // What a word gave to those of the other side, or got from them.
  const shares = ({ weights }, side, place) =>
    side === "queries" ? weights[place] : weights.map((row) => row[place]);

  const sentence = (data, side, place) => {
    const other = data[side === "queries" ? "keys" : "queries"];
    const ranked = shares(data, side, place)
      .map((share, i) => ({ share: share || 0, word: other[i] }))
      .sort((one, two) => two.share - one.share)
      .slice(0, MOST_SAID)
      .filter(({ share }) => share >= 0.005)
      .map(({ share, word }) => `“${word}” ${percent(share)}`);
    const verb = side === "queries" ? "looks at" : "is looked at by";
    return `“${data[side][place]}” ${verb} ${ranked.join(", ") || "nothing much"}.`;
  };

  const build = (place, data) => {
    const rows = SIDES.map((side) => {
      const row = make("div", `ribbon-side ribbon-${side}`);
      const line = make("div", "ribbon-line");
      for (const [i, word] of data[side].entries()) {
        const button = make("button", "ribbon-word", word);
        Object.assign(button, { type: "button", tabIndex: side === "queries" && !i ? 0 : -1 });
        Object.assign(button.dataset, { side, place: i });
        button.setAttribute("aria-label", sentence(data, side, i));
        line.append(button);
      }
      row.append(make("p", "ribbon-title", data.titles[side]), line);
      return row;
    });
    const ties = document.createElementNS(SVG, "svg");
    ties.setAttribute("class", "ribbon-ties");
    ties.setAttribute("aria-hidden", "true");
    const figure = make("div", "ribbon-figure");
    figure.append(rows[0], ties, rows[1]);
    place.replaceChildren(figure, make("p", "ribbon-said fine", data.hint));
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", data.alt);
  };

  const words = (place, side) => [...place.querySelectorAll(`.ribbon-${side} .ribbon-word`)];
  const button = (place, { side, at }) => words(place, side)[at];

  // One row each if there is room, else one below the other, else as running text without bands.
  const shape = (place, data) => {
    const lines = [...place.querySelectorAll(".ribbon-line")];
    place.classList.remove(...SHAPES);
    place.classList.add("is-across");
    if (lines.every((line) => line.scrollWidth <= line.clientWidth + 1)) return "is-across";
    const down = Math.max(data.keys.length, data.queries.length) <= MOST_DOWN;
    place.classList.replace("is-across", down ? "is-down" : "is-text");
    return down ? "is-down" : "is-text";
  };

  const tie = (place, data, form) => {
    const ties = place.querySelector(".ribbon-ties");
    ties.replaceChildren();
    if (form === "is-text") return;
    const box = ties.getBoundingClientRect();
    const isAcross = form === "is-across";
    const middle = (element) => {
      const edges = element.getBoundingClientRect();
      return isAcross ? edges.left + edges.width / 2 - box.left : edges.top + edges.height / 2 - box.top;
    };
    const [keys, queries] = SIDES.map((side) => words(place, side).map(middle));
    const depth = isAcross ? box.height : box.width;
    const at = (along, deep) => (isAcross ? `${along} ${deep}` : `${deep} ${along}`);
    for (const [query, row] of data.weights.entries()) {
      let end = queries[query] - THICKEST / 2; // side by side they make up the whole of the word's attention
      for (const [key, share] of row.entries()) {
        const width = THICKEST * (share || 0);
        end += width;
        if (!(share >= LEAST)) continue;
        const path = document.createElementNS(SVG, "path");
        const [from, to] = [keys[key], end - width / 2];
        path.setAttribute("d", `M${at(from, 0)} C${at(from, depth / 2)} ${at(to, depth / 2)} ${at(to, depth)}`);
        path.setAttribute("stroke-width", width);
        Object.assign(path.dataset, { keys: key, queries: query });
        ties.append(path);
      }
    }
  };

  const lay = (place) => {
    const { data } = place.ribbon;
    place.drawnWidth = place.clientWidth;
    if (!place.clientWidth) return;
    tie(place, data, shape(place, data));
    light(place);
  };

  // The word pointed at, else the one that was pressed.
  const light = (place) => {
    const { data, pointed, pressed } = place.ribbon;
    const chosen = pointed || pressed;
    const given = chosen ? shares(data, chosen.side, chosen.at) : [];
    place.classList.toggle("has-choice", Boolean(chosen));
    for (const side of SIDES) {
      const isOther = chosen && side !== chosen.side;
      for (const [i, word] of words(place, side).entries()) {
        const share = (isOther && given[i]) || 0;
        word.classList.toggle("is-chosen", Boolean(chosen) && !isOther && i === chosen.at);
        word.setAttribute("aria-pressed", String(Boolean(pressed) && pressed.side === side && pressed.at === i));
        word.style.setProperty("--p", share.toFixed(3));
        word.dataset.share = share >= 0.01 ? percent(share) : "";
      }
    }
    for (const path of place.querySelectorAll("path")) {
      path.classList.toggle("is-chosen", Boolean(chosen) && Number(path.dataset[chosen.side]) === chosen.at);
    }
    place.querySelector(".ribbon-said").textContent = chosen ? sentence(data, chosen.side, chosen.at) : data.hint;
    markCell(mapOf(place), chosen);
  };

  // The map of the same weights: queries are its rows, keys its columns.
  const box = (place) => place.closest("[id$=-ribbon]");
  const mapOf = (place) => {
    const beside = box(place) && document.getElementById(box(place).id.replace(/ribbon$/, "map"));
    return beside && beside.querySelector(".js-plotly-plot");
  };
  const ribbonOf = (plot) => {
    const map = plot.closest("[id$=-map]");
    const beside = map && document.getElementById(map.id.replace(/map$/, "ribbon"));
    return beside && beside.querySelector(".ribbon");
  };
  const markCell = (plot, chosen) => {
    const { xaxis, yaxis } = (plot && plot._fullLayout) || {};
    if (!xaxis || !yaxis) return;
    const mark = plot.querySelector(".chosen-words") || plot.appendChild(make("div", "chosen-words"));
    mark.hidden = !chosen;
    if (!chosen) return;
    const span = (axis, isChosen) => {
      if (!isChosen) return [axis._offset, axis._length];
      const ends = [chosen.at - 0.5, chosen.at + 0.5].map((value) => axis.r2p(value));
      return [axis._offset + Math.min(...ends), Math.abs(ends[1] - ends[0])];
    };
    const [left, width] = span(xaxis, chosen.side === "keys");
    const [top, height] = span(yaxis, chosen.side === "queries");
    Object.assign(mark.style, { left: `${left}px`, width: `${width}px`, top: `${top}px`, height: `${height}px` });
  };

  const change = (place, change) => {
    Object.assign(place.ribbon, change);
    light(place);
  };
  const found = (event) => {
    const word = event.target.closest && event.target.closest(".ribbon-word");
    return word && { side: word.dataset.side, at: Number(word.dataset.place) };
  };
  const same = (one, two) => Boolean(one && two) && one.side === two.side && one.at === two.at;

  const go = (place, event) => {
    const here = found(event);
    const isDown = place.classList.contains("is-down");
    const [ahead, back, over] = isDown
      ? ["ArrowDown", "ArrowUp", ["ArrowLeft", "ArrowRight"]]
      : ["ArrowRight", "ArrowLeft", ["ArrowUp", "ArrowDown"]];
    if (event.key === "Escape") return change(place, { pressed: null, pointed: null });
    if (!here || ![ahead, back, ...over].includes(event.key)) return undefined;
    event.preventDefault();
    const step = { [ahead]: 1, [back]: -1 }[event.key] || 0;
    const side = step ? here.side : SIDES.find((name) => name !== here.side);
    const last = words(place, side).length - 1;
    const next = { side, at: Math.max(0, Math.min(last, here.at + step)) };
    for (const name of SIDES) for (const word of words(place, name)) word.tabIndex = -1;
    button(place, next).tabIndex = 0;
    return button(place, next).focus();
  };

  const wire = (place) => {
    place.addEventListener("pointerover", (event) => {
      if (event.pointerType === "mouse") change(place, { pointed: found(event) || null });
    });
    place.addEventListener("pointerleave", () => change(place, { pointed: null }));
    place.addEventListener("focusin", (event) => {
      if (event.target.matches(":focus-visible")) change(place, { pointed: found(event) || null });
    });
    place.addEventListener("focusout", () => change(place, { pointed: null }));
    place.addEventListener("click", (event) => {
      const here = found(event);
      if (here) change(place, { pressed: same(here, place.ribbon.pressed) ? null : here });
    });
    place.addEventListener("keydown", (event) => go(place, event));
  };

  const widths = new ResizeObserver((entries) => {
    for (const { target } of entries) if (target.clientWidth !== target.drawnWidth) lay(target);
  });

  // A map is drawn after its ribbon, and its cells tell of words as well.
  document.addEventListener("figure-drawn", (event) => {
    const plot = event.target;
    const place = ribbonOf(plot);
    if (!place || !place.ribbon) return;
    light(place);
    plot.removeAllListeners("plotly_hover");
    plot.removeAllListeners("plotly_unhover");
    plot.on("plotly_hover", ({ points }) => {
      change(place, { pointed: { side: "queries", at: points[0].pointNumber[0] } });
    });
    plot.on("plotly_unhover", () => change(place, { pointed: null }));
  });

  // The same words keep the one that was pressed, so that heads can be compared.
  return (place, text) => {
    if (!text) return place.replaceChildren();
    const data = JSON.parse(text);
    const before = place.ribbon;
    const isSame = before && SIDES.every((side) => before.data[side].join("\n") === data[side].join("\n"));
    if (!before) wire(place);
    place.ribbon = { data, pointed: null, pressed: isSame ? before.pressed : null };
    build(place, data);
    widths.observe(place);
    return lay(place);
  };
})();

// Buttons that are all replaced when one of them is pressed: the arrow keys go from one to the next, and the one that
// was pressed by a key keeps the focus.
const keepPlace = (element, watch) => {
  let wasPressed = false;
  element.addEventListener("click", (event) => {
    wasPressed = !event.detail;
  });
  element.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const buttons = [...element.querySelectorAll("button[data-index]")];
    const next = step && buttons[buttons.indexOf(event.target) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  watch("value", () =>
    setTimeout(() => {
      const chosen = wasPressed && element.querySelector("[aria-current]");
      if (chosen) chosen.focus();
      wasPressed = false;
    }),
  );
};
