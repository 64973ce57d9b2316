// What a page does wrong for people who do not see it, or see it badly. An expression: the list of mistakes.
(() => {
  const mistakes = [];
  const describe = (element) => element.outerHTML.slice(0, 120);
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });

  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids.filter((id, at) => ids.indexOf(id) !== at)) mistakes.push(`two elements have the id ${id}`);
  for (const name of ["aria-labelledby", "aria-controls", "list", "for"]) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      if (!document.getElementById(element.getAttribute(name))) mistakes.push(`${name} of nothing: ${describe(element)}`);
    }
  }
  if (!document.documentElement.lang || !document.title) mistakes.push("the page has no language or no title");
  if (document.querySelectorAll("main").length !== 1) mistakes.push("the page has no single main part");

  const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(isShown);
  headings.reduce((level, heading) => {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) mistakes.push(`a heading is skipped before: ${describe(heading)}`);
    return next;
  }, 0);

  // Contrast, by the formulas of WCAG 2.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const colour = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => value / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, alpha] = colour(getComputedStyle(at).backgroundColor);
      if (alpha === 255) return [r, g, b];
      if (alpha !== 0) mistakes.push(`a background that is partly transparent: ${describe(at)}`);
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255];
  };
  const checkContrast = (element, style) => {
    const [lighter, darker] = [colour(style.color), background(element)]
      .map((rgb) => luminance(rgb.slice(0, 3))).sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (lighter + .05) / (darker + .05);
    if (ratio < (isLarge ? 3 : 4.5)) mistakes.push(`contrast ${ratio.toFixed(2)}: ${describe(element)}`);
  };
  for (const element of [...document.querySelectorAll("body *")].filter(isShown)) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (hasText || element.matches("input")) checkContrast(element, getComputedStyle(element));
    if (element.matches("input[placeholder]")) checkContrast(element, getComputedStyle(element, "::placeholder"));
  }
  return mistakes;
})()
