import type { CalibrationResults, CellResult } from "./calibrate.ts";
import { ALPHA } from "./looks.ts";
import { fixed, interval } from "./markdown.ts";
import type { Mean } from "./monte-carlo.ts";
import { PLANNED_POWER } from "./scenarios/planned-power.ts";
import { INFLATION } from "./scenarios/stopping-time.ts";

/** A number that was to be reached, and whether it is. */
export interface Bar {
	readonly bar: string;
	readonly result: string;
	readonly met: boolean;
}

/** A mean of one cell by its name. */
type Read = (cell: CellResult) => Mean | undefined;

/** Everything that the research note asks for, measured. Only what was simulated is judged. */
export function bars(results: CalibrationResults): Bar[] {
	const sample = (name: string, cell: string, limit: number) =>
		below(`E[N] of ${name} at ${cell} the effect, of a fixed test's N: ≤ ${limit}`, limit, (of) => of.upper, [
			[cell, results.cells["stopping-time"]?.[cell]?.means[`${name}: sample`]],
		]);
	const power = results.cells["stopping-time"]?.["1×"]?.means["group-sequential: rejects"];
	const inflation = INFLATION["group-sequential"];
	return [
		...["always-valid", "hybrid"].flatMap((method) =>
			["few", "many"].map((rhythm) =>
				errorRate(
					`${method}: false positives at ${rhythm === "few" ? "28" : "1,000"} looks, 99 % bound ≤ α`,
					all(results, "false-positives", ({ means }) => means[`${method}, ${rhythm}`]),
				),
			),
		),
		...["few", "many"].map((rhythm) =>
			near(
				`group-sequential: false positives at ${rhythm === "few" ? "28" : "1,000"} looks, not above α by more than the simulation's error`,
				all(results, "false-positives", ({ means }) => means[`group-sequential, ${rhythm}`]),
			),
		),
		near(
			"group-sequential with information from the variance, 7 looks, the same",
			all(results, "group-sequential-information", ({ means }) => means.rejects),
		),
		near(
			"looks planned by units, 2 to 10, the same, also where values of units grow",
			all(results, "planned-looks", ({ means }) => means.rejects),
		),
		{
			bar: "looks planned by units: power not below that of spending by information by more than the simulation's error",
			...powerKept(results),
		},
		errorRate(
			"CUPED with a confidence sequence, safeguarded: false positives at 28 looks, 99 % bound ≤ α",
			all(results, "cuped-watch", ({ means }) => means.safeguarded),
		),
		errorRate(
			"best-arm claim: wrong claims over 14 looks, 99 % bound ≤ α",
			all(results, "best-arm", ({ means }) => means["wrong claim"]),
		),
		...["betting", "empirical-Bernstein", "betting, difference"].map((method) =>
			errorRate(
				`bounded means, ${method}: wrong at any of the first 40 units, 99 % bound ≤ α`,
				all(results, "bounded-means", ({ means }) => means[method]),
			),
		),
		...["0.5", "0.95", "0.99"].map((level) =>
			errorRate(
				`p${100 * Number(level)}, sequential: false positives at 28 looks, 99 % bound ≤ α`,
				all(results, "sequential-quantiles", ({ means }) => means[`${level} sequential`]).filter(
					([cell]) => !cell.includes("+"),
				),
			),
		),
		errorRate(
			"sequential SRM looked at after every unit: false alarms at α = 0.05, 99 % bound ≤ α",
			all(results, "sample-ratio", ({ means }) => means["e-value, 0.05"]).filter(([cell]) => !cell.includes("come")),
		),
		errorRate(
			"guardrail with restarts: false alarms over 1 h and 8 h, 99 % bound ≤ α",
			all(results, "guardrail-alarms", ({ means }) => means.restarts),
		),
		errorRate(
			"guardrail on mean latency with restarts: false alarms over 20 min, 99 % bound ≤ α",
			all(results, "mean-guardrail", ({ means }) => means.breached).filter(([cell]) => cell.startsWith("nothing")),
		),
		{
			bar: "group-sequential: power ≥ 0.80 at the minimum detectable effect with N_max ≤ 1.05×",
			result: `${power === undefined ? "–" : interval(power)} with ${inflation.toFixed(3)}×`,
			met: power !== undefined && power.upper >= 0.8 && inflation <= 1.05,
		},
		judge(
			"power planned by requiredUnits at the minimum detectable effect, 0.80, not below it by more than the simulation's error",
			all(results, "planned-power", ({ means }) => means.found).toSorted(
				([, left], [, right]) => left.mean - right.mean,
			),
			({ upper }) => upper >= PLANNED_POWER,
			interval,
		),
		sample("group-sequential", "1×", 0.8),
		sample("group-sequential", "2×", 0.45),
		sample("group-sequential with futility", "0×", 0.6),
		sample("always-valid, cap 1×", "2×", 0.4),
		sample("always-valid, cap 1×", "3×", 0.25),
		...["one arm", "difference"].map((of) => {
			const cells = all(results, "ratio-coverage", ({ means }) => means[of]);
			return {
				bar: `clustered ratio, ${of}: coverage 95 ± 1 % at K = 1,000, m = 10, ICC 0.3`,
				result: cells.map(([cell, mean]) => `${cell}: ${interval(mean)}`).join("; "),
				met: cells.length > 0 && cells.every(([, { mean }]) => Math.abs(mean - 0.95) <= 0.01),
			};
		}),
	];
}

function powerKept(results: CalibrationResults): Pick<Bar, "result" | "met"> {
	const cells = Object.entries(results.cells["planned-looks-power"] ?? {}).flatMap(([cell, { means }]) => {
		const [found, before] = [means.rejects, means["by information"]];
		return found === undefined || before === undefined ? [] : [{ cell, found, before }];
	});
	const worst = cells.toSorted((a, b) => a.found.mean - a.before.mean - (b.found.mean - b.before.mean))[0];
	if (worst === undefined) return { result: "not simulated", met: false };
	return {
		result: `worst of ${cells.length}: ${worst.cell}: ${interval(worst.found)}, before ${interval(worst.before)}`,
		met: cells.every(({ found, before }) => found.upper >= before.mean),
	};
}

type Cells = readonly (readonly [cell: string, mean: Mean])[];

function all(results: CalibrationResults, scenario: string, read: Read): Cells {
	const cells = Object.entries(results.cells[scenario] ?? {}).flatMap(([cell, of]) => {
		const mean = read(of);
		return mean === undefined ? [] : [[cell, mean] as const];
	});
	return cells.sort(([, left], [, right]) => right.mean - left.mean);
}

/** Every cell's one-sided 99 % bound is at most α. */
function errorRate(bar: string, cells: Cells): Bar {
	return judge(
		bar,
		cells,
		({ atMost }) => atMost <= ALPHA,
		({ mean, atMost }) => `${fixed(mean)} (≤ ${fixed(atMost)})`,
	);
}

/** No cell's 99 % interval lies above α. */
function near(bar: string, cells: Cells): Bar {
	return judge(bar, cells, ({ lower }) => lower <= ALPHA, interval);
}

function below(
	bar: string,
	limit: number,
	bound: (mean: Mean) => number,
	cells: readonly (readonly [string, Mean | undefined])[],
): Bar {
	const known = cells.filter((cell): cell is readonly [string, Mean] => cell[1] !== undefined);
	return judge(bar, known, (mean) => bound(mean) <= limit, interval);
}

/** @param cells worst first */
function judge(bar: string, cells: Cells, meets: (mean: Mean) => boolean, show: (mean: Mean) => string): Bar {
	const worst = cells[0];
	if (worst === undefined) return { bar, result: "not simulated", met: false };
	const missed = cells.filter(([, mean]) => !meets(mean));
	const shown = missed.length > 0 ? missed : [worst];
	const label =
		cells.length === 1
			? ""
			: missed.length === 0
				? `worst of ${cells.length}: `
				: `${missed.length} of ${cells.length}: `;
	return {
		bar,
		result: label + shown.map(([cell, mean]) => (cells.length > 1 ? `${cell}: ` : "") + show(mean)).join("; "),
		met: missed.length === 0,
	};
}
