import { createHash } from "node:crypto";
import type { MetricPlan } from "../metrics/metric-measures.ts";
import { type MeasuredMetrics, sumsOf } from "../metrics/metric-totals-sql.ts";
import { sealedMeasures } from "./sealed-measures.ts";

type Ratio = readonly [y: string, n: string];
type Hits = readonly [y: string, n: string, x: string, w: string];

/** Where the sums of a metric stand among all that is summed, and what they are known by. */
interface PlanTerms {
	readonly identity: string;
	readonly ratio: number;
	readonly singles: readonly number[];
	readonly hits: { readonly identity: string; readonly index: number } | null;
	/** Identity of the measure that holds its cells. */
	readonly cells: string | null;
}

/** What is summed over units for a set of metrics, equal terms once. */
export interface UnitTerms {
	readonly ratios: readonly Ratio[];
	readonly singles: readonly string[];
	readonly hits: readonly Hits[];
	readonly plans: readonly PlanTerms[];
	/** Identity of the counts of units and calls, and of types of errors. */
	readonly units: string;
	readonly errors: string;
	/** Identities of all. */
	readonly needed: readonly string[];
}

/** Metrics of a seal: without covariates. */
export function unitTerms(measured: MeasuredMetrics): UnitTerms {
	const identities = new Map(sealedMeasures(measured).map(({ name, identity }) => [name, identity]));
	// equal sums have one identity in whatever set of metrics they stand
	const identityOf = (sql: string) =>
		createHash("sha256")
			.update(sql.replace(/\b(?:calls|events)_\d+\b/g, (name) => identities.get(name) ?? name))
			.digest("hex")
			.slice(0, 32);
	const ratios = new Distinct<Ratio>();
	const singles = new Distinct<string>();
	const hits = new Distinct<Hits>();
	const planTerms = (plan: MetricPlan): PlanTerms => {
		const { y, n, squares, winsor, cacheHits, cells } = plan;
		const alone = [...(squares === null ? [] : [squares]), ...(winsor === null ? [] : [winsor.uncapped, winsor.above])];
		return {
			identity: identityOf(sumsOf({ ...plan, cacheHits: null, covariate: null })),
			ratio: ratios.index([y, n]),
			singles: alone.map((term) => singles.index(term)),
			hits:
				cacheHits === null
					? null
					: {
							identity: identityOf(`hits ${y} ${n} ${cacheHits.x} ${cacheHits.w}`),
							index: hits.index([y, n, cacheHits.x, cacheHits.w]),
						},
			cells: cells === null ? null : (identities.get(cells) ?? null),
		};
	};
	const plans = measured.measures.plans.map(planTerms);
	const units = identityOf(`units ${measured.calls} ${measured.undelivered} ${measured.quarantined}`);
	const errors = identityOf(measured.errors);
	const needed = new Set([
		units,
		errors,
		...plans.flatMap(({ identity, hits: of, cells }) => [identity, of?.identity, cells]),
	]);
	return {
		...{ ratios: ratios.items, singles: singles.items, hits: hits.items, plans, units, errors },
		needed: [...needed].filter((identity) => identity != null),
	};
}

class Distinct<Item> {
	readonly items: Item[] = [];
	readonly #indexes = new Map<string, number>();

	index(item: Item): number {
		const text = JSON.stringify(item);
		const found = this.#indexes.get(text) ?? this.items.push(item) - 1;
		this.#indexes.set(text, found);
		return found;
	}
}
