const SVG = 'http://www.w3.org/2000/svg';

export type Attributes = Readonly<Record<string, string | number | boolean | (() => void) | undefined>>;
/** `undefined` and `false` are left out. */
export type Child = Node | string | false | undefined;

/** Elements of index.html that the scripts use. */
type Elements = {
  host: HTMLSelectElement;
  find: HTMLInputElement;
  drifted: HTMLInputElement;
  as: HTMLSelectElement;
  by: HTMLSelectElement;
  key: HTMLDetailsElement;
  head: SVGSVGElement;
  wires: SVGSVGElement;
  login: HTMLDialogElement;
  change: HTMLDialogElement;
  token: HTMLInputElement;
} & Record<
  | 'problem'
  | 'findings'
  | 'legend'
  | 'counts'
  | 'reconciled'
  | 'live'
  | 'heard'
  | 'picture'
  | 'stage'
  | 'waiting'
  | 'hosts'
  | 'controls'
  | 'bar'
  | 'newest'
  | 'nothing'
  | 'detail'
  | 'operations'
  | 'why'
  | 'logins',
  HTMLElement
>;

const CLASSES: { [Id in keyof Elements]: new () => Elements[Id] } = {
  host: HTMLSelectElement,
  find: HTMLInputElement,
  drifted: HTMLInputElement,
  as: HTMLSelectElement,
  by: HTMLSelectElement,
  key: HTMLDetailsElement,
  head: SVGSVGElement,
  wires: SVGSVGElement,
  login: HTMLDialogElement,
  change: HTMLDialogElement,
  token: HTMLInputElement,
  problem: HTMLElement,
  findings: HTMLElement,
  legend: HTMLElement,
  counts: HTMLElement,
  reconciled: HTMLElement,
  live: HTMLElement,
  heard: HTMLElement,
  picture: HTMLElement,
  stage: HTMLElement,
  waiting: HTMLElement,
  hosts: HTMLElement,
  controls: HTMLElement,
  bar: HTMLElement,
  newest: HTMLElement,
  nothing: HTMLElement,
  detail: HTMLElement,
  operations: HTMLElement,
  why: HTMLElement,
  logins: HTMLElement,
};

/** An element of the page. Text is put in as text: what comes from z/VM is never read as HTML. */
export function make(tag: keyof HTMLElementTagNameMap, attributes: Attributes = {}, ...children: Child[]): HTMLElement {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for the drawing. */
export function shape(tag: keyof SVGElementTagNameMap, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** The element of index.html with this id. Throws when the page has none of that kind. */
export function element<Id extends keyof Elements>(id: Id): Elements[Id] {
  const found = document.querySelector(`#${id}`);
  const Kind: new () => Elements[Id] = CLASSES[id];
  if (found instanceof Kind) return found;
  throw new Error(`the page has no element ${id}`);
}

function filled<Kind extends HTMLElement | SVGElement>(node: Kind, attributes: Attributes, children: Child[]): Kind {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name.slice(2), value);
    else if (name === 'style') node.style.cssText = String(value);
    else node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== undefined && child !== false));
  return node;
}

/** Focus stays on the same thing when its element is made anew. */
export function keepingFocus(root: Element, show: () => void): void {
  const focused = document.activeElement;
  const active = isStyled(focused) && root.contains(focused) ? focused : undefined;
  const key = active?.dataset.focus;
  show();
  if (active === undefined || active.isConnected || key === undefined) return;
  focusOn(root, key);
}

/** Focus the element with this key (`data-focus`) without scrolling to it. */
export function focusOn(root: Element, key: string): void {
  const found = root.querySelector(`[data-focus="${CSS.escape(key)}"]`);
  if (isStyled(found)) found.focus({ preventScroll: true });
}

/** True of HTML and SVG elements: they can be focused and have data. */
export function isStyled(target: EventTarget | null): target is HTMLElement | SVGElement {
  return target instanceof HTMLElement || target instanceof SVGElement;
}

/** The data of the closest element around an event's target that fits a selector. */
export function dataAround(target: EventTarget | null, selector: string): DOMStringMap | undefined {
  const found = target instanceof Element ? target.closest(selector) : null;
  return isStyled(found) ? found.dataset : undefined;
}
