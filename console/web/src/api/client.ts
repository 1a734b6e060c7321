// Calls of the API. Every failure becomes a `CallError` whose message can be shown as it is.
import { signInNeeded, signOut, token } from "../session";
import type { Problem } from "./types";

export class CallError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly fields: ReadonlyMap<string, string> = new Map(),
  ) {
    super(message);
  }
}

interface Options {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** A fetch with the token of the session. A 401 asks for a sign-in. */
export async function request(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json", ...options.headers };
  if (token.value !== null) headers.authorization = `Bearer ${token.value}`;
  // The server refuses a call that changes something without this header: a form of another site cannot send it.
  if (method !== "GET") headers["content-type"] = "application/json";
  let response: Response;
  try {
    const body = options.body === undefined ? null : JSON.stringify(options.body);
    response = await fetch(path, { method, headers, body, signal: options.signal ?? null, cache: "no-store" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new CallError(0, "The server does not answer.");
  }
  if (response.status === 401) {
    if (token.value !== null) signOut();
    signInNeeded.value = true;
  }
  return response;
}

export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await request(method, path, options);
  if (!response.ok) throw await failure(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const get = <T>(path: string, signal?: AbortSignal) => call<T>("GET", path, signal ? { signal } : {});

async function failure(response: Response): Promise<CallError> {
  const problem = (await response.json().catch(() => null)) as Problem | null;
  const fields = new Map((problem?.errors ?? []).map(({ field, message }) => [field, message]));
  const message = problem?.detail ?? problem?.title ?? `The server answered ${response.status}.`;
  return new CallError(response.status, message, fields);
}

/** Builds a path with query parameters. Those that are empty are left out. */
export function withQuery(path: string, parameters: Record<string, string | number | null | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  return query.size > 0 ? `${path}?${query}` : path;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
