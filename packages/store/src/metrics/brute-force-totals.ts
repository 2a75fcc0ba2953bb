import type { MetricCondition, MetricDefinition, MetricQuantity } from "@armspan/schema";
import type {
	ArmTotals,
	CovariateMoments,
	MetricSums,
	MetricTotals,
	MetricTotalsRequest,
	SegmentTotals,
	SegmentTotalsRequest,
} from "./metric-totals.ts";
import type { Evidence, RandomCall, RandomEvent, RandomRow } from "./random-evidence.ts";
import { VALUE_GRID } from "./value-grid.ts";

function isHere({ environment }: RandomRow, request: MetricTotalsRequest): boolean {
	return request.environment === undefined || ["", request.environment].includes(environment);
}

function isEvidence(row: RandomRow, request: MetricTotalsRequest): boolean {
	return (
		isHere(row, request) &&
		row.experiment === request.experiment &&
		row.iteration === request.iteration &&
		row.enrolled &&
		!row.shadow &&
		row.variant !== "" &&
		row.revision <= (request.untilRevision ?? Number.POSITIVE_INFINITY) &&
		row.atMs <= (request.closedAt?.getTime() ?? Number.POSITIVE_INFINITY)
	);
}

const before = (a: string | number, b: string | number) => (a < b ? -1 : a > b ? 1 : 0);

/** The same by segment. */
export function bruteForceSegments(evidence: Evidence, request: SegmentTotalsRequest): SegmentTotals[] {
	const exposures = evidence.exposures
		.filter((row) => isEvidence(row, request))
		.sort((a, b) => before(a.atMs, b.atMs) || before(a.id, b.id));
	const firstReports = new Map([...exposures].reverse().map((row) => [row.unit, row]));
	const exposedMs = new Map<string, number>();
	for (const { unit, atMs } of [...evidence.calls, ...evidence.exposures].filter((row) => isEvidence(row, request))) {
		exposedMs.set(unit, Math.min(atMs, exposedMs.get(unit) ?? atMs));
	}
	return [...request.segments].sort(before).flatMap((segment) => {
		const reported = [...firstReports.values()].map((row) => row.segments?.[segment] ?? "");
		const frequent = [...Map.groupBy(reported, (value) => value)]
			.filter(([value]) => value !== "")
			.sort(([a, { length: many }], [b, { length: others }]) => others - many || before(a, b))
			.slice(0, 20)
			.map(([value]) => value);
		const stratumOf = (unit: string): string => {
			const report = firstReports.get(unit);
			const value = report?.segments?.[segment] ?? "";
			if (report === undefined || value === "" || report.atMs > (exposedMs.get(unit) ?? 0) + 60_000) return "none ";
			return frequent.includes(value) ? `value ${value}` : "other ";
		};
		const units = Map.groupBy(exposedMs.keys(), stratumOf);
		return [...units.keys()].sort(before).flatMap((stratum) => {
			const own = <Row extends RandomRow>(rows: Row[]) => rows.filter(({ unit }) => stratumOf(unit) === stratum);
			const { calls, exposures, events } = evidence;
			const rows = { ...evidence, calls: own(calls), exposures: own(exposures), events: own(events) };
			const { arms } = bruteForceTotals(rows, request, () => "");
			const [kind = "", ...value] = stratum.split(" ");
			return arms.length === 0 ? [] : [{ segment, kind: kind as SegmentTotals["kind"], value: value.join(" "), arms }];
		});
	});
}

/**
 * The same totals the slow and plain way, by the words of the definitions. For tests only.
 *
 * @param dayOf what the units are grouped by, beside their arm
 */
export function bruteForceTotals(
	evidence: Evidence,
	request: MetricTotalsRequest,
	dayOf = (exposedMs: number) => new Date(exposedMs).toISOString().slice(0, 10),
): MetricTotals {
	const here = (row: RandomRow) => isHere(row, request);
	const counts = (row: RandomRow) => isEvidence(row, request);
	const windowed = request.maturationMs !== undefined || request.isPlannedLook === true;
	const asOfMs = request.asOf.getTime();
	const exposing = [...evidence.calls, ...evidence.exposures].filter(counts);
	const arms = new Map<string, ArmTotals>();
	const totals: MetricTotals = {
		...{ excludedUnits: 0, immatureUnits: 0, newestCallAt: null, newestEventAt: null, arms: [] },
	};
	for (const unit of new Set(exposing.map((row) => row.unit))) {
		const own = exposing.filter((row) => row.unit === unit);
		if (new Set(own.map((row) => row.variant)).size > 1) {
			totals.excludedUnits += 1;
			continue;
		}
		const { variant } = own[0] as RandomRow;
		const exposedMs = Math.min(...own.map((row) => row.atMs));
		if (windowed && exposedMs + (request.maturationMs ?? 0) > asOfMs) {
			totals.immatureUnits += 1;
			continue;
		}
		const within = (row: RandomRow) =>
			!windowed ||
			(row.atMs <= asOfMs && (request.maturationMs === undefined || row.atMs <= exposedMs + request.maturationMs));
		const mine = <Row extends RandomRow>(rows: Row[]) =>
			rows.filter((row) => row.unit === unit && !row.shadow && here(row));
		const calls = mine(evidence.calls).filter((row) => counts(row) && within(row));
		const events = mine(evidence.events).filter(
			(row) => counts(row) && row.variant === variant && row.atMs >= exposedMs && within(row),
		);
		const since = (days: number) => (row: RandomRow) =>
			row.atMs < exposedMs && row.atMs >= exposedMs - days * 86_400_000;
		const day = dayOf(exposedMs);
		const arm = armOf(arms, variant, day);
		arm.units += 1;
		arm.calls += calls.length;
		arm.undeliveredCalls += calls.filter((call) => call.fallback === "render-failed").length;
		arm.quarantinedCalls += calls.filter((call) => call.impossible).length;
		for (const { failed, errorType } of calls) {
			if (failed) arm.errorTypes.set(errorType, (arm.errorTypes.get(errorType) ?? 0) + 1);
		}
		totals.newestCallAt = newest(totals.newestCallAt, calls);
		totals.newestEventAt = newest(totals.newestEventAt, events);
		for (const metric of request.metrics) {
			const sums = arm.metrics[metric.key] ?? nothing(metric, request.splitByCache ?? false);
			arm.metrics[metric.key] = sums;
			const post = metric.source === "calls" ? calls : events;
			const pre = (metric.source === "calls" ? mine(evidence.calls) : mine(evidence.events)).filter(
				since(metric.covariateDays ?? 0),
			);
			add(sums, metric, post, pre);
		}
	}
	const wantsEvents = request.metrics.some(({ source }) => source !== "calls");
	if (!wantsEvents) totals.newestEventAt = null;
	totals.arms = [...arms.values()].sort((a, b) => (`${a.variant} ${a.day}` < `${b.variant} ${b.day}` ? -1 : 1));
	return totals;
}

function newest(known: Date | null, rows: RandomRow[]): Date | null {
	const latest = Math.max(known?.getTime() ?? Number.NEGATIVE_INFINITY, ...rows.map((row) => row.atMs));
	return Number.isFinite(latest) ? new Date(latest) : null;
}

function armOf(arms: Map<string, ArmTotals>, variant: string, day: string): ArmTotals {
	const key = `${variant} ${day}`;
	const found = arms.get(key) ?? {
		...{
			variant,
			day,
			units: 0,
			calls: 0,
			undeliveredCalls: 0,
			quarantinedCalls: 0,
			errorTypes: new Map(),
			metrics: {},
		},
	};
	arms.set(key, found);
	return found;
}

function nothing(metric: MetricDefinition, splitByCache: boolean): MetricSums {
	const zeroes = () => ({
		sumX: 0n,
		sumW: 0n,
		sumXX: 0n,
		sumWW: 0n,
		sumXW: 0n,
		sumYX: 0n,
		sumYW: 0n,
		sumNX: 0n,
		sumNW: 0n,
	});
	const scales: Record<string, number> = { latency: 1e3, "time-to-first-chunk": 1e3, cost: 1e9, score: 1e6 };
	const scaleOf = (quantity: MetricQuantity | undefined) => scales[quantity ?? ""] ?? 1;
	return {
		...{ units: 0, sumY: 0n, sumN: 0n, sumYY: 0n, sumNN: 0n, sumYN: 0n },
		scale: metric.kind === "proportion" ? 1 : scaleOf(metric.value) / scaleOf(metric.denominator),
		sumOfSquares: metric.kind === "mean" && metric.per === "call" ? 0n : null,
		winsorized:
			metric.winsorCap === undefined
				? null
				: { cap: BigInt(metric.winsorCap * scaleOf(metric.value)), uncappedSum: 0n, cappedObservations: 0n },
		covariate: metric.covariateDays === undefined ? null : zeroes(),
		cacheHits:
			splitByCache &&
			metric.source === "calls" &&
			metric.kind === "mean" &&
			metric.per === "call" &&
			["cost", "latency", "time-to-first-chunk"].includes(metric.value ?? "")
				? zeroes()
				: null,
		cells: metric.kind === "quantile" ? [] : null,
	};
}

function add(sums: MetricSums, metric: MetricDefinition, post: RandomRow[], pre: RandomRow[]): void {
	const cap = sums.winsorized?.cap;
	const [y, n] = numeratorAndDenominator(metric, post, cap);
	const [x, w] = numeratorAndDenominator(metric, pre, cap);
	sums.sumY += y;
	sums.sumN += n;
	sums.sumYY += y * y;
	sums.sumNN += n * n;
	sums.sumYN += y * n;
	const rows = post.filter((row) => eligible(metric, row));
	const values = rows.flatMap((row) => (metric.value === undefined ? [] : (quantityOf(row, metric.value) ?? [])));
	if (sums.sumOfSquares !== null) {
		for (const value of values) sums.sumOfSquares += capped(BigInt(value), cap) ** 2n;
	}
	if (sums.winsorized !== null) {
		const total = values.reduce((sum, value) => sum + BigInt(value), 0n);
		sums.winsorized.uncappedSum += total;
		const observed = metric.per === "unit" ? [total] : values.map((value) => BigInt(value));
		sums.winsorized.cappedObservations += BigInt(observed.filter((value) => value > (cap ?? 0n)).length);
	}
	if (sums.cells !== null) countOnGrid(sums, values);
	if (n === 0n && y === 0n) return;
	sums.units += 1;
	if (sums.covariate !== null) addMoments(sums.covariate, y, n, x, w);
	if (sums.cacheHits !== null) {
		const hits = post.filter((row) => ((row as RandomCall).cached ?? 0) > 0);
		addMoments(sums.cacheHits, y, n, ...numeratorAndDenominator(metric, hits, cap));
	}
}

function addMoments(moments: CovariateMoments, y: bigint, n: bigint, x: bigint, w: bigint): void {
	moments.sumX += x;
	moments.sumW += w;
	moments.sumXX += x * x;
	moments.sumWW += w * w;
	moments.sumXW += x * w;
	moments.sumYX += y * x;
	moments.sumYW += y * w;
	moments.sumNX += n * x;
	moments.sumNW += n * w;
}

/** ΣC, ΣC² and ΣCN at every grid value by counting, then as differences, and only where something comes in. */
function countOnGrid(sums: MetricSums, values: number[]): void {
	const n = BigInt(values.length);
	const atEach = VALUE_GRID.map((grid) => BigInt(values.filter((value) => value <= grid).length));
	const cells = new Map((sums.cells ?? []).map((cell) => [cell.upTo, cell]));
	atEach.forEach((count, index) => {
		const before = atEach[index - 1] ?? 0n;
		if (count === before) return;
		const upTo = VALUE_GRID[index] as number;
		const cell = cells.get(upTo) ?? { upTo, count: 0n, squares: 0n, products: 0n };
		cell.count += count - before;
		cell.squares += count * count - before * before;
		cell.products += (count - before) * n;
		cells.set(upTo, cell);
	});
	sums.cells = [...cells.values()].sort((a, b) => (a.upTo ?? 0) - (b.upTo ?? 0));
}

function numeratorAndDenominator(
	metric: MetricDefinition,
	all: RandomRow[],
	cap: bigint | undefined,
): [bigint, bigint] {
	const rows = all.filter((row) => eligible(metric, row));
	const { kind, per, value = "count", denominator = "count" } = metric;
	if (kind === "proportion") {
		const hits = rows.filter((row) => metric.event.every((condition) => meets(row, condition))).length;
		return per === "unit" ? [hits > 0 ? 1n : 0n, 1n] : [BigInt(hits), BigInt(rows.length)];
	}
	const known = rows.filter(
		(row) => quantityOf(row, value) !== null && (kind !== "ratio" || quantityOf(row, denominator) !== null),
	);
	const capOfRow = per === "unit" ? undefined : cap;
	const sum = (of: MetricQuantity) =>
		known.reduce((total, row) => total + capped(BigInt(quantityOf(row, of) ?? 0), capOfRow), 0n);
	if (kind === "quantile") return [BigInt(known.length), BigInt(known.length)];
	if (kind === "ratio") return [sum(value), sum(denominator)];
	return per === "unit" ? [capped(sum(value), cap), 1n] : [sum(value), BigInt(known.length)];
}

function capped(value: bigint, cap: bigint | undefined): bigint {
	return cap !== undefined && value > cap ? cap : value;
}

function eligible(metric: MetricDefinition, row: RandomRow): boolean {
	const kinds: Record<string, string> = { evaluations: "score", feedback: "feedback", conversions: "conversion" };
	if (metric.source !== "calls") {
		const event = row as RandomEvent;
		if (event.kind !== kinds[metric.source]) return false;
		if (event.kind === "conversion" && event.scoreMicros !== null && event.scoreMicros <= 0) return false;
		if (event.kind === "feedback" && event.scoreMicros !== null && (event.scoreMicros < 0 || event.scoreMicros > 1e6)) {
			return false;
		}
	}
	return metric.where.every((condition) => meets(row, condition));
}

function meets(row: RandomRow, condition: MetricCondition): boolean {
	const call = row as RandomCall;
	const event = row as RandomEvent;
	const text =
		{
			...{ model: call.model, provider: call.provider, "error-type": call.errorType, "finish-reason": call.finish },
			...{ "fallback-reason": call.fallback, name: event.name, label: event.label, "prompt-version": row.version },
		}[condition.column] ?? "";
	if (condition.in) return condition.in.includes(text);
	if (condition.notIn) return !condition.notIn.includes(text);
	if (condition.startsWith !== undefined) return text.startsWith(condition.startsWith);
	if (condition.is !== undefined) {
		return condition.is === (condition.column === "failed" ? call.failed : (call.cached ?? 0) > 0);
	}
	const value = quantityOf(row, condition.column as MetricQuantity);
	const scale = { score: 1e6, cost: 1e9, latency: 1e3 }[condition.column] ?? 1;
	if (value === null) return false;
	return condition.atLeast === undefined ? value < (condition.below ?? 0) * scale : value >= condition.atLeast * scale;
}

function quantityOf(row: RandomRow, quantity: MetricQuantity): number | null {
	const call = row as RandomCall;
	switch (quantity) {
		case "count":
			return 1;
		case "latency":
			return ["aborted", "abandoned"].includes(call.finish) ? null : call.latencyUs;
		case "time-to-first-chunk":
			return call.firstChunkUs;
		case "cost":
			return call.costNano;
		case "input-tokens":
			return call.input;
		case "output-tokens":
			return call.output;
		case "cached-tokens":
			return call.cached;
		case "uncached-tokens":
			return call.input === null || (call.cached ?? 0) > call.input ? null : call.input - (call.cached ?? 0);
		case "reasoning-tokens":
			return call.impossible ? null : call.reasoning;
		case "score":
			return (row as RandomEvent).scoreMicros;
		case "numerator":
		case "denominator":
			throw new TypeError("rows of one's own SQL are not drawn");
	}
}
