// Elements, made without markup: whatever a person typed can only ever be text.
// A listener cannot outlive the state that it closes over: an element asks for its listener when an event happens,
// and drawing again gives an element that stays the listeners of the newest drawing.

/** Element → the properties of its newest drawing, listeners among them. */
const DRAWN = new WeakMap();

const SVG = new Set(["svg", "path", "rect", "line", "circle", "text", "g"]);

/** An element. Properties that begin with "on" are listeners, `false`, null and undefined are left out. */
export function h(tag, properties = {}, ...children) {
  const element = SVG.has(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  apply(element, properties);
  return element;
}

const isSaid = (value) => value !== false && value !== null && value !== undefined;
const isLive = (element, name) =>
  name === "checked" || (name === "value" && ["INPUT", "SELECT", "TEXTAREA"].includes(element.nodeName));

/** Whether an element shows a value. A line that a person begins in a field of several lines is no other value. */
const isShown = (element, name, value) =>
  element[name] === value ||
  (element.nodeName === "TEXTAREA" &&
    element.value
      .split("\n")
      .map((one) => one.trim())
      .filter(Boolean)
      .join("\n") === value);

/** Give an element its properties, and take away those that only its earlier drawing had. */
function apply(element, properties) {
  const earlier = DRAWN.get(element) ?? {};
  DRAWN.set(element, properties);
  for (const name of Object.keys(earlier)) {
    if (!name.startsWith("on") && !isLive(element, name) && !isSaid(properties[name])) element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), dispatch);
    else if (isLive(element, name)) {
      // What a person types is not written again: that would move the caret.
      if (!isShown(element, name, value)) element[name] = value;
    } else if (isSaid(value)) {
      const text = value === true ? "" : String(value);
      if (element.getAttribute(name) !== text) element.setAttribute(name, text);
    }
  }
}

/** Elements whose listener has not ended yet. */
const BUSY = new WeakSet();

/** Call the newest listener. While one that takes time goes on, a second click or submit of that element is ignored. */
function dispatch(event) {
  const element = event.currentTarget;
  const isAct = event.type === "click" || event.type === "submit";
  if (isAct && BUSY.has(element)) {
    event.preventDefault();
    return;
  }
  const listener = DRAWN.get(element)[`on${event.type}`];
  const work = isSaid(listener) ? listener(event) : undefined;
  if (isAct && work instanceof Promise) showBusy(element, event.submitter || element, work);
}

async function showBusy(element, shown, work) {
  BUSY.add(element);
  shown.setAttribute("aria-busy", "true");
  try {
    await work;
  } finally {
    BUSY.delete(element);
    shown.removeAttribute("aria-busy");
  }
}

/** Change a text only where it differs, so that nothing is announced or moved for nothing. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Show `children` in `place`. Elements that are the same as before stay, with focus, caret and scroll position, and get
 * what is new of them. An element with an id is the same only as the one with that id, so a control that has a listener
 * needs an id: otherwise a click that began on one control could end on another.
 */
export function redraw(place, ...children) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const area = focused?.parentElement.closest("[tabindex]");
  fit(place, h("div", {}, ...children));
  if (!focused || focused === document.activeElement) return;
  const again = (focused.id && document.getElementById(focused.id)) || (area?.isConnected && area);
  if (again) again.focus({ preventScroll: true });
}

function fit(place, wanted) {
  let now = place.firstChild;
  for (const next of [...wanted.childNodes]) {
    let found = now;
    // Only what has an id is looked for further on; what has none is the next of its kind.
    while (found && next.id && !isSame(found, next)) found = found.nextSibling;
    if (!found || !isSame(found, next)) {
      place.insertBefore(next, now);
      continue;
    }
    while (now !== found) now = removed(now);
    become(found, next);
    now = found.nextSibling;
  }
  while (now) now = removed(now);
}

function removed(node) {
  const after = node.nextSibling;
  node.remove();
  return after;
}

const isSame = (one, other) => one.nodeName === other.nodeName && (one.id || "") === (other.id || "");

function become(node, next) {
  if (node instanceof Text) {
    if (node.data !== next.data) node.data = next.data;
    return;
  }
  // Children first: a select's value is one of its options.
  fit(node, next);
  apply(node, DRAWN.get(next) ?? {});
}

let announced = "";
/** Tell a screen reader, once. */
export function announce(text) {
  if (text === announced) return;
  announced = text;
  document.getElementById("live").textContent = text;
}
