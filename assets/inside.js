// The Inside tab: figures that stay when their data change, the line that follows the player, and the segment it is in.

// Gradio mounts a new figure for every value and draws it twice; these are drawn once, into a place that stays, so that
// a tab full of them is there at once and keeps its zoom. Plotly itself comes with Gradio.
const drawFigure = (() => {
  "use strict";
  const EVERY_MS = 20;
  const plotly = () =>
    new Promise((resolve) => {
      const look = () => (window.Plotly ? resolve(window.Plotly) : setTimeout(look, EVERY_MS));
      look();
    });

  // A place without width, in a tab that is not shown, waits until it has one.
  const widths = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const { width } = contentRect;
      if (width && target.waiting) draw(target, target.waiting);
      else if (width && target.drawnWidth && width !== target.drawnWidth) {
        target.drawnWidth = width;
        window.Plotly.relayout(target, { width });
      }
    }
  });

  const draw = async (place, text) => {
    place.waiting = text;
    widths.observe(place);
    const Plotly = await plotly();
    if (place.waiting !== text || !place.clientWidth) return;
    place.waiting = "";
    const { data, layout } = JSON.parse(text);
    const { alt, player, widths: bounds } = layout.meta;
    [place.style.minWidth, place.style.maxWidth] = bounds ? bounds.map((pixels) => `${pixels}px`) : ["", ""];
    place.drawnWidth = place.clientWidth;
    const config = { displaylogo: false, displayModeBar: layout.dragmode === "zoom" ? "hover" : false };
    await Plotly.react(place, data, { ...layout, width: place.drawnWidth }, config);
    place.style.minHeight = "";
    place.setAttribute("aria-label", alt);
    place.dataset.player = player || "";
    place.dispatchEvent(new CustomEvent("figure-drawn", { bubbles: true }));
  };

  // Before the first figure the place is kept free; later, no text means no figure.
  return (place, text) => {
    place.hidden = !text && Boolean(place.drawnText);
    if (!text || text === place.drawnText) return;
    place.drawnText = text;
    draw(place, text);
  };
})();

(() => {
  "use strict";
  const PLAYER = "inside-player";
  const SLOW_MS = 250;
  const FIGURES = `.js-plotly-plot[data-player="${PLAYER}"]`;
  const clip = () => document.querySelector(`#inside-features ${FIGURES}`);
  const choices = () => [...document.querySelectorAll("#inside-segment input")];
  const segments = (plot) => (plot && plot.layout && plot.layout.meta.segments) || [];

  const isTied = () => {
    const box = document.querySelector("#inside-tie input");
    return Boolean(box && box.checked);
  };

  // Where two segments overlap, the first has the moment.
  const segmentAt = (time) => segments(clip()).findIndex(([start, end]) => time >= start && time < end);

  let last = -1;
  const choose = (time) => {
    const place = segmentAt(time);
    if (place === last) return;
    last = place;
    const choice = choices()[place];
    if (!isTied() || !choice || choice.checked) return;
    choice.click();
    const [label, row] = [choice.parentElement, choice.parentElement.parentElement];
    row.scrollLeft = label.offsetLeft - row.offsetLeft - row.clientWidth / 2;
  };

  const mark = (time) => {
    for (const plot of document.querySelectorAll(FIGURES)) markOn(plot, "playhead", time > 0 ? time : NaN);
    const plot = clip();
    const chosen = choices().findIndex((choice) => choice.checked);
    const span = segments(plot)[chosen];
    if (span) markOn(plot, "chosen-segment", ...span);
  };

  const follow = () => {
    const audio = playerIn(PLAYER);
    if (clip()) {
      mark(audio ? audio.currentTime : 0);
      if (audio && audio.currentTime > 0) choose(audio.currentTime);
    }
    if (audio && !audio.paused) requestAnimationFrame(follow);
    else setTimeout(follow, SLOW_MS);
  };

  document.addEventListener("figure-drawn", (event) => {
    if (event.target !== clip()) return;
    last = -1;
    event.target.on("plotly_relayouting", () => mark((playerIn(PLAYER) || {}).currentTime));
  });

  // To press a moment is to hear it, in every figure that counts the seconds of the clip.
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest && event.target.closest("[data-subplot^=xy]");
    const plot = pressed && pressed.closest(FIGURES);
    const audio = plot && playerIn(PLAYER);
    if (!audio) return;
    const { xaxis } = plot._fullLayout;
    audio.currentTime = Math.max(0, xaxis.p2d(event.clientX - plot.getBoundingClientRect().left - xaxis._offset));
    audio.play();
    mark(audio.currentTime);
  });

  // To choose a segment by hand is to go to its beginning.
  document.addEventListener("change", (event) => {
    const place = event.isTrusted ? choices().indexOf(event.target) : -1;
    if (place < 0) return;
    const audio = playerIn(PLAYER);
    last = place;
    if (audio && isTied()) audio.currentTime = segments(clip())[place][0] + 0.001;
    mark(audio ? audio.currentTime : 0);
  });

  follow();
})();
