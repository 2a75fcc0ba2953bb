/** When things happened, from the provider's switch to the last call that treatment got. */
export interface TimeLine {
	loadStartedAt: Date;
	providerSwitchedAt?: Date;
	/** The look at which the guardrail fired. */
	detectedAt?: Date;
	/** The routing bundle without treatment was on disk. */
	bundleWrittenAt?: Date;
	/** Start of the last call that was routed to treatment. */
	lastTreatmentCallAt?: Date;
}

const STEPS: readonly [keyof TimeLine, string][] = [
	["loadStartedAt", "load started"],
	["providerSwitchedAt", "provider turned bad for the treatment prompt"],
	["detectedAt", "guardrail fired"],
	["bundleWrittenAt", "routing bundle rewritten"],
	["lastTreatmentCallAt", "last call routed to treatment started"],
];

/** Milliseconds from the provider's switch to `at`; `undefined` before both are known. */
export function sinceSwitchMs(timeLine: TimeLine, step: keyof TimeLine): number | undefined {
	const at = timeLine[step];
	return at === undefined || timeLine.providerSwitchedAt === undefined
		? undefined
		: at.getTime() - timeLine.providerSwitchedAt.getTime();
}

/** One line per step that has happened: clock time, seconds since the switch, what happened. */
export function renderTimeLine(timeLine: TimeLine): string[] {
	return STEPS.flatMap(([step, label]) => {
		const at = timeLine[step];
		if (at === undefined) {
			return [];
		}
		const ms = sinceSwitchMs(timeLine, step);
		const relative = ms === undefined ? "" : `${ms < 0 ? "−" : "+"}${(Math.abs(ms) / 1000).toFixed(2)} s`;
		return [`${at.toISOString().slice(11, 23)}  ${relative.padStart(9)}  ${label}`];
	});
}
