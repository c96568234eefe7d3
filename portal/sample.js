// A real person's values beside the mappings: `{name, values}`, the values by directory field.

import { ENTRA, get, post } from "./api.js";
import { nameOf } from "./edit.js";

const LOOKED_AT = 10;

/** Of somebody in the list, or, before the first sync, of a preview with the fields as they are proposed. */
export async function sampleOf(active, configuration) {
  if (!active) return sampleFrom(await post(`${ENTRA}/preview`, configuration), configuration);
  const [list] = (await get("contact-lists")).contactLists;
  const { contacts } = await get(`contact-lists/${list.id}/contacts?limit=${LOOKED_AT}`);
  const fullest = contacts.filter((one) => one.linked).sort((one, other) => filled(other) - filled(one))[0];
  if (!fullest) return null;
  const { origins } = await get(`contact-lists/${list.id}/contacts/${fullest.id}`);
  const values = Object.values(origins).map((one) => [one.directoryField, one.directoryValue || ""]);
  return { name: nameOf(fullest), values: Object.fromEntries(values) };
}

/** Of a preview of this configuration; null where it shows nobody. */
export function sampleFrom({ sample }, { fieldMappings }) {
  const [fullest] = sample.toSorted((one, other) => filled(other.after) - filled(one.after));
  if (!fullest) return null;
  const values = fieldMappings.map(({ source, target }) => [source, fullest.after[target] || ""]);
  return { name: fullest.name, values: Object.fromEntries(values) };
}

const filled = (values) => Object.values(values).filter(Boolean).length;
