const SVG = 'http://www.w3.org/2000/svg';

/** An element of the page. Text is put in as text: what comes from z/VM is never read as HTML. */
export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for the drawing. */
export function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

export function element(id) {
  return document.getElementById(id);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name === 'style') node.style.cssText = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== false));
  return node;
}

/** Who is focused before what is shown anew is so afterwards. */
export function keepingFocus(root, show) {
  const active = root.contains(document.activeElement) ? document.activeElement : undefined;
  const key = active?.dataset.focus;
  show();
  if (active === undefined || active.isConnected || key === undefined) return;
  root.querySelector(`[data-focus="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}
