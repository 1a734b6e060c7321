// The token of the signed-in person. It is kept for the tab only, and is gone when the tab is closed.
import { computed, signal } from "@preact/signals";

const KEY = "orderflow-token";

export const token = signal<string | null>(sessionStorage.getItem(KEY));

/** Whether the server answered 401: it verifies tokens, and the one of this tab is missing or no longer valid. */
export const signInNeeded = signal(false);

export function signIn(text: string): void {
  sessionStorage.setItem(KEY, text);
  token.value = text;
  signInNeeded.value = false;
}

export function signOut(): void {
  sessionStorage.removeItem(KEY);
  token.value = null;
  signInNeeded.value = true;
}

interface Claims {
  sub?: string;
  scope?: string | string[];
}

/** The claims of the token, unverified: they decide only what the console shows. The server verifies each call. */
const claims = computed<Claims>(() => {
  const body = token.value?.split(".")[1];
  if (!body) return {};
  try {
    const bytes = Uint8Array.from(atob(body.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Claims;
  } catch {
    return {};
  }
});

export const subject = computed(() => claims.value.sub ?? null);

const scopes = computed(() => {
  const { scope } = claims.value;
  return new Set(Array.isArray(scope) ? scope : (scope ?? "").split(" ").filter(Boolean));
});

export type Scope = "catalog:write" | "inventory:write" | "orders:read" | "payments:refund" | "messages:send" | "operate";

/** Returns whether the caller may do what needs one of these scopes. A server without tokens allows everything. */
export function may(...needed: Scope[]): boolean {
  if (token.value === null) return true;
  return scopes.value.has("admin") || needed.some((scope) => scopes.value.has(scope));
}
