// A table of the API as a file. It comes in parts, each with the header of what brings the next one.

import { call } from "./api.js";

/** Save the table at `path`, such as "contact-lists/…/contacts.csv", under a name. */
export async function download(path, name) {
  const parts = [];
  let continuation = "";
  do {
    const separator = path.includes("?") ? "&" : "?";
    const after = continuation ? `${separator}continuation=${encodeURIComponent(continuation)}` : "";
    const { body, headers } = await call("GET", path + after);
    parts.push(body);
    continuation = headers.get("continuation") ?? "";
  } while (continuation);
  const href = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
  const link = document.createElement("a");
  Object.assign(link, { href, download: name });
  link.click();
  URL.revokeObjectURL(href);
}
