// Looks every few seconds, while something is awaited, whether the page says something else by now, and loads it only then: who
// reads or listens to it is not interrupted. Without this script the page loads itself again.
(() => {
  "use strict";
  const pause = Number(document.currentScript.dataset.seconds) * 1000;
  const said = (page) => page.querySelector("main").textContent.replace(/\s+/g, " ");
  const look = async () => {
    try {
      const response = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
      if (response.redirected) return location.replace(response.url);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (said(page) !== said(document)) return location.reload();
    } catch {
      // The line is down: the next look may find it up again.
    }
    setTimeout(look, pause);
  };
  setTimeout(look, pause);
})();
