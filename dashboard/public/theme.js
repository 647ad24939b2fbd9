// Runs before the first paint, so that the chosen theme never flashes.
(function () {
  var chosen = null;
  try {
    chosen = window.localStorage.getItem("hq.theme");
  } catch (error) {
    chosen = null; // storage is blocked: dark, as where nothing was chosen
  }
  var light = chosen === "light" || (chosen === "system" && window.matchMedia("(prefers-color-scheme: light)").matches);
  document.documentElement.dataset.theme = light ? "light" : "dark";
})();
