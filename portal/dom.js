// Elements, made without markup: whatever a person typed can only ever be text.

/** An element. Properties that begin with "on" are listeners, `false`, null and undefined are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Change a text only where it differs, so that nothing is announced or moved for nothing. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Show something else, if it is something else; the keyboard stays on the control with the same id. */
export function redraw(place, ...children) {
  const next = h("div", {}, ...children);
  if (next.innerHTML === place.innerHTML) return;
  const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
  place.replaceChildren(...next.childNodes);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

let announced = "";
/** Tell a screen reader, once. */
export function announce(text) {
  if (text === announced) return;
  announced = text;
  document.getElementById("live").textContent = text;
}

/** A question with two answers; gives true for the first. */
export function ask(title, text, yes, no, dangerous = false) {
  return new Promise((resolve) => {
    const answer = (value) => () => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    const dialog = h(
      "dialog",
      { "aria-labelledby": "ask-title", oncancel: answer(false) },
      h("h2", { id: "ask-title" }, title),
      text instanceof Node ? text : h("p", {}, text),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: answer(false) }, no),
        h("button", { type: "button", class: dangerous ? "danger" : "primary", onclick: answer(true) }, yes),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A panel that says what happened and what to do. */
export function panel(kind, title, ...children) {
  const icons = { good: "✓", bad: "!", wait: "…", info: "i" };
  return h(
    "section",
    { class: `panel ${kind}` },
    h("span", { class: "mark", "aria-hidden": "true" }, icons[kind]),
    h("div", {}, h("h2", {}, title), ...children),
  );
}

/** A wide table that scrolls by itself, by keyboard too. */
export function table(label, head, rows) {
  return h(
    "div",
    { class: "scroll", role: "region", "aria-label": label, tabindex: "0" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((text) => h("th", { scope: "col" }, text)),
        ),
      ),
      h("tbody", {}, rows),
    ),
  );
}
