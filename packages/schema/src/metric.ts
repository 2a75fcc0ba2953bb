import { z } from "zod";

/**
 * Metrics that can be compared.
 *
 * | key | mean over | of |
 * |---|---|---|
 * | `error-rate` | calls | 1 if the call failed |
 * | `latency` | successful calls | milliseconds until the last byte |
 * | `cost` | calls with a known cost | US dollars |
 * | `feedback` | feedback events | score, 0 to 1 |
 * | `conversion` | enrolled units | 1 if the unit converted after its first exposure |
 */
export const MetricKey = z.enum(["error-rate", "latency", "cost", "feedback", "conversion"]);
export type MetricKey = z.infer<typeof MetricKey>;

export const Direction = z.enum(["increase", "decrease"]);
export type Direction = z.infer<typeof Direction>;

/** Which way is better, and the unit in which estimates are stated. */
export const METRICS: Readonly<Record<MetricKey, { direction: Direction; unit: "share" | "ms" | "usd" | "score" }>> = {
	"error-rate": { direction: "decrease", unit: "share" },
	latency: { direction: "decrease", unit: "ms" },
	cost: { direction: "decrease", unit: "usd" },
	feedback: { direction: "increase", unit: "score" },
	conversion: { direction: "increase", unit: "share" },
};
