// The page that is shown, from the part of the address behind `#`: `#/orders?status=pending` or `#/orders/ID`.
import { computed, signal } from "@preact/signals";

const hash = signal(location.hash);
addEventListener("hashchange", () => {
  hash.value = location.hash;
});

export interface Route {
  path: string[];
  query: URLSearchParams;
}

export const route = computed<Route>(() => {
  const [path = "", query = ""] = hash.value.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) };
});

export function hrefOf(path: string[], query: Record<string, string> = {}): string {
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
  const address = `#/${path.map(encodeURIComponent).join("/")}`;
  return parameters.size > 0 ? `${address}?${parameters}` : address;
}

export function go(path: string[], query: Record<string, string> = {}): void {
  location.hash = hrefOf(path, query);
}
