import { type Bar, bars } from "./bars.ts";
import type { CalibrationResults } from "./calibrate.ts";
import { ALPHA } from "./looks.ts";
import { atMost, bold, interval, seconds, table, units } from "./markdown.ts";
import type { Mean } from "./monte-carlo.ts";
import { REASONS } from "./reasons.ts";
import { BASE_RATE, CHANGED_RATES, EARLIER_CALLS } from "./scenarios/guardrail.ts";
import { PLANNED_POWER } from "./scenarios/planned-power.ts";
import { POWERED } from "./scenarios/power-by-split.ts";
import { STOPPERS } from "./scenarios/stopping-time.ts";
import { SCENARIOS } from "./scenarios.ts";
import { sprtBound } from "./sprt-bound.ts";

/** What run.ts simulates unless it is told otherwise. */
const FULL_REPETITIONS = 5000;

/** docs/statistics/calibration.md: the same bytes for the same results. */
export function report(results: CalibrationResults): string {
	return [
		introduction(results),
		barsSection(bars(results)),
		falsePositives(results),
		covariates(results),
		powerSection(results),
		coverage(results),
		sampleRatio(results),
		quantiles(results),
		bestArm(results),
		boundedMeans(results),
		guardrails(results),
	].join("\n");
}

function introduction({ workers, cpuSeconds, cells }: CalibrationResults): string {
	const cpu = Object.values(cpuSeconds).reduce((sum, seconds) => sum + seconds, 0);
	const done = (scenario: string) => Math.min(...Object.values(cells[scenario] ?? {}).map((cell) => cell.repetitions));
	const known = SCENARIOS.filter(({ name }) => cells[name] !== undefined);
	const full = known.reduce(
		(sum, { name, effort }) => sum + (cpuSeconds[name] ?? 0) * ((FULL_REPETITIONS * effort) / done(name)),
		0,
	);
	const scenarios = known.map(({ name }) => [
		name,
		String(Object.keys(cells[name] ?? {}).length),
		done(name).toLocaleString("en"),
		((cpuSeconds[name] ?? 0) / 60).toFixed(1),
	]);
	return `# Calibration

Do the methods keep their promises? Every number here is simulated, with streams whose truth is known. It is written by a program:

    node --conditions=armspan-source bench/calibration/run.ts 5000

This run: ${done("false-positives").toLocaleString("en")} streams a cell in the large matrix, ${workers} threads and ${(cpu / 60).toFixed(0)} minutes of CPU time on a machine shared with other work; ${FULL_REPETITIONS.toLocaleString("en")} there, and as many elsewhere as belong to that, are ${(full / 2 / 60).toFixed(0)} minutes on two idle cores. Each repetition has its own seed, so that the numbers depend neither on the threads nor on the order.

How to read: \`0.0130 (≤ 0.0172)\` is a share with its one-sided 99 % bound, \`0.801 [0.786, 0.815]\` one with a two-sided 99 % interval; both are the simulation's own error, by Wilson's interval for shares. **Bold** misses its bar. α is ${ALPHA} throughout, two-sided. The code under test is what \`@armspan/stats\` exports; the columns "what not to do" are written beside it.

${table(["scenario", "cells", "streams a cell", "CPU minutes"], scenarios)}`;
}

function barsSection(all: readonly Bar[]): string {
	const rows = all.map(({ bar, result, met }) => [bar, result, met ? "met" : "**missed**"]);
	const missed = all.filter(({ met }) => !met);
	const reasons = REASONS.filter(({ concerns }) => missed.some(({ bar }) => concerns.test(bar)));
	return `## Bars

${table(["bar", "result", ""], rows)}
${missed.length === 0 ? "All met." : `${all.length - missed.length} of ${all.length} are met. Why the others are not, and what to do:`}

${reasons.map(({ text }) => `- ${text}`).join("\n")}

Bars are not all there is to know. No bar covers what follows, and it is not good everywhere:

- Welch's test, looked at once, on very skewed data in unequal arms: see "Coverage of fixed intervals". There its 95 % interval covers far less; use a comparison with the safeguard.
- The safeguarded methods on very skewed data in arms of 1 %: far below α, hence of little power.
- Only α = 0.05, ICC 0.3 and tails up to the lognormal with σ 1.5 were run; no drift in time, no null with unequal variances, no coverage in time at an effect that is not 0, and not the verdict from end to end.
`;
}

function falsePositives(results: CalibrationResults): string {
	const cells = Object.entries(results.cells["false-positives"] ?? {});
	const rates = (names: readonly string[], mark: (name: string, mean: Mean) => boolean) =>
		cells.map(([cell, { means }]) => [
			cell,
			...names.map((name) => {
				const mean = means[name];
				return mean === undefined ? "–" : bold(atMost(mean), mark(name, mean));
			}),
		]);
	const rhythms = (methods: readonly string[]) => methods.flatMap((method) => [`${method}, few`, `${method}, many`]);
	const ours = rhythms(["always-valid", "hybrid", "unsafeguarded hybrid"]);
	const grouped = rhythms(["group-sequential", "unsafeguarded group-sequential"]);
	const missed = (name: string, mean: Mean) =>
		!name.startsWith("unsafeguarded") && (name.startsWith("group") ? mean.lower : mean.atMost) > ALPHA;
	const naive = ["t-test, once", "t-test, few", "t-test, many", "unsafeguarded, few", "unsafeguarded, many"];
	const request = [
		"request-level t-test, once",
		"request-level t-test, few",
		"request-level t-test, many",
		"request-level always-valid, few",
		"request-level always-valid, many",
	];
	const information = Object.entries(results.cells["group-sequential-information"] ?? {}).map(([cell, { means }]) => [
		cell,
		means.rejects === undefined ? "–" : bold(interval(means.rejects), means.rejects.lower > ALPHA),
		means.unsafeguarded === undefined ? "–" : interval(means.unsafeguarded),
	]);
	const cellsOf = (scenario: string) => Object.entries(results.cells[scenario] ?? {});
	const planned = cellsOf("planned-looks").map(([cell, { means }]) => [
		cell,
		means.rejects === undefined ? "–" : bold(interval(means.rejects), means.rejects.lower > ALPHA),
		...["by information", "last look untested"].map((name) =>
			means[name] === undefined ? "–" : interval(means[name]),
		),
	]);
	const plannedPower = cellsOf("planned-looks-power").map(([cell, { means }]) => [
		cell,
		...["rejects", "by information"].map((name) => (means[name] === undefined ? "–" : interval(means[name]))),
	]);
	const returning = rates(request, () => false).filter(([cell]) => cell?.startsWith("returning"));
	return `## False positives under constant watch

A/A streams of 50,000 units; for returning users 10,000 users who make 10 calls each on average (Poisson) in random order, ICC 0.3, analysed as a ratio of sums. The percentage is treatment's share of the units, assigned at random. "28" looks are equally spaced. "1,000" looks are geometrically spaced from 50 units in the smaller arm on, some of them merged where they would fall on the same unit; the group-sequential ones are equally spaced.

"Without" stands for the same method without the [safeguard](safeguarded-contrast.md), by the arms' own variances, and is what not to do in unequal arms.

### Always-valid and hybrid

Without the safeguard, \`hybridComparison\` would end with [Welch's test](welch-comparison.md); it is watched as before.

${table(
	["data, share", "always-valid, 28", "1,000", "hybrid, 28", "1,000", "hybrid without, 28", "1,000"],
	rates(ours, missed),
)}
### Group-sequential (Lan–DeMets O'Brien–Fleming)

${table(["data, share", "group-sequential, 28", "1,000", "without, 28", "1,000"], rates(grouped, missed))}
Bounds above are those of the planned information. With the information taken from the variance at each of 7 looks and the bounds computed there, by \`groupSequentialComparison\`; without: \`groupSequentialTest\` of a plain contrast (simulated before the comparison asked for numbers of units, which only makes its bounds higher):

${table(["data, share", "false positives", "without"], information)}
#### Looks planned by units

As the service does it: looks at k/K of 1,000 planned units (normal 2,000, Bernoulli 20,000), alpha spent by k/K, every look tested. Beside it what it did before 2026-11-20, spending by information with the end taken from the first look's variance, and how often that left the last look untested, for want of new information or because all was spent. Units come evenly; where calls are counted they make 4 on average from the start to the end, "of their first days" for 30 % of the time and 12 in that proportion; "differ": rates lognormal σ 1; amounts lognormal σ 1 a call.

${table(["data, share, looks", "false positives", "by information", "its last look untested"], planned)}
Power; "1×" is the effect that a fixed test with the true variance finds with 0.8:

${table(["data, share, looks, effect", "found", "by information"], plannedPower)}
### What not to do, on the same streams

A t-test (with the right unit) looked at once, 28 and 1,000 times, and the always-valid interval without the safeguard:

${table(
	["data, share", "t-test, once", "28", "1,000", "no safeguard, 28", "1,000"],
	rates(naive, () => false),
)}
Every call counted as a unit, by a t-test and even by an always-valid interval:

${table(["data, share", "t-test, once", "28", "1,000", "always-valid, 28", "1,000"], returning)}`;
}

function covariates({ cells }: CalibrationResults): string {
	const rows = Object.entries(cells["cuped-watch"] ?? {}).map(([cell, { means }]) => [
		cell,
		means.safeguarded === undefined ? "–" : bold(atMost(means.safeguarded), means.safeguarded.atMost > ALPHA),
		means.own === undefined ? "–" : atMost(means.own),
		means["variance reduction"] === undefined ? "–" : means["variance reduction"].mean.toFixed(2),
	]);
	return `## CUPED under watch

A/A streams of 20,000 units (10,000 returning users with 10 calls each before and during the experiment), a fifth of them without history, correlation 0.7 on the normal scale, for returning users ICC 0.3; [CUPED](cuped-contrast.md) with the multiplier of a confidence sequence at 28 looks, from 50 units in the smaller arm on. "Without" is \`cupedContrast\`, by the arms' own variances.

${table(["data, share", "safeguarded", "without", "variance reduction"], rows)}`;
}

function powerSection(results: CalibrationResults): string {
	const stopping = Object.entries(results.cells["stopping-time"] ?? {});
	const rows = (what: string) =>
		STOPPERS.map(({ name }) => [
			name,
			...stopping.map(([, { means }]) => {
				const mean = means[`${name}: ${what}`];
				return mean === undefined ? "–" : interval(mean);
			}),
		]);
	const planned = Object.entries(results.cells["planned-power"] ?? {}).map(([cell, { means }]) => [
		cell,
		means.found === undefined ? "–" : bold(interval(means.found), means.found.upper < PLANNED_POWER),
	]);
	const effects = stopping.map(([cell]) => cell);
	const bySplit = Object.entries(results.cells["power-by-split"] ?? {}).map(([cell, { means }]) => [
		cell,
		...POWERED.map((name) => (means[name] === undefined ? "–" : interval(means[name]))),
	]);
	return `## Power and stopping time

Normal data, 50/50, 28 looks equally spaced up to each method's largest sample; effects as multiples of the one that a fixed test of 10,000 units finds with power 0.8. The always-valid interval may also be given twice the units ("cap 2×", 56 looks). With futility: one-sided at 0.025, Hwang–Shih–DeCani −4 and −2.

Share of streams that reject:

${table(["method", ...effects], rows("rejects"))}
Average sample at the end, as a multiple of the fixed test's:

${table(["method", ...effects], rows("sample"))}
### Power as planned

As many units as \`requiredUnits\` asks for to find the effect with power 0.80, 28 looks, by treatment's share:

${table(["metric, share, inference, units", "power"], planned)}
### Power by split

28 looks at the streams of the first section, with an effect that a fixed test at the end finds with power 0.8 (1×) if its statistic were normal, and 1.5 times that. The group-sequential test has no more units here than the fixed one. "t-test, once" is the fixed test; where the small arm has few events its statistic is not normal, and it has less power than 0.8, or buys more with false positives. So does the group-sequential test without the safeguard: what that costs in power is the difference between the last columns, and where it is large the error rate without it is, too.

${table(["data, share, effect", "t-test, once", "always-valid", "hybrid", "group-sequential", "without"], bySplit)}`;
}

function coverage({ cells }: CalibrationResults): string {
	const tableOf = (scenario: string, first: string, names: readonly string[]) =>
		table(
			[first, ...names],
			Object.entries(cells[scenario] ?? {}).map(([cell, { means }]) => [
				cell,
				...names.map((name) => (means[name] === undefined ? "–" : interval(means[name]))),
			]),
		);
	return `## Coverage of fixed intervals

One planned look, nominal 95 %, equal truth in both arms unless stated.

${tableOf("mean-coverage", "Welch, units", ["difference", "relative"])}
Ratio of sums, 1,000 users an arm, ICC 0.3; "request-level" takes each call for a unit. The last row has a ratio that differs from the user mean:

${tableOf("ratio-coverage", "calls a user", ["one arm", "difference", "relative", "request-level"])}
Shares: Wilson's interval of one arm beside Wald's, and the difference. Cells where nobody of both arms did it claim no interval and are left out:

${tableOf("proportion-coverage", "units, rates", ["one arm", "one arm, Wald", "newcombe", "miettinen-nurminen"])}
Quantiles of lognormal latencies, 1,000 users an arm with 10 calls each, ICC 0.3 on the log scale:

${tableOf("quantile-coverage", "quantile", ["one arm", "difference", "request-level one arm", "request-level difference"])}`;
}

function sampleRatio({ cells }: CalibrationResults): string {
	const rows = Object.entries(cells["sample-ratio"] ?? {}).map(([cell, { means, quantiles: delays }]) => [
		cell,
		...["e-value, 0.05", "e-value, 0.001", "chi-square, 0.05", "chi-square, 0.001"].map((name) => {
			const mean = means[name];
			const missed =
				name === "e-value, 0.05" ? (mean?.atMost ?? 0) > 0.05 : name === "e-value, 0.001" && (mean?.lower ?? 0) > 0.001;
			return mean === undefined ? "–" : bold(atMost(mean), missed && !cell.includes("come"));
		}),
		delays["e-value, 0.05"] === undefined ? "–" : units(delays["e-value, 0.05"]),
		delays["e-value, 0.001"] === undefined ? "–" : units(delays["e-value, 0.001"]),
	]);
	return `## Sample ratio

50,000 units, looked at after every one of them; chi-square (what not to do under watch) from 100 units on. Alarms, and units until the alarm, median (95 %):

${table(["treatment's share", "e ≥ 20", "e ≥ 1000", "χ², p < 0.05", "χ², p < 0.001", "units to e ≥ 20", "to e ≥ 1000"], rows)}
At α = 0.001 so few streams cannot show a bound below α; there a cell is bold when its interval lies above it.
`;
}

function quantiles({ cells }: CalibrationResults): string {
	const methods = ["sequential", "peeked", "request-level sequential"];
	const rows = Object.entries(cells["sequential-quantiles"] ?? {}).flatMap(([cell, { means }]) =>
		["0.5", "0.95", "0.99"].map((level) => [
			`${cell}, p${100 * Number(level)}`,
			...methods.map((method) => {
				const mean = means[`${level} ${method}`];
				if (mean === undefined) return "–";
				return bold(atMost(mean), method === "sequential" && !cell.includes("+") && mean.atMost > ALPHA);
			}),
		]),
	);
	return `## Sequential quantiles

Lognormal latencies of returning users (1,600 at 50 %, 5,000 at 10 %, 10,000 at 1 %; 10 calls each by the end, ICC 0.3), 28 looks. "+0.3": treatment's log latency is 0.3 standard deviations higher, so those are powers. Peeking repeats the fixed interval; the last column takes each call for a unit.

${table(["share, quantile", ...methods], rows)}`;
}

function bestArm({ cells }: CalibrationResults): string {
	const rows = Object.entries(cells["best-arm"] ?? {}).map(([cell, { means }]) => {
		const [wrong, right] = [means["wrong claim"], means["right claim"]];
		return [
			cell,
			wrong === undefined ? "–" : bold(atMost(wrong), wrong.atMost > ALPHA),
			right === undefined ? "–" : interval(right),
		];
	});
	return `## Best-arm claim

14 epochs of 1,000 units, shares equal or moved after each epoch by [track-and-stop](track-and-stop.md) with its floor of 0.1; \`bestArmClaim\` after every epoch until it claims. Where several arms are best every claim is wrong.

${table(["arms", "wrong claim", "right claim"], rows)}`;
}

function boundedMeans({ cells }: CalibrationResults): string {
	const methods = ["betting", "empirical-Bernstein", "betting, difference"];
	const rows = Object.entries(cells["bounded-means"] ?? {}).map(([cell, { means }]) => [
		cell,
		...methods.map((method) => {
			const mean = means[method];
			return mean === undefined ? "–" : bold(atMost(mean), mean.atMost > ALPHA);
		}),
		means["width of the difference"]?.mean.toFixed(2) ?? "–",
	]);
	return `## Bounded means at tiny n

Scores in [0, 1], arms of 40 units, looked at after every unit from the first on: streams whose interval ever excludes the truth. [Betting](betting-confidence-sequence.md) and [empirical-Bernstein](empirical-bernstein-confidence-sequence.md) confidence sequences of one arm, and the betting one of the difference, with its mean width after 40 units an arm.

${table(["scores", ...methods, "width"], rows)}`;
}

function guardrails({ cells }: CalibrationResults): string {
	const rows = CHANGED_RATES.flatMap((changedRate) =>
		EARLIER_CALLS.map((calls) => {
			const cell = cells["guardrail-delay"]?.[`${100 * changedRate} % after ${calls}`];
			const delays = cell?.quantiles;
			const average = cell?.means["restarts, s"];
			const bound = sprtBound({ baseRate: BASE_RATE, changedRate, requestsPerSecond: 50, alpha: ALPHA });
			const ours = delays?.restarts;
			return [
				`1 % → ${100 * changedRate} %`,
				String(calls),
				ours === undefined ? "–" : seconds(ours),
				average === undefined ? "–" : average.mean.toFixed(1),
				delays?.["one start"] === undefined ? "–" : seconds(delays["one start"]),
				bound.armsAlone.toFixed(2),
				bound.knownRates.toFixed(2),
				average === undefined ? "–" : `${(average.mean / bound.armsAlone).toFixed(1)}×`,
			];
		}),
	);
	const alarms = Object.entries(cells["guardrail-alarms"] ?? {}).map(([cell, { means }]) => [
		cell,
		...["restarts", "one start", "peeked z-test"].map((name) => {
			const mean = means[name];
			return mean === undefined ? "–" : bold(atMost(mean), name === "restarts" && mean.atMost > ALPHA);
		}),
	]);
	const latency = Object.entries(cells["mean-guardrail"] ?? {}).map(([cell, { means, quantiles: of }]) => [
		cell,
		means.breached === undefined
			? "–"
			: bold(atMost(means.breached), cell.startsWith("nothing") && means.breached.atMost > ALPHA),
		of.delay === undefined ? "–" : seconds(of.delay),
	]);
	return `## Guardrails: a change of the error rate

50 calls/s of 3,000 users, 50/50, guardrail as in the product (margin 1, prior strength 4, default restarts), looked at after every violation; treatment's error rate rises after so many earlier calls a user and up to a minute more. Delay in seconds, median [99 % interval] (95 % quantile [99 % interval]). The bounds are Wald's, on the mean: no test of level α stops sooner on average, even if it knows that the change is *now*. The first knows the size of the change but must learn from the arms of violations alone; the second knows both rates. What restarts pay for is that they know neither the moment nor the size, and that α is spread over all starts.

${table(["change", "earlier calls a user", "restarts", "their mean", "one start", "SPRT bound, arms alone", "SPRT bound, rates known", "mean over bound"], rows)}
False alarms when nothing changes. The last column repeats a one-sided 5 % z-test every 10 s:

${table(["watched for", "restarts", "one start", "peeked z-test"], alarms)}
A guardrail on mean latency ([restarting comparison](restarting-comparison.md); 3,000 returning users, lognormal σ 0.8, 50 calls/s), looked at every 10 s, false alarms within 20 minutes, or the delay after treatment's latency is multiplied, 20 minutes after the start:

${table(["change, share", "breached", "delay in s, median (95 %)"], latency)}`;
}
