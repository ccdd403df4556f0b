// What is looked at, in the URL's hash: `#images?true=6&predicted=0`. A view can be shared, and Back goes back.

import { computed, signal } from "@preact/signals";

const hash = signal(location.hash);
addEventListener("hashchange", () => (hash.value = location.hash));

function parse(text: string): { view: string; params: URLSearchParams } {
  const [view, query] = text.replace(/^#/, "").split(/\?(.*)/s);
  return { view: view || "findings", params: new URLSearchParams(query ?? "") };
}

const parsed = computed(() => parse(hash.value));

export const view = computed(() => parsed.value.view);
export const params = computed(() => parsed.value.params);

export type Query = Record<string, string | number | undefined | null>;

/// The address of a view.
export function address(view: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") params.set(key, String(value));
  }
  const text = params.toString();
  return `#${view}${text ? `?${text}` : ""}`;
}

export function go(view: string, query: Query = {}) {
  location.hash = address(view, query);
}

/// Changes the query of the present view without a step in the history: for sliders.
export function adjust(changes: Query) {
  const query: Query = Object.fromEntries(params.value.entries());
  history.replaceState(null, "", address(view.value, { ...query, ...changes }));
  hash.value = location.hash;
}

export const numberParam = (name: string): number | undefined => {
  const text = params.value.get(name);
  const value = Number(text);
  return text === null || text === "" || !Number.isFinite(value) ? undefined : value;
};
