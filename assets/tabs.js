// The tabs: a link opens one, and the one that is open stands in the address, without asking the server.
(() => {
  "use strict";
  const PARAMETER = "tab";

  // The page's own bar comes before those of any tabs within a tab.
  const bar = () => document.querySelector("[role=tablist]");
  const shown = () => [...bar().querySelectorAll("[role=tab]")];
  // A narrow page keeps some behind “More tabs”, where they have only their titles: their ids with a capital.
  const tucked = () => [...bar().parentElement.querySelectorAll(".overflow-dropdown button")];
  const tab = (id) =>
    shown().find((button) => button.dataset.tabId === id) ||
    tucked().find((button) => button.textContent.trim().toLowerCase() === id);

  const asked = (address) => new URL(address).searchParams.get(PARAMETER);
  const addressOf = (id) => {
    const address = new URL(location.href);
    address.searchParams.set(PARAMETER, id);
    return address;
  };
  let first;
  let known;
  let isFollowed = false;
  // A tab is a step in the browser's history, unless the address has it already: after Back, and on the way in.
  const note = () => {
    const open = shown().find((button) => button.ariaSelected === "true");
    if (!open || open.dataset.tabId === known) return;
    known = open.dataset.tabId;
    if (known !== (asked(location.href) || first)) history.pushState(history.state, "", addressOf(known));
    if (isFollowed) open.focus();
    isFollowed = false;
  };

  const start = () => {
    const id = asked(location.href);
    const button = id && tab(id);
    first = shown()[0].dataset.tabId;
    known = button ? id : first;
    if (button) button.click();
    else if (id) history.replaceState(history.state, "", addressOf(first));
    new MutationObserver(note).observe(bar(), {
      attributeFilter: ["aria-selected"],
      childList: true,
      subtree: true,
    });
  };
  const waiting = new MutationObserver(() => {
    if (!bar() || !shown().length) return;
    waiting.disconnect();
    start();
  });
  waiting.observe(document, { childList: true, subtree: true });

  // A link within the page, such as <a href="?tab=melody">, changes nothing else on it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest(`a[href^="?${PARAMETER}="]`);
    const button = link && tab(asked(link.href));
    if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    isFollowed = asked(link.href) !== known;
    button.click();
  });

  window.addEventListener("popstate", () => {
    const button = bar() && tab(asked(location.href) || first);
    if (button) button.click();
  });

  // The arrow keys go from tab to tab, as screen readers announce; Enter opens.
  document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const buttons = step && bar() ? shown() : [];
    const place = buttons.indexOf(document.activeElement);
    if (place >= 0) buttons[(place + step + buttons.length) % buttons.length].focus();
  });
})();
