import type { TestedLook } from "@armspan/schema";

/** What was tested, and with which units, for people: one or a few sentences, empty without planned looks. */
export function looksSentence(looks: readonly TestedLook[]): string {
	const tested = looks.filter((look) => look.kind === "tested");
	const last = tested.at(-1);
	const alone = tested.filter(({ basis }) => basis === "union");
	return [
		...(last === undefined
			? []
			: [
					`Look ${last.number} of ${last.of}, of ${last.units} units: z ${signed(last.zScore)} against ±${last.bound.toFixed(2)}.`,
				]),
		...(alone.length === 0
			? []
			: [
					`${numbered(alone)} cannot be placed beside those before (no more information, or values of units have grown), and ${alone.length === 1 ? "was" : "were"} tested alone, at ${alone.length === 1 ? "its" : "their"} share of alpha.`,
				]),
		...looks.flatMap((look) =>
			look.kind === "tested" ? [] : [`Look ${look.number} of ${look.of} could not be tested: ${look.message}`],
		),
	].join(" ");
}

function numbered(looks: readonly TestedLook[]): string {
	return `${looks.length === 1 ? "Look" : "Looks"} ${looks.map(({ number }) => number).join(", ")}`;
}

function signed(value: number): string {
	return `${value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}`;
}
