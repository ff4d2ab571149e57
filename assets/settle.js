// Gradio puts up the page piece by piece: it is shown once it has stopped growing, so that nothing moves that is
// seen. "growing" hides it in the style that stands beside this script.
(() => {
  "use strict";
  const STILL_MS = 150;
  const LONGEST_MS = 4_000;
  const page = document.documentElement;
  const show = () => page.classList.remove("growing");

  let still;
  const growth = new ResizeObserver(() => {
    clearTimeout(still);
    still = setTimeout(() => {
      growth.disconnect();
      show();
    }, STILL_MS);
  });
  const begin = () => {
    const main = document.getElementById("source") && document.querySelector("main"); // the source is its last part
    if (main) growth.observe(main);
    else requestAnimationFrame(begin);
  };

  page.classList.add("growing");
  setTimeout(show, LONGEST_MS);
  begin();
})();
