// The small parts that all pages use.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Loaded } from "../load";

export function Page({ title, actions, children }: { title: string; actions?: ComponentChildren; children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · Orderflow`;
  }, [title]);
  return (
    <>
      <header class="page-head">
        <h1 tabIndex={-1}>{title}</h1>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

export function Panel({ title, note, children }: { title?: string; note?: ComponentChildren; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={title ? id : undefined}>
      {title && <h2 id={id}>{title}</h2>}
      {note && <p class="note">{note}</p>}
      {children}
    </section>
  );
}

/** Shows the answer, and before it or instead of it what happens. */
export function Answer<T>({ of, empty, children }: { of: Loaded<T>; empty?: (data: T) => string | null; children: (data: T) => ComponentChildren }) {
  const nothing = of.data !== null ? empty?.(of.data) : null;
  return (
    <div aria-busy={of.loading}>
      {of.error && <p class="failed" role="alert">{of.error}</p>}
      {of.data === null ? of.loading && <p class="note">Loading…</p> : nothing ? <p class="note">{nothing}</p> : children(of.data)}
    </div>
  );
}

export type Tone = "good" | "bad" | "waiting" | "quiet";

export const Badge = ({ tone, children }: { tone: Tone; children: ComponentChildren }) => <span class={`badge ${tone}`}>{children}</span>;

interface ButtonProps {
  onPress: () => unknown;
  kind?: "primary" | "danger" | "plain";
  disabled?: boolean;
  label?: string;
  children: ComponentChildren;
}

/** A button that cannot be pressed again until its action has ended. */
export function Button({ onPress, kind = "plain", disabled = false, label, children }: ButtonProps) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    try {
      await onPress();
    } finally {
      setBusy(false);
    }
  };
  return (
    <button type="button" class={kind} disabled={disabled || busy} aria-busy={busy} aria-label={label} onClick={press}>
      {children}
    </button>
  );
}

interface InputProps {
  label: string;
  value: string;
  error?: string | undefined;
  type?: "text" | "number" | "email";
  inputMode?: "decimal";
  min?: string;
  disabled?: boolean;
  onText: (text: string) => void;
}

export function Field({ label, error, onText, type = "text", ...input }: InputProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input {...input} type={type as "text"} id={id} aria-invalid={Boolean(error)} aria-describedby={error ? `${id}-error` : undefined} onInput={(event) => onText(event.currentTarget.value)} />
      {error && <p class="failed" id={`${id}-error`}>{error}</p>}
    </div>
  );
}

interface SelectProps {
  label: string;
  value: string;
  options: readonly (readonly [value: string, text: string])[];
  onChoice: (value: string) => void;
}

export function Select({ label, value, options, onChoice }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChoice(event.currentTarget.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>{text}</option>
        ))}
      </select>
    </div>
  );
}

/** A dialog above the page, closed by Escape or its buttons. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  children: ComponentChildren;
  act: string;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
}

export function Confirm({ title, children, act, onConfirm, onClose }: ConfirmProps) {
  const confirm = async () => {
    await onConfirm();
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div>{children}</div>
      <div class="actions">
        <Button onPress={onClose}>Keep</Button>
        <Button kind="danger" onPress={confirm}>{act}</Button>
      </div>
    </Dialog>
  );
}

export interface Column<T> {
  title: string;
  cell: (row: T) => ComponentChildren;
  numeric?: boolean;
}

export function Table<T>({ caption, columns, rows, keyOf }: { caption: string; columns: Column<T>[]; rows: T[]; keyOf: (row: T) => string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" class={column.numeric ? "number" : ""}>{column.title}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => (
                <td key={column.title} class={column.numeric ? "number" : ""}>{column.cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
