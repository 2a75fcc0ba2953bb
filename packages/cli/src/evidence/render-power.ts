import type { InferencePlan, PowerPlan } from "@armspan/schema";
import { printable, textTable } from "./text-table.ts";

const CURVE_WIDTH = 40;

/** A plan for people: what is assumed, what each inference needs, and the curve of the chosen one. */
export function renderPower(plan: PowerPlan): string {
	const { effect, alpha, power, arms, plannedUnits } = plan;
	const curve = plan.plans.find(({ chosen }) => chosen) ?? plan.plans.at(-1);
	return [
		`${plan.experiment ?? "plan"}: ${plan.metric ?? "a metric"} ${percent(effect)} of ${baseline(plan)}, alpha ${rounded(alpha)}, power ${power}, ${arms} arms`,
		source(plan),
		"",
		...textTable(
			[
				[
					"inference",
					"units",
					"control",
					"treatment",
					"days",
					"ends on average after",
					...(plannedUnits === null ? [] : [`power with ${count(plannedUnits)} units`, "which find"]),
				],
				...plan.plans.map((one) => row(one, plannedUnits !== null)),
			],
			[false, true, true, true, true, true, true, true],
		),
		...(curve === undefined || curve.curve.length === 0
			? []
			: ["", `power of ${curve.inference} by units:`, ...curve.curve.map(bar)]),
		...notEstimable(plan.plans).map((message) => `not estimable: ${message}`),
		...(plan.caveats.length === 0 ? [] : ["", ...plan.caveats.map((caveat) => `note: ${caveat}`)]),
	]
		.map((line) => `${printable(line)}\n`)
		.join("");
}

/** Why units cannot be told, each reason once. */
function notEstimable(plans: readonly InferencePlan[]): string[] {
	const messages = plans.flatMap(({ requiredUnits }) =>
		requiredUnits.kind === "not-estimable" ? [requiredUnits.message] : [],
	);
	return [...new Set(messages)];
}

function baseline({ baseline: value, unit }: PowerPlan): string {
	if (value === null) return "an unknown baseline";
	return unit === "share" ? `${rounded(value * 100)} %` : `${rounded(value)} ${unit}`.trim();
}

function source({ source: from, newUnitsPerDay, enrolledShare }: PowerPlan): string {
	const traffic =
		newUnitsPerDay === null
			? "traffic unknown"
			: `${newUnitsPerDay.map((units) => count(units)).join(", ")} new units a day, ${rounded(enrolledShare * 100)} % enrolled`;
	if (from.kind === "given") return `from the numbers given; ${traffic}`;
	const clustering = from.designEffect === null ? "" : `, design effect ${rounded(from.designEffect)}`;
	return `from ${count(from.units)} units and ${count(from.observations)} observations of ${from.prompt} ${from.version}, ${from.since.slice(0, 10)} to ${from.until.slice(0, 10)}${clustering}; ${traffic}`;
}

function row(plan: InferencePlan, isPlanned: boolean): string[] {
	const { requiredUnits: units, duration, expectedUnits, powerAtPlannedUnits, minimumDetectableEffect } = plan;
	return [
		`${plan.inference}${plan.chosen ? " (chosen)" : ""}`,
		...(units.kind === "estimated"
			? [count(units.units), count(units.control), count(units.treatment)]
			: [units.reason, "", ""]),
		duration === null ? "" : duration.kind === "estimated" ? count(duration.days) : duration.reason,
		expectedUnits === null ? "" : count(Math.round(expectedUnits)),
		...(isPlanned
			? [
					powerAtPlannedUnits?.kind === "estimated"
						? powerAtPlannedUnits.value.toFixed(2)
						: (powerAtPlannedUnits?.reason ?? ""),
					minimumDetectableEffect?.kind === "estimated"
						? percent(minimumDetectableEffect.value)
						: (minimumDetectableEffect?.reason ?? ""),
				]
			: []),
	];
}

function bar({ units, power }: InferencePlan["curve"][number]): string {
	const filled = Math.round(power * CURVE_WIDTH);
	return `${count(units).padStart(14)}  ${"█".repeat(filled)}${"·".repeat(CURVE_WIDTH - filled)}  ${power.toFixed(2)}`;
}

function percent(share: number): string {
	return `${share < 0 ? "−" : "+"}${rounded(Math.abs(share) * 100)} %`;
}

function rounded(value: number): string {
	return String(Number(value.toPrecision(3)));
}

function count(value: number): string {
	return value.toLocaleString("en-US", { maximumFractionDigits: 1 });
}
