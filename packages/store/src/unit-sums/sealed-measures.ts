import { createHash } from "node:crypto";
import type { MeasuredMetrics } from "../metrics/metric-totals-sql.ts";

/** Array of a unit's row in which a measure stands. */
type SealedArray = "call_sums" | "event_sums" | "errors" | "cells";

export interface SealedMeasure {
	readonly table: "calls" | "events";
	/** Its column in a statement over the same metrics. */
	readonly name: string;
	readonly sql: string;
	readonly array: SealedArray;
	/** The same for equal measures, whatever they are named and in whatever set of metrics they stand. */
	readonly identity: string;
}

/** What a seal holds of metrics; nothing of before the first exposure. */
export function sealedMeasures({ measures }: MeasuredMetrics): SealedMeasure[] {
	const { parameters } = measures.conditions;
	return (["calls", "events"] as const).flatMap((table) =>
		measures.of(table).map(({ name, sql, type }) => {
			const array =
				type === "Array(Int64)"
					? "cells"
					: type === "Array(String)"
						? "errors"
						: table === "calls"
							? "call_sums"
							: "event_sums";
			const said = sql.replace(/\{(metric_\d+):[^}]*\}/g, (_, parameter: string) =>
				JSON.stringify(parameters[parameter] ?? null),
			);
			const digest = createHash("sha256").update(`${table} ${said}`).digest("hex");
			// a seal of before cells were numbered has none of these
			const stored = array === "cells" ? "numbered_cells" : array;
			return { table, name, sql, array, identity: `${stored} ${digest.slice(0, 32)}` } as const;
		}),
	);
}

/** Measures stand in their array in the order in which the seal names them. */
export function positionsOf(identities: readonly string[]): ReadonlyMap<string, number> {
	const lengths = new Map<string, number>();
	return new Map(
		identities.map((identity) => {
			const [array = ""] = identity.split(" ");
			const position = (lengths.get(array) ?? 0) + 1;
			lengths.set(array, position);
			return [identity, position];
		}),
	);
}
