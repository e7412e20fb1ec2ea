// What is wrong with a page for somebody who cannot see it, sees it badly, or has no mouse. Returns sentences.
() => {
  const found = [];
  const all = (what, root = document) => [...root.querySelectorAll(what)];
  const named = (e) => `<${e.tagName.toLowerCase()} ${e.id || e.className || ""}> ${e.textContent.trim().slice(0, 40)}`;
  const name = (e) =>
    (e.getAttribute("aria-label") || (e.labels && [...e.labels].map((l) => l.textContent).join(" ")) ||
      e.textContent || "").trim();

  if (!document.documentElement.lang) found.push("the page has no language");
  if (all("h1").length !== 1) found.push(`${all("h1").length} headings of the first level`);
  if (all("main").length !== 1) found.push("not one main");
  if (!document.title.trim()) found.push("no title");
  let level = 0;
  for (const h of all("h1, h2, h3, h4")) {
    const now = +h.tagName[1];
    if (level && now > level + 1) found.push(`heading skips a level: ${named(h)}`);
    level = now;
  }
  for (const e of all("input:not([type=hidden]), select, textarea, button, a[href], summary"))
    if (!name(e)) found.push(`nothing says what it is: ${named(e)}`);
  for (const e of all("svg:not([aria-hidden])"))
    if (e.getAttribute("role") !== "img" || !e.getAttribute("aria-label")) found.push(`a drawing without words: ${named(e)}`);
  for (const t of all("table")) {
    if (!t.caption) found.push("a table without a caption");
    if (all("thead th:not([scope=col])", t).length) found.push("a heading of a column that does not say so");
  }
  for (const e of all("nav, section"))
    if (!e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby")) found.push(`a landmark without a name: ${named(e)}`);
  for (const e of all("[aria-labelledby], [aria-describedby]"))
    for (const id of (e.getAttribute("aria-labelledby") || e.getAttribute("aria-describedby")).trim().split(/\s+/))
      if (!document.getElementById(id)) found.push(`${named(e)} points to nothing: ${id}`);
  const ids = all("[id]").map((e) => e.id);
  for (const id of new Set(ids)) if (ids.filter((x) => x === id).length > 1) found.push(`two of the id ${id}`);
  if (all("[style], style, script:not([src])").length) found.push("style or script within the page");
  if (document.documentElement.scrollWidth > innerWidth) found.push(`${document.documentElement.scrollWidth - innerWidth} px too wide`);

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const light = ([r, g, b]) => {
    const f = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] > 0.99) return c;
    }
    return [255, 255, 255, 1];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !e.getClientRects().length || e.closest(".hidden, noscript, option")) continue;
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`contrast ${ratio.toFixed(2)}: ${named(e)}`);
  }
  return [...new Set(found)];
}
