import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { connection } from "./live";
import { latest } from "./live-rates";
import { dismiss, notices } from "./notices";
import { Analytics } from "./pages/Analytics";
import { BreakIt } from "./pages/BreakIt";
import { Consumers } from "./pages/Consumers";
import { Customers } from "./pages/Customers";
import { Payments } from "./pages/Payments";
import { Products } from "./pages/Products";
import { DeadLetterPage } from "./pages/dead-letters/DeadLetterPage";
import { DeadLetters } from "./pages/dead-letters/DeadLetters";
import { OrderPage } from "./pages/orders/OrderPage";
import { Orders } from "./pages/orders/Orders";
import { PlaceOrder } from "./pages/orders/PlaceOrder";
import { Overview } from "./pages/overview/Overview";
import { hrefOf, route } from "./route";
import { may, type Scope, signInNeeded, signOut, subject, token } from "./session";
import { SignIn } from "./SignIn";

interface Link {
  path: string;
  title: string;
  needs: Scope[] | null;
}

const LINKS: Link[] = [
  { path: "", title: "Overview", needs: ["operate"] },
  { path: "orders", title: "Orders", needs: null },
  { path: "dead-letters", title: "Dead letters", needs: ["operate"] },
  { path: "consumers", title: "Consumers", needs: ["operate"] },
  { path: "products", title: "Products and stock", needs: null },
  { path: "payments", title: "Payments", needs: ["orders:read", "payments:refund"] },
  { path: "customers", title: "Customers", needs: ["operate"] },
  { path: "analytics", title: "Analytics", needs: ["operate"] },
  { path: "break-it", title: "Break it", needs: ["operate"] },
];

const isAllowed = ({ needs }: Link) => needs === null || may(...needs);

export function App() {
  if (signInNeeded.value) return <SignIn />;
  const { path } = route.value;
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={skip}>Skip to the content</a>
      <Navigation current={path[0] ?? ""} />
      <main id="content">
        <Connection />
        <Shown key={path.join("/")} path={path} />
      </main>
      <Notices />
    </div>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("main h1")?.focus();
}

function Navigation({ current }: { current: string }) {
  const dead = latest.value?.queues.reduce((sum, queue) => sum + queue.dead, 0) ?? 0;
  return (
    <nav aria-label="Pages">
      <p class="brand"><a href="#/">Orderflow</a></p>
      <ul>
        {LINKS.filter(isAllowed).map(({ path, title }) => (
          <li key={path}>
            <a href={hrefOf([path].filter(Boolean))} aria-current={path === current ? "page" : undefined}>
              {title}
              {path === "dead-letters" && dead > 0 && <span class="count">{dead}</span>}
            </a>
          </li>
        ))}
        <li><a href="/docs">API</a></li>
      </ul>
      {token.value !== null && <p class="who">{subject.value ?? "signed in"} <button type="button" onClick={signOut}>Sign out</button></p>}
    </nav>
  );
}

/** The address with which the console was opened. Only a change of the page moves the focus to its title. */
const opened = location.hash;

function Shown({ path }: { path: string[] }): ComponentChildren {
  const page = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (location.hash !== opened) page.current?.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }, []);
  return <div ref={page}>{pageOf(path)}</div>;
}

function pageOf([page = "", first, second]: string[]): ComponentChildren {
  const link = LINKS.find(({ path }) => path === page);
  if (link && !isAllowed(link)) return page === "" ? <Orders /> : <p class="failed">Your token does not allow this page. It needs one of: {link.needs?.join(", ")}.</p>;
  switch (page) {
    case "": return <Overview />;
    case "orders": return first === undefined ? <Orders /> : first === "new" ? <PlaceOrder /> : <OrderPage id={first} />;
    case "dead-letters": return first !== undefined && second !== undefined ? <DeadLetterPage consumer={first} id={second} /> : <DeadLetters />;
    case "consumers": return <Consumers />;
    case "products": return <Products />;
    case "payments": return <Payments />;
    case "customers": return <Customers />;
    case "analytics": return <Analytics />;
    case "break-it": return <BreakIt />;
    default: return <p class="failed">There is no such page. <a href="#/">Go to the overview</a>.</p>;
  }
}

function Connection() {
  if (connection.value !== "lost") return null;
  return <p class="health bad" role="status">The server does not report. What you see may be old; the console tries again.</p>;
}

function Notices() {
  return (
    <div class="notices" aria-live="polite">
      {notices.value.map(({ id, kind, text }) => (
        <p key={id} class={kind}>
          {text} <button type="button" aria-label="Dismiss" onClick={() => dismiss(id)}>×</button>
        </p>
      ))}
    </div>
  );
}
