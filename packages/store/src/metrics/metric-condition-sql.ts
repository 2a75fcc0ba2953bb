import { METRIC_QUANTITIES, type MetricCondition, type MetricQuantity, type MetricSource } from "@armspan/schema";
import type { QueryParameters } from "../connection.ts";

const TEXT_COLUMNS: Readonly<Record<string, string>> = {
	model: "model",
	provider: "provider",
	service: "service",
	operation: "operation",
	"prompt-version": "prompt_version",
	"error-type": "error_type",
	"finish-reason": "finish_reason",
	"fallback-reason": "fallback_reason",
	name: "name",
	label: "label",
};
/** The provider's cache served some of the input. */
export const CACHE_HIT = "(ifNull(cached_tokens, 0) > 0)";

const BOOLEAN_COLUMNS: Readonly<Record<string, string>> = {
	failed: "is_error",
	cached: CACHE_HIT,
};
/** Stored integers; NULL where unknown. */
const QUANTITY_COLUMNS: Readonly<Record<MetricQuantity, string>> = {
	count: "toInt64(1)",
	// Of a call that broke off, nobody knows when its last byte would have come.
	latency: "if(finish_reason IN ('aborted', 'abandoned'), NULL, latency_us)",
	"time-to-first-chunk": "time_to_first_chunk_us",
	cost: "cost_nano_usd",
	"input-tokens": "input_tokens",
	"output-tokens": "output_tokens",
	"cached-tokens": "cached_tokens",
	// Providers that state no cached tokens cached none; more cached than sent is a contradiction.
	"uncached-tokens": "if(ifNull(cached_tokens, 0) <= input_tokens, input_tokens - ifNull(cached_tokens, 0), NULL)",
	"reasoning-tokens": "reasoning_tokens",
	score: "score_micros",
	numerator: "numerator_micros",
	denominator: "denominator_micros",
};

/** Kind of the rows of each source that is an event. */
const EVENT_KINDS = { evaluations: "score", feedback: "feedback", conversions: "conversion" } as const;

/**
 * Conditions as SQL. Column names come from the tables above only; every value is a bound parameter, equal values being
 * bound once, so that equal conditions are equal text.
 */
export class MetricConditionSql {
	readonly parameters: Record<string, QueryParameters[string]> = {};
	readonly #names = new Map<string, string>();

	/** Rows of the source that meet all conditions. */
	rows(source: MetricSource, conditions: readonly MetricCondition[]): string {
		const ofSource =
			source === "calls" || source === "sql"
				? []
				: source === "conversions"
					? // an explicit score of 0 says that the unit did not convert
						[`kind = '${EVENT_KINDS[source]}'`, "ifNull(score_micros, 1) > 0"]
					: source === "feedback"
						? // beyond its scale it cannot be; scores of judges may have any
							[`kind = '${EVENT_KINDS[source]}'`, "ifNull(score_micros BETWEEN 0 AND 1000000, true)"]
						: [`kind = '${EVENT_KINDS[source]}'`];
		return [...ofSource, this.all(conditions)].filter((part) => part !== "true").join(" AND ") || "true";
	}

	/** Whether a row meets all conditions. */
	all(conditions: readonly MetricCondition[]): string {
		return conditions.map((condition) => this.#condition(condition)).join(" AND ") || "true";
	}

	/** Value of a row, an Int64 or NULL. */
	quantity(quantity: MetricQuantity): string {
		return QUANTITY_COLUMNS[quantity];
	}

	bind(type: "Int64" | "String" | "Array(String)", value: string | readonly string[]): string {
		const identity = JSON.stringify([type, value]);
		let name = this.#names.get(identity);
		if (name === undefined) {
			name = `metric_${this.#names.size}`;
			this.#names.set(identity, name);
			this.parameters[name] = value;
		}
		return `{${name}:${type}}`;
	}

	#condition({ column, in: among, notIn, startsWith, is, atLeast, below }: MetricCondition): string {
		if (is !== undefined) {
			const flag = known(BOOLEAN_COLUMNS, column);
			return is ? flag : `NOT ${flag}`;
		}
		if (atLeast !== undefined || below !== undefined) {
			const quantity = column as MetricQuantity;
			const value = known(QUANTITY_COLUMNS, quantity);
			const bound = BigInt(Math.round((atLeast ?? below ?? 0) * METRIC_QUANTITIES[quantity].scale));
			const comparison = `${value} ${atLeast === undefined ? "<" : ">="} ${this.bind("Int64", String(bound))}`;
			return `ifNull(${comparison}, false)`;
		}
		const text = known(TEXT_COLUMNS, column);
		if (startsWith !== undefined) return `startsWith(${text}, ${this.bind("String", startsWith)})`;
		const list = this.bind("Array(String)", among ?? notIn ?? []);
		return `${among === undefined ? "NOT " : ""}has(${list}, toString(${text}))`;
	}
}

function known(columns: Readonly<Record<string, string>>, column: string): string {
	const found = Object.hasOwn(columns, column) ? columns[column] : undefined;
	// Definitions are checked against the same columns by their schema.
	if (found === undefined) throw new TypeError(`unknown column ${JSON.stringify(column)}`);
	return found;
}
