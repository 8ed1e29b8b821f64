// A classic script in old JavaScript: browsers that cannot run the page's module run this.
(function () {
  var root = document.documentElement;
  function isReady() {
    return root.hasAttribute("data-ready");
  }
  function fail() {
    if (!isReady()) root.className = root.className.replace("scripted", "");
  }

  root.className += " scripted"; // without it panels are hidden, and a sentence says why
  window.addEventListener("error", fail);
  setTimeout(fail, 5000);

  // Not before the page is parsed: measuring would lay out formulas that are half there.
  document.addEventListener("DOMContentLoaded", function () {
    var box = document.createElement("div");
    box.innerHTML = '<math><mspace width="77px" height="23px"></mspace></math>';
    document.body.appendChild(box);
    var drawn = box.firstChild.firstChild.getBoundingClientRect();
    document.body.removeChild(box);
    if (Math.abs(drawn.width - 77) > 1 || Math.abs(drawn.height - 23) > 1) root.className += " no-mathml";
  });
})();
