import type { OrderStatus, PartHealth } from "../api/types";
import { Badge, type Tone } from "./parts";

const ORDER_TONES: Record<OrderStatus, Tone> = { pending: "waiting", reserved: "waiting", confirmed: "good", rejected: "bad", cancelled: "quiet" };

export const OrderBadge = ({ status, reason }: { status: OrderStatus; reason?: string | null | undefined }) => (
  <>
    <Badge tone={ORDER_TONES[status]}>{status}</Badge>
    {reason && <span class="note"> {reason.replaceAll("_", " ")}</span>}
  </>
);

const PART_TONES: Record<PartHealth["state"], Tone> = { running: "good", stopped: "waiting", failing: "bad" };

export const PartBadge = ({ part }: { part: PartHealth }) => <Badge tone={PART_TONES[part.state]}>{part.state}</Badge>;
