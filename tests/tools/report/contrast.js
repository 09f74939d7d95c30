// Every text that is drawn, with the contrast (WCAG 2.2) between it and what lies under it.
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return { r, g, b, a: a / 255 };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a),
    g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a),
    a: 1,
  });
  const luminance = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((one) => {
      const share = one / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const painted = (element) => {
    const style = getComputedStyle(element);
    const drawn = element instanceof SVGGeometryElement;
    const colour = rgba(drawn && style.fill !== "none" ? style.fill : style.backgroundColor);
    return { ...colour, a: colour.a * Number(style.opacity) };
  };
  const under = (x, y) => {
    const layers = [];
    for (const element of document.elementsFromPoint(x, y)) {
      if (element instanceof SVGTextElement) continue;
      const colour = painted(element);
      if (colour.a > 0) layers.push(colour);
      if (colour.a === 1) break;
    }
    layers.push(rgba("white"));
    return layers.reduceRight((below, layer) => over(layer, below));
  };
  const hasText = (element) => [...element.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
  // What lies above a text and hides it: something painted, or another text.
  const covering = (parent, x, y) => {
    const stack = document.elementsFromPoint(x, y);
    return stack
      .slice(0, Math.max(stack.indexOf(parent), 0))
      .filter((one) => !parent.contains(one))
      .filter((one) => painted(one).a > 0.3 || hasText(one));
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest("title, desc, style")) continue;
    if (!parent.checkVisibility({ visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const [box] = range.getClientRects();
    if (!box) continue;
    const x = box.x + box.width / 2, y = box.y + box.height / 2;
    const style = getComputedStyle(parent);
    const text = rgba(parent instanceof SVGElement ? style.fill : style.color);
    const below = under(x, y);
    const [light, dark] = [luminance(over(text, below)), luminance(below)].sort((a, b) => b - a);
    found.push({
      text: node.data.trim(),
      seen: document.elementsFromPoint(x, y).includes(parent),
      covered: covering(parent, x, y).map((one) => one.outerHTML.slice(0, 100)),
      inPicture: parent.closest(".picture") !== null,
      inNavigation: parent.closest("nav") !== null,
      pixels: parseFloat(style.fontSize),
      contrast: (light + 0.05) / (dark + 0.05),
    });
  }
  return found;
}
